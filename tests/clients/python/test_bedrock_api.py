"""The Bedrock API through the gateway, with boto3 and signed requests.

boto3 sends API keys only over TLS; see frameworks/test_langchain_aws.py.
"""

import datetime
import json

import boto3
import botocore.auth
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, EventStreamError

from processes import eventually
from simulated import CLAUDE, NOVA, error, fault, script, text

ID, SECRET = "OUTCROPTEAMA0001", "a-secret-that-only-team-a-and-the-gateway-know"

CONFIGURATION = f"""
[retry]
base_delay = "10ms"
budget_percent = 1000

[models]
plain-name = "{NOVA}"

[keys.team-a]
key = "sk-test-team-a"
access_key_id = "{ID}"
secret_access_key = "{SECRET}"

[s3]
bucket = "outcrop-example"

[bedrock_api]
async_invoke = true
"""

# The S3 folder of team-a's jobs.
FOLDER = "s3://outcrop-example/outcrop/jobs/team-a/"

HELLO = [{"role": "user", "content": [{"text": "Good morning, mountain"}]}]
TO_CLAUDE = {
    "anthropic_version": "bedrock-2023-05-31",
    "max_tokens": 50,
    "messages": [{"role": "user", "content": "Good morning, mountain"}],
}
COUNTABLE = "anthropic.claude-sonnet-4-5-20250929-v1:0"


@pytest.fixture(scope="module")
def gateway(start_gateway):
    return start_gateway(CONFIGURATION)


def connect(gateway, key_id=ID, secret=SECRET, attempts=1, **more):
    return boto3.client(
        "bedrock-runtime",
        # The gateway's region differs.
        region_name="eu-west-3",
        endpoint_url=gateway.url,
        aws_access_key_id=key_id,
        aws_secret_access_key=secret,
        config=Config(retries={"total_max_attempts": attempts}),
        **more,
    )


@pytest.fixture
def bedrock(gateway):
    return connect(gateway)


def rejected(call, **arguments):
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    response = caught.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Message"]


@pytest.mark.parametrize("model", [NOVA, CLAUDE, "plain-name"])
def test_converse(bedrock, simulator, model):
    simulator.push(script(text("Good ", "morning")))
    response = bedrock.converse(modelId=model, messages=HELLO, inferenceConfig={"maxTokens": 50})
    assert response["output"]["message"]["content"] == [{"text": "Good morning"}]
    assert response["usage"]["outputTokens"] > 0
    assert response["ResponseMetadata"]["RequestId"]
    assert "x-outcrop-cost-usd" in response["ResponseMetadata"]["HTTPHeaders"]
    assert simulator.last() == {"messages": HELLO, "inferenceConfig": {"maxTokens": 50}}


def test_converse_by_an_arn(bedrock, simulator):
    arn = f"arn:aws:bedrock:us-east-1:123456789012:inference-profile/{CLAUDE}"
    assert bedrock.converse(modelId=arn, messages=HELLO)["stopReason"] == "end_turn"
    assert simulator.received()[-1]["model"] == arn


def test_converse_stream(bedrock, simulator):
    simulator.push(script(text("Good ", "morning")))
    response = bedrock.converse_stream(modelId=NOVA, messages=HELLO)
    events = list(response["stream"])
    deltas = [event["contentBlockDelta"]["delta"] for event in events if "contentBlockDelta" in event]
    assert "".join(delta.get("text", "") for delta in deltas) == "Good morning"
    assert events[-1]["metadata"]["usage"]["outputTokens"] > 0


def test_invoke_model_with_claude_format(bedrock):
    response = bedrock.invoke_model(modelId=CLAUDE, body=json.dumps(TO_CLAUDE))
    assert json.loads(response["body"].read())["type"] == "message"
    headers = response["ResponseMetadata"]["HTTPHeaders"]
    assert int(headers["x-amzn-bedrock-output-token-count"]) > 0


def test_invoke_model_with_titan_format(bedrock, simulator):
    body = '{"inputText": "Good morning", "dimensions": 256, "normalize": true}'
    response = bedrock.invoke_model(modelId="amazon.titan-embed-text-v2:0", body=body)
    assert json.loads(response["body"].read())["embedding"]
    assert simulator.last() == json.loads(body)


def test_invoke_model_with_response_stream(bedrock):
    response = bedrock.invoke_model_with_response_stream(modelId=CLAUDE, body=json.dumps(TO_CLAUDE))
    chunks = [json.loads(event["chunk"]["bytes"]) for event in response["body"]]
    assert chunks[0]["type"] == "message_start"
    assert chunks[-1]["amazon-bedrock-invocationMetrics"]["outputTokenCount"] > 0


def test_count_tokens(bedrock):
    counted = bedrock.count_tokens(modelId=COUNTABLE, input={"converse": {"messages": HELLO}})
    assert counted["inputTokens"] > 0
    body = json.dumps(TO_CLAUDE).encode()
    assert bedrock.count_tokens(modelId=COUNTABLE, input={"invokeModel": {"body": body}})["inputTokens"] > 0


def test_apply_guardrail(bedrock):
    response = bedrock.apply_guardrail(
        guardrailIdentifier="demoguardrail",
        guardrailVersion="1",
        source="INPUT",
        content=[{"text": {"text": "An avalanche!"}}],
    )
    assert response["action"] == "GUARDRAIL_INTERVENED"


def test_invoke_guardrail_checks(bedrock):
    response = bedrock.invoke_guardrail_checks(
        messages=[{"role": "user", "content": [{"text": "Good morning"}]}],
        checks={"contentFilter": {"categories": [{"category": "VIOLENCE"}]}},
    )
    assert response["results"]["contentFilter"]["results"][0]["category"] == "VIOLENCE"


def job(uri):
    return {
        "modelId": "amazon.nova-reel-v1:1",
        "modelInput": {
            "taskType": "TEXT_VIDEO",
            "textToVideoParams": {"text": "A mountain"},
            "videoGenerationConfig": {"durationSeconds": 6, "fps": 24, "dimension": "1280x720"},
        },
        "outputDataConfig": {"s3OutputDataConfig": {"s3Uri": uri}},
    }


def test_async_invocations(bedrock):
    arn = bedrock.start_async_invoke(**job(f"{FOLDER}videos"))["invocationArn"]
    assert bedrock.get_async_invoke(invocationArn=arn)["invocationArn"] == arn
    listed = bedrock.list_async_invokes(maxResults=5)["asyncInvokeSummaries"]
    assert arn in [summary["invocationArn"] for summary in listed]


@pytest.mark.parametrize(
    "uri", ["s3://theirs/outcrop/videos", "s3://outcrop-example/outcrop/videos"]
)
def test_async_invocations_write_only_to_the_callers_folder(bedrock, uri):
    code, status, message = rejected(bedrock.start_async_invoke, **job(uri))
    assert (code, status) == ("AccessDeniedException", 403)
    assert FOLDER in message


def test_the_endpoint_from_the_environment(gateway, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", gateway.url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ID)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    client = boto3.Session(region_name="us-east-1").client("bedrock-runtime")
    assert client.converse(modelId=NOVA, messages=HELLO)["stopReason"] == "end_turn"


@pytest.mark.parametrize(
    ("key_id", "secret", "token", "code"),
    [
        (ID, "another secret", None, "InvalidSignatureException"),
        ("AKIAIOSFODNN7EXAMPLE", SECRET, None, "UnrecognizedClientException"),
        (ID, SECRET, "a token", "UnrecognizedClientException"),
    ],
)
def test_wrong_credentials(gateway, simulator, key_id, secret, token, code):
    client = connect(gateway, key_id, secret, aws_session_token=token)
    assert rejected(client.converse, modelId=NOVA, messages=HELLO)[:2] == (code, 403)
    assert simulator.received() == []


def test_clock_skew_is_rejected(bedrock, monkeypatch):
    then = datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc)
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda *_, **__: then)
    code, status, message = rejected(bedrock.converse, modelId=NOVA, messages=HELLO)
    assert (code, status) == ("InvalidSignatureException", 403)
    assert message.startswith("Signature expired: 20200101T000000Z is now earlier than ")


@pytest.mark.parametrize(
    ("status", "name"),
    [
        (400, "ValidationException"),
        (403, "AccessDeniedException"),
        (404, "ResourceNotFoundException"),
        (408, "ModelTimeoutException"),
        (424, "ModelErrorException"),
        (429, "ThrottlingException"),
        (500, "InternalServerException"),
        (503, "ServiceUnavailableException"),
    ],
)
def test_errors_have_boto3_types(bedrock, simulator, status, name):
    simulator.push(script(error(status, name), times=0))
    with pytest.raises(getattr(bedrock.exceptions, name)) as caught:
        bedrock.converse(modelId=NOVA, messages=HELLO)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
    assert caught.value.response["Error"]["Message"] == "ordered"
    simulator.clear()


def test_transient_errors_are_retried(bedrock, simulator):
    simulator.push(script(error(429, "ThrottlingException"), times=2))
    assert bedrock.converse(modelId=NOVA, messages=HELLO)["stopReason"] == "end_turn"
    assert len(simulator.received()) == 3


def test_a_broken_stream_raises(bedrock, simulator):
    simulator.push(script(None, fault("cut", after_events=2)))
    with pytest.raises(EventStreamError) as caught:
        list(bedrock.converse_stream(modelId=NOVA, messages=HELLO)["stream"])
    assert "internalServerException" in str(caught.value)


def test_the_log_has_the_caller_and_usage(bedrock, gateway):
    bedrock.converse(modelId="plain-name", messages=HELLO)
    is_it = lambda line: line.get("caller") == "team-a" and line["model"] == "plain-name"
    line = eventually(lambda: next(filter(is_it, gateway.request_lines()), None))
    assert (line["target_model"], line["status"]) == (NOVA, 200)
    assert line["prompt_tokens"] > 0 and float(line["cost_usd"]) > 0
    assert not any(SECRET in line for line in gateway.lines)
