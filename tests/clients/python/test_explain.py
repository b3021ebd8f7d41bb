"""POST /v1/explain: the translated request, without a call to the model."""

import pytest

from simulated import CLAUDE, HELLO, NOVA

TOOL = {"type": "function", "function": {"name": "weather.of/city", "parameters": {"type": "object", "properties": {}}}}
REQUESTS = [
    {"model": NOVA, "messages": HELLO},
    {
        "model": CLAUDE, "stream": True, "temperature": 1.5, "seed": 7, "tools": [TOOL], "reasoning_effort": "low",
        "messages": [{"role": "system", "content": "Be brief."}, *HELLO],
    },
    {"model": NOVA, "messages": HELLO, "response_format": {"type": "json_schema", "json_schema": {
        "name": "city", "schema": {"type": "object", "properties": {"name": {"type": "string"}}},
    }}},
]


def values_in(value):
    """A value and all nested values."""
    yield value
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for child in inner:
        yield from values_in(child)


@pytest.mark.parametrize("body", REQUESTS)
def test_explain_returns_the_request_without_sending_it(http, simulator, body):
    explained = http.post("/explain", json=body)
    assert explained.status_code == 200, explained.text
    # CountTokens is the only allowed call to Bedrock.
    assert {call["operation"] for call in simulator.received()} <= {"count_tokens"}

    response = http.post("/chat/completions", json=body)
    assert response.status_code == 200, response.text
    values = list(values_in(explained.json()))
    assert simulator.last() in values
    assert simulator.received()[-1]["model"] in values
    for note in filter(None, response.headers.get("x-outcrop-adjustments", "").split(", ")):
        field = note.split(":")[0]
        assert any(isinstance(value, str) and field in value for value in values), note


def test_explain_rejects_what_chat_would_reject(http, simulator):
    body = {"model": NOVA, "messages": HELLO, "logit_bias": {"50256": -100}}
    explained, response = http.post("/explain", json=body), http.post("/chat/completions", json=body)
    assert explained.status_code == response.status_code == 400
    assert explained.json() == response.json()
    assert simulator.received() == []


def test_explain_requires_a_key(gateway, http):
    response = http.post("/explain", json={"model": NOVA, "messages": HELLO}, headers={"authorization": "Bearer wrong"})
    assert response.status_code == 401
