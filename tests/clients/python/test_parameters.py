"""Request fields: supported, rejected by name, or noted; and response headers."""

import httpx
import openai
import pytest

from processes import API_KEY
from simulated import CLAUDE, HELLO, NOVA

HARMLESS = {
    "n": 1,
    "frequency_penalty": 0,
    "presence_penalty": 0,
    "logprobs": False,
    "seed": 7,
    "logit_bias": {},
    "user": "someone",
    "store": False,
    "metadata": {},
    "modalities": ["text"],
    "response_format": {"type": "text"},
    "service_tier": "auto",
    "parallel_tool_calls": True,
    "stop": None,
    "tools": [],
    "tool_choice": "none",
}


def test_harmless_parameters_at_harmless_values_are_accepted(client):
    together = client.chat.completions.create(model=NOVA, messages=HELLO, **HARMLESS)
    assert together.choices[0].finish_reason == "stop"
    for name, value in HARMLESS.items():
        alone = client.chat.completions.create(model=CLAUDE, messages=HELLO, **{name: value})
        assert alone.choices[0].finish_reason == "stop", name


def test_null_is_equivalent_to_absent(http):
    body = {"model": NOVA, "messages": HELLO, **dict.fromkeys(HARMLESS), "stream": None,
            "stream_options": None, "temperature": None, "top_p": None, "max_tokens": None}
    assert http.post("/chat/completions", json=body).status_code == 200


@pytest.mark.parametrize(
    ("parameter", "fields"),
    [
        ("n", {"n": 1000}),
        ("logit_bias", {"logit_bias": {"1": 100}}),
        ("modalities", {"modalities": ["text", "audio"], "audio": {"voice": "ash", "format": "wav"}}),
        ("temperature", {"temperature": 3}),
        ("max_completion_tokens", {"max_completion_tokens": 0}),
        ("messages", {"messages": []}),
        ("model", {"model": ""}),
        ("stream_options", {"stream_options": {"include_usage": True}}),
        ("tool_choice", {"tool_choice": "required"}),
    ],
)
def test_unsupported_parameters_are_rejected_by_name(client, simulator, parameter, fields):
    with pytest.raises(openai.BadRequestError) as refusal:
        client.chat.completions.create(**{"model": NOVA, "messages": HELLO, **fields})
    assert refusal.value.param == parameter
    assert refusal.value.type == "invalid_request_error"
    assert simulator.received() == []


def test_audio_is_rejected_with_its_path(client):
    part = {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}
    with pytest.raises(openai.BadRequestError) as refusal:
        client.chat.completions.create(model=NOVA, messages=[{"role": "user", "content": [part]}])
    assert refusal.value.param.startswith("messages[0].content[0]")


def test_a_value_of_the_wrong_type_is_rejected_with_its_path(client):
    with pytest.raises(openai.BadRequestError) as refusal:
        client.chat.completions.create(model=NOVA, messages=[{"role": "user", "content": [{"type": "text", "text": 1}]}])
    assert refusal.value.param == "messages[0].content[0].text"
    with pytest.raises(openai.BadRequestError) as refusal:
        client.chat.completions.create(model=NOVA, messages=HELLO, temperature="hot")
    assert refusal.value.param == "temperature"


def test_adjustments_are_reported_in_a_header(client, simulator):
    response = client.chat.completions.with_raw_response.create(
        model=CLAUDE, messages=HELLO, seed=7, temperature=1.5, extra_body={"top_k_of_mine": 3}
    )
    notes = response.headers["x-outcrop-adjustments"].split(", ")
    assert {"seed: ignored", "temperature: clamped to 1", "top_k_of_mine: ignored"} <= set(notes)
    assert simulator.last()["inferenceConfig"]["temperature"] == 1
    untouched = client.chat.completions.with_raw_response.create(model=CLAUDE, messages=HELLO)
    assert "x-outcrop-adjustments" not in untouched.headers


def test_a_strict_request_is_rejected_instead_of_adjusted(client, simulator):
    strict = {"x-outcrop-strict": "true"}
    with pytest.raises(openai.BadRequestError) as refusal:
        client.chat.completions.create(model=CLAUDE, messages=HELLO, seed=7, extra_headers=strict)
    assert refusal.value.param == "seed"
    assert simulator.received() == []
    client.chat.completions.create(model=CLAUDE, messages=HELLO, extra_headers=strict)


@pytest.mark.parametrize("stream", [False, True])
def test_every_response_has_the_headers_sdks_read(client, stream):
    response = client.chat.completions.with_raw_response.create(model=NOVA, messages=HELLO, stream=stream)
    assert response.headers["x-request-id"].startswith("req_")
    assert int(response.headers["openai-processing-ms"]) >= 0
    assert response.headers["openai-version"] == "2020-10-01"
    parsed = response.parse()
    if stream:
        assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert response.headers["cache-control"] == "no-cache"
        assert response.headers["x-accel-buffering"] == "no"
        assert "content-encoding" not in response.headers
        assert list(parsed)[-1].choices[0].finish_reason == "stop"
    else:
        assert response.headers["content-type"] == "application/json"
        assert parsed._request_id == response.request_id == response.headers["x-request-id"]


def test_request_ids_are_unique(client):
    ids = {client.chat.completions.create(model=NOVA, messages=HELLO)._request_id for _ in range(3)}
    assert len(ids) == 3


@pytest.mark.parametrize(
    "headers", [{"authorization": f"bearer {API_KEY}"}, {"api-key": API_KEY}, {"x-api-key": API_KEY}]
)
def test_the_key_is_accepted_in_every_header_clients_use(gateway, headers):
    body = {"model": NOVA, "messages": HELLO}
    response = httpx.post(gateway.base_url + "/chat/completions", json=body, headers=headers)
    assert response.status_code == 200
