"""Interrupted streams: an error and no [DONE] after the first byte, an HTTP error before it."""

import asyncio
import json

import openai
import pytest

from conftest import connect_async, sse_data
from simulated import HELLO, NOVA, fault, script, text

WORDS = text("Good ", "morning, ", "dear ", "mountain")
# messageStart and two words precede the error.
BEFORE = 3


def exception(code):
    return fault("exception", after_events=BEFORE, code=code, message="ordered")


# The fault, and the code and type of the client's error.
BREAKS = {
    "throttled": (exception("throttlingException"), "rate_limit_exceeded", "requests"),
    "model failed": (exception("modelStreamErrorException"), "model_stream_error", "server_error"),
    "internal": (exception("internalServerException"), None, "server_error"),
    "unavailable": (exception("serviceUnavailableException"), "service_unavailable", "server_error"),
    "validation": (exception("validationException"), "invalid_value", "invalid_request_error"),
    "cut": (fault("cut", after_events=BEFORE), "upstream_connection_error", "server_error"),
    "ended early": (fault("end", after_events=BEFORE), "upstream_connection_error", "server_error"),
    "half a frame": (fault("truncated_frame", after_events=BEFORE), None, "server_error"),
    "wrong checksum": (fault("bad_crc", after_events=BEFORE), None, "server_error"),
}


@pytest.mark.parametrize("name", BREAKS)
def test_the_sdk_raises_after_yielding_received_chunks(client, simulator, name):
    broken, code, kind = BREAKS[name]
    simulator.push(script(WORDS, broken))
    seen = []
    with pytest.raises(openai.APIError) as raised:
        for chunk in client.chat.completions.create(model=NOVA, messages=HELLO, stream=True):
            assert chunk.choices[0].finish_reason is None
            seen.append(chunk.choices[0].delta.content)
    assert seen == ["", "Good ", "morning, "]
    assert not isinstance(raised.value, openai.APIStatusError | openai.APIConnectionError)
    assert raised.value.type == kind
    assert code is None or raised.value.code == code
    # The client has received a part of the response, so there is no retry.
    assert len(simulator.received()) == 1


@pytest.mark.parametrize("name", BREAKS)
def test_the_last_event_is_an_error_event(http, simulator, name):
    simulator.push(script(WORDS, BREAKS[name][0]))
    body = {"model": NOVA, "messages": HELLO, "stream": True, "stream_options": {"include_usage": True}}
    response = http.post("/chat/completions", json=body)

    assert response.status_code == 200
    assert response.text.endswith("\n\n")
    assert "event:" not in response.text and "[DONE]" not in response.text
    *chunks, last = map(json.loads, sse_data(response.text))
    assert all("error" not in chunk and chunk["choices"] for chunk in chunks)
    assert set(last) == {"error"}
    assert set(last["error"]) == {"message", "type", "param", "code"}
    assert last["error"]["message"]


@pytest.mark.parametrize("name", ["throttled", "cut", "ended early"])
def test_the_sdk_accumulator_raises_too(client, simulator, name):
    simulator.push(script(WORDS, BREAKS[name][0]))
    with pytest.raises(openai.APIError):
        with client.chat.completions.stream(model=NOVA, messages=HELLO) as stream:
            stream.until_done()


def test_the_async_client_raises_too(gateway, simulator):
    async def collect():
        seen = []
        async with connect_async(gateway) as client:
            stream = await client.chat.completions.create(model=NOVA, messages=HELLO, stream=True)
            with pytest.raises(openai.APIError):
                async for chunk in stream:
                    seen.append(chunk.choices[0].delta.content)
        return seen

    simulator.push(script(WORDS, BREAKS["cut"][0]))
    assert asyncio.run(collect()) == ["", "Good ", "morning, "]


# Exception in the first frame, number of calls to Bedrock, status.
FIRST_FRAMES = {
    "throttlingException": (4, 429, openai.RateLimitError),
    "validationException": (1, 400, openai.BadRequestError),
    "internalServerException": (4, 500, openai.InternalServerError),
    "modelStreamErrorException": (4, 502, openai.InternalServerError),
    "serviceUnavailableException": (4, 503, openai.InternalServerError),
}


@pytest.mark.parametrize("code", FIRST_FRAMES)
def test_an_exception_as_the_first_frame_becomes_the_http_status(client, simulator, code):
    call_count, status, expected = FIRST_FRAMES[code]
    simulator.push(script(None, fault("exception", code=code, message="ordered"), times=call_count))
    with pytest.raises(expected) as raised:
        client.chat.completions.create(model=NOVA, messages=HELLO, stream=True)
    assert raised.value.status_code == status
    assert raised.value.response.headers["content-type"] == "application/json"
    assert len(simulator.received()) == call_count


@pytest.mark.parametrize("kind", ["cut", "end", "truncated_frame", "bad_crc"])
def test_a_break_before_the_first_event_is_a_bad_gateway(client, simulator, kind):
    # Bedrock has probably billed the call, so there is only one retry.
    simulator.push(script(WORDS, fault(kind), times=2))
    with pytest.raises(openai.InternalServerError) as raised:
        client.chat.completions.create(model=NOVA, messages=HELLO, stream=True)
    assert raised.value.status_code == 502


@pytest.mark.parametrize("kind", ["exception", "cut", "end", "truncated_frame", "bad_crc"])
def test_a_break_before_the_first_event_is_retried_transparently(client, simulator, kind):
    more = {"code": "throttlingException", "message": "ordered"} if kind == "exception" else {}
    simulator.push(script(WORDS, fault(kind, **more)), script(WORDS))
    stream = client.chat.completions.create(model=NOVA, messages=HELLO, stream=True)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in stream) == "Good morning, dear mountain"
    assert len(simulator.received()) == 2


def test_a_break_after_the_complete_response_is_ignored(client, http, simulator):
    # messageStart, four words, contentBlockStop and messageStop: only the metadata is missing.
    simulator.push(script(WORDS, fault("cut", after_events=7), times=2))
    stream = client.chat.completions.create(model=NOVA, messages=HELLO, stream=True)
    assert list(stream)[-1].choices[0].finish_reason == "stop"
    response = http.post("/chat/completions", json={"model": NOVA, "messages": HELLO, "stream": True})
    assert sse_data(response.text)[-1] == "[DONE]"


def test_the_gateway_serves_the_next_request(client, simulator):
    simulator.push(script(WORDS, BREAKS["wrong checksum"][0]), script(WORDS))
    with pytest.raises(openai.APIError):
        list(client.chat.completions.create(model=NOVA, messages=HELLO, stream=True))
    assert client.chat.completions.create(model=NOVA, messages=HELLO).choices[0].message.content
