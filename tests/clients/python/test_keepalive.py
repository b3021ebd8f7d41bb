"""Keep-alive comments in streams."""

import asyncio
import json

import httpx
import pytest

from conftest import bearer, connect, connect_async, sse_data
from simulated import CLAUDE, HELLO, NOVA, fault, script, text

WORDS = text("Good ", "morning")
SLOW = fault("drip", delay_ms=500)


@pytest.fixture(scope="module")
def keepalive_gateway(start_gateway):
    return start_gateway('[server]\nkeepalive = "100ms"\n')


def test_comments_are_sent_between_events(keepalive_gateway, simulator):
    simulator.push(script(WORDS, SLOW))
    body = {"model": NOVA, "messages": HELLO, "stream": True}
    url = keepalive_gateway.base_url + "/chat/completions"
    response = httpx.post(url, json=body, headers=bearer(), timeout=30)

    # Events are 500 ms apart, comments 100 ms.
    assert response.text.count(": keepalive\n\n") >= 4
    *chunks, done = sse_data(response.text)
    assert done == "[DONE]"
    assert all(json.loads(chunk)["choices"] for chunk in chunks)
    assert all(event.startswith(("data: {", "data: [DONE]", ": keepalive")) for event in response.text.split("\n\n") if event)


def test_the_sdk_ignores_comments(keepalive_gateway, simulator):
    simulator.push(script(WORDS, SLOW))
    with connect(keepalive_gateway) as client:
        chunks = list(client.chat.completions.create(model=CLAUDE, messages=HELLO, stream=True))
    assert [chunk.choices[0].delta.content for chunk in chunks] == ["", "Good ", "morning", None]


def test_legacy_completions_have_comments_too(keepalive_gateway, simulator):
    simulator.push(script(WORDS, SLOW))
    with connect(keepalive_gateway) as client:
        chunks = list(client.completions.create(model=CLAUDE, prompt="Once", stream=True))
    assert [chunk.choices[0].text for chunk in chunks] == ["Good ", "morning", ""]


def test_the_accumulator_ignores_comments(keepalive_gateway, simulator):
    simulator.push(script(WORDS, SLOW))
    with connect(keepalive_gateway) as client:
        with client.chat.completions.stream(model=NOVA, messages=HELLO) as stream:
            assert stream.get_final_completion().choices[0].message.content == "Good morning"


def test_the_async_client_ignores_comments(keepalive_gateway, simulator):
    async def send():
        async with connect_async(keepalive_gateway) as client:
            stream = await client.chat.completions.create(model=NOVA, messages=HELLO, stream=True)
            return "".join([chunk.choices[0].delta.content or "" async for chunk in stream])

    simulator.push(script(WORDS, SLOW))
    assert asyncio.run(send()) == "Good morning"


def test_a_disconnect_between_events_is_detected(keepalive_gateway, simulator):
    simulator.push(script(WORDS, fault("stall", after_events=2)))
    with connect(keepalive_gateway) as client:
        with client.chat.completions.create(model=NOVA, messages=HELLO, stream=True) as stream:
            next(stream)
    simulator.wait_until_abandoned()
