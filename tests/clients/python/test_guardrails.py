"""Guardrails: fields, headers, guarded parts, and findings."""

import json

import pytest

from conftest import sse_data
from simulated import CLAUDE, HELLO, converse, script

# Does not support prompt caching.
LLAMA = "us.meta.llama3-3-70b-instruct-v1:0"

GUARD = {"guardrailIdentifier": "demoguardrail", "guardrailVersion": "1"}
HEADERS = {
    "X-Amzn-Bedrock-GuardrailIdentifier": "demoguardrail",
    "X-Amzn-Bedrock-GuardrailVersion": "1",
    "X-Amzn-Bedrock-Trace": "ENABLED",
}
TRACE = {"guardrail": {"inputAssessment": {"demoguardrail": {"topicPolicy": {"topics": [
    {"name": "Avalanches", "type": "DENY", "action": "BLOCKED"}
]}}}}}
BLOCKED = converse({"text": "I must not speak of that."}, stop_reason="guardrail_intervened", trace=TRACE)


def send(http, stream=False, headers=None, messages=HELLO, **more):
    body = {"model": CLAUDE, "messages": messages, "stream": stream, **more}
    response = http.post("/chat/completions", json=body, headers=headers)
    assert response.status_code == 200, response.text
    return response


@pytest.mark.parametrize("stream", [False, True], ids=["non_streaming", "streaming"])
def test_a_guardrail_is_forwarded(http, simulator, stream):
    guardrail = {**GUARD, "trace": "enabled", "streamProcessingMode": "async"}
    send(http, stream, guardrailConfig=guardrail)

    expected = {**GUARD, "trace": "enabled"}
    # Only ConverseStream has the processing mode.
    if simulator.received()[-1]["operation"] == "converse_stream":
        expected["streamProcessingMode"] = "async"
    assert simulator.last()["guardrailConfig"] == expected


def test_headers_set_the_guardrail(http, simulator):
    send(http, headers=HEADERS)
    assert simulator.last()["guardrailConfig"] == {**GUARD, "trace": "enabled"}


def test_the_trace_is_returned(http, simulator):
    simulator.push(script(BLOCKED))
    response = send(http, guardrailConfig={**GUARD, "trace": "enabled"}).json()

    assert response["trace"] == TRACE
    [choice] = response["choices"]
    assert (choice["finish_reason"], choice["message"]["content"]) == ("content_filter", "I must not speak of that.")
    assert choice["message"]["refusal"] is None


@pytest.mark.parametrize("usage", [True, False], ids=["with usage", "without usage"])
def test_the_trace_is_returned_at_the_end_of_a_stream(http, simulator, usage):
    simulator.push(script(BLOCKED))
    guardrail = {**GUARD, "trace": "enabled"}
    options = {"stream_options": {"include_usage": True}} if usage else {}
    *chunks, done = sse_data(send(http, stream=True, guardrailConfig=guardrail, **options).text)
    *preceding, last = map(json.loads, chunks)

    assert done == "[DONE]"
    assert all("trace" not in chunk for chunk in preceding)
    assert (last["trace"], last["choices"]) == (TRACE, [])
    assert ("usage" in last and last["usage"] is not None) == usage


def test_only_guarded_parts_are_evaluated(http, simulator):
    parts = [{"type": "text", "text": "By the way:"}, {"type": "guarded_text", "text": "A stranger's words."}]
    send(http, messages=[{"role": "user", "content": parts}], guardrailConfig=GUARD)
    assert simulator.last()["messages"][0]["content"] == [
        {"text": "By the way:"}, {"guardContent": {"text": {"text": "A stranger's words."}}}
    ]


@pytest.mark.parametrize(("model", "first"), [
    (LLAMA, {"text": HELLO[0]["content"]}),
    # In a cached prompt, a message has the same form whether or not it is the last.
    (CLAUDE, {"guardContent": {"text": {"text": HELLO[0]["content"]}}}),
])
def test_only_the_last_turn_may_be_evaluated(http, simulator, model, first):
    history = [*HELLO, {"role": "assistant", "content": "Hello."}, {"role": "user", "content": "And now?"}]
    send(http, messages=history, model=model, guardrailConfig={**GUARD, "onlyLastTurn": True})
    body = simulator.last()
    assert body["guardrailConfig"] == GUARD
    assert body["messages"][0]["content"] == [first]
    assert body["messages"][2]["content"] == [{"guardContent": {"text": {"text": "And now?"}}}]


@pytest.mark.parametrize("guardrail", [{"guardrailIdentifier": "demoguardrail"}, {**GUARD, "trace": "loud"}, "demoguardrail"])
def test_an_incomplete_guardrail_is_rejected(http, simulator, guardrail):
    # A request must not be sent without its guardrail.
    response = http.post("/chat/completions", json={"model": CLAUDE, "messages": HELLO, "guardrailConfig": guardrail})
    assert response.status_code == 400
    assert response.json()["error"]["param"].startswith("guardrailConfig")
    assert simulator.received() == []
