"""POST /v1/explain: what the gateway makes of a request, without sending it."""

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
    """A value and all that is in it."""
    yield value
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for child in inner:
        yield from values_in(child)


@pytest.mark.parametrize("body", REQUESTS)
def test_it_shows_what_would_be_sent_and_sends_nothing(http, simulator, body):
    explained = http.post("/explain", json=body)
    assert explained.status_code == 200, explained.text
    # Bedrock may count the tokens, and is asked nothing else.
    assert {call["operation"] for call in simulator.received()} <= {"count_tokens"}

    answer = http.post("/chat/completions", json=body)
    assert answer.status_code == 200, answer.text
    found = list(values_in(explained.json()))
    assert simulator.last() in found
    assert simulator.received()[-1]["model"] in found
    for note in filter(None, answer.headers.get("x-outcrop-adjustments", "").split(", ")):
        field = note.split(":")[0]
        assert any(isinstance(value, str) and field in value for value in found), note


def test_what_would_be_refused_is_refused_alike(http, simulator):
    body = {"model": NOVA, "messages": HELLO, "logit_bias": {"50256": -100}}
    explained, answer = http.post("/explain", json=body), http.post("/chat/completions", json=body)
    assert explained.status_code == answer.status_code == 400
    assert explained.json() == answer.json()
    assert simulator.received() == []


def test_it_wants_a_key(gateway, http):
    answer = http.post("/explain", json={"model": NOVA, "messages": HELLO}, headers={"authorization": "Bearer wrong"})
    assert answer.status_code == 401
