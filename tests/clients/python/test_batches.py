"""Files and batches with OpenAI's SDK."""

import io
import json

import openai
import pytest

from conftest import connect
from processes import eventually
from simulated import CLAUDE, NOVA

CONFIGURATION = """
[s3]
bucket = "outcrop-example"
path_style = true

[batches]
enabled = true
role_arn = "arn:aws:iam::123456789012:role/outcrop-batches"
poll_interval = "20ms"

[retry]
base_delay = "10ms"
budget_percent = 1000
"""

FINAL = {"completed", "failed", "expired", "cancelled"}


@pytest.fixture(scope="module")
def batch_gateway(start_gateway):
    return start_gateway(CONFIGURATION)


@pytest.fixture
def client(batch_gateway):
    with connect(batch_gateway) as client:
        yield client


def line(custom_id, model, text, **more):
    body = {"model": model, "messages": [{"role": "user", "content": text}], **more}
    return {"custom_id": custom_id, "method": "POST", "url": "/v1/chat/completions", "body": body}


def upload(client, lines, **more):
    content = "".join(json.dumps(line) + "\n" for line in lines)
    return client.files.create(file=("in.jsonl", io.BytesIO(content.encode())), purpose="batch", **more)


def begin(client, lines, endpoint="/v1/chat/completions", **more):
    return client.batches.create(
        input_file_id=upload(client, lines).id, endpoint=endpoint, completion_window="24h", **more
    )


def wait_for_end(client, batch):
    def ended():
        seen = client.batches.retrieve(batch.id)
        return seen if seen.status in FINAL else None

    return eventually(ended)


def lines_of(client, file_id):
    return [json.loads(line) for line in client.files.content(file_id).iter_lines()]


def test_a_file_is_stored_listed_read_and_deleted(client):
    file = upload(client, [line("a", NOVA, "hi")], expires_after={"anchor": "created_at", "seconds": 3600})
    assert (file.object, file.purpose, file.filename, file.status) == ("file", "batch", "in.jsonl", "processed")
    assert file.expires_at == file.created_at + 3600
    assert client.files.retrieve(file.id) == file
    assert file.id in [listed.id for listed in client.files.list(purpose="batch", limit=1)]
    content = client.files.content(file.id).read()
    assert len(content) == file.bytes
    assert json.loads(content)["custom_id"] == "a"
    assert client.files.delete(file.id).deleted
    with pytest.raises(openai.NotFoundError):
        client.files.retrieve(file.id)


def test_a_small_batch_is_processed_call_by_call(client, simulator):
    tools = [{"type": "function", "function": {"name": "a.tool", "parameters": {"type": "object", "properties": {}}}}]
    batch = begin(
        client,
        [line("one", NOVA, "Good morning"), line("two", CLAUDE, "Good night", tools=tools), line("bad", "no-such-model", "x")],
        metadata={"job": "nightly"},
        output_expires_after={"anchor": "created_at", "seconds": 7200},
    )
    assert batch.status == "validating"
    batch = wait_for_end(client, batch)
    assert batch.status == "completed", batch
    assert (batch.request_counts.total, batch.request_counts.completed, batch.request_counts.failed) == (3, 2, 1)
    assert batch.metadata == {"job": "nightly"}
    assert batch.usage.total_tokens == batch.usage.input_tokens + batch.usage.output_tokens > 0
    responses = {line["custom_id"]: line["response"] for line in lines_of(client, batch.output_file_id)}
    assert set(responses) == {"one", "two"}
    completion = openai.types.chat.ChatCompletion.model_validate(responses["one"]["body"])
    assert "Good morning" in completion.choices[0].message.content
    assert responses["one"]["status_code"] == 200
    (error,) = lines_of(client, batch.error_file_id)
    assert (error["custom_id"], error["response"]["status_code"]) == ("bad", 404)
    output = client.files.retrieve(batch.output_file_id)
    assert (output.purpose, output.expires_at - output.created_at) == ("batch_output", 7200)


@pytest.mark.parametrize("count", [1, 100], ids=["calls", "job"])
def test_a_batch_has_requests_of_the_responses_api(client, count):
    bodies = [{"model": NOVA, "input": f"say {number}"} for number in range(count)]
    lines = [
        {"custom_id": str(number), "method": "POST", "url": "/v1/responses", "body": body}
        for number, body in enumerate(bodies)
    ]
    batch = wait_for_end(client, begin(client, lines, endpoint="/v1/responses"))
    assert batch.status == "completed", batch
    for number, result in enumerate(lines_of(client, batch.output_file_id)):
        response = openai.types.responses.Response.model_validate(result["response"]["body"])
        assert f"say {number}" in response.output_text
    assert batch.usage.total_tokens == batch.usage.input_tokens + batch.usage.output_tokens > 0


def test_a_large_batch_is_processed_by_jobs(client, simulator):
    lines = [line(f"{model}-{number}", model, f"say {number}") for model in (NOVA, CLAUDE) for number in range(100)]
    batch = wait_for_end(client, begin(client, lines))
    assert batch.status == "completed", batch
    assert batch.request_counts.completed == 200
    results = lines_of(client, batch.output_file_id)
    assert [result["custom_id"] for result in results] == [line["custom_id"] for line in lines]
    for result in results:
        text = result["response"]["body"]["choices"][0]["message"]["content"]
        assert "say " + result["custom_id"].rsplit("-", 1)[1] in text
    operations = [request["operation"] for request in simulator.requests()]
    assert operations.count("create_model_invocation_job") == 2
    assert "converse" not in operations


def test_a_file_with_mistakes_fails_with_line_numbers(client):
    good = line("a", NOVA, "x")
    batch = wait_for_end(client, begin(client, [good, good, line("b", NOVA, "x", stream=True)]))
    assert batch.status == "failed"
    errors = [(error.line, error.code, error.param) for error in batch.errors.data]
    assert errors == [(2, "duplicate_custom_id", "custom_id"), (3, "unsupported_value", "body.stream")]


def test_a_batch_is_cancelled(client, simulator):
    simulator.control_jobs(hold=True)
    batch = begin(client, [line(str(number), NOVA, "x") for number in range(100)])
    eventually(lambda: client.batches.retrieve(batch.id).status == "in_progress")
    assert client.batches.cancel(batch.id).status == "cancelling"
    assert wait_for_end(client, batch).status == "cancelled"
    with pytest.raises(openai.NotFoundError):
        client.batches.cancel("batch_unknown")


def test_batches_are_listed_newest_first_across_pages(client):
    batches = [wait_for_end(client, begin(client, [line("a", NOVA, "x")])).id for _ in range(3)]
    listed = [batch.id for batch in client.batches.list(limit=2)]
    assert listed[:3] == batches[::-1]
    assert listed == sorted(listed, reverse=True)


def test_invalid_batches_are_rejected_by_field(client):
    with pytest.raises(openai.BadRequestError) as raised:
        client.batches.create(input_file_id="f", endpoint="/v1/embeddings", completion_window="24h")
    assert (raised.value.param, raised.value.code) == ("endpoint", "unsupported_value")
    with pytest.raises(openai.BadRequestError) as raised:
        client.files.create(file=("a.jsonl", b"{}"), purpose="fine-tune")
    assert raised.value.param == "purpose"


def test_disabled_batches_explain_how_to_enable_them(gateway):
    with connect(gateway) as client, pytest.raises(openai.NotFoundError) as raised:
        client.batches.list()
    assert raised.value.code == "not_enabled"
