"""Comments that keep the line open while a model thinks."""

import asyncio
import json

import httpx
import pytest

from conftest import bearer, connect, connect_async, sse_data
from simulated import CLAUDE, HELLO, NOVA, fault, script, text

WORDS = text("Good ", "morning")
SLOW = fault("drip", delay_ms=500)


@pytest.fixture(scope="module")
def talkative(start_gateway):
    return start_gateway('[server]\nkeepalive = "100ms"\n')


def test_silence_is_filled_with_comments(talkative, simulator):
    simulator.push(script(WORDS, SLOW))
    body = {"model": NOVA, "messages": HELLO, "stream": True}
    url = talkative.base_url + "/chat/completions"
    response = httpx.post(url, json=body, headers=bearer(), timeout=30)

    # The events come 500 ms apart, and silence lasts 100 ms.
    assert response.text.count(": keepalive\n\n") >= 4
    *chunks, done = sse_data(response.text)
    assert done == "[DONE]"
    assert all(json.loads(chunk)["choices"] for chunk in chunks)
    assert all(event.startswith(("data: {", "data: [DONE]", ": keepalive")) for event in response.text.split("\n\n") if event)


def test_the_sdk_passes_over_comments(talkative, simulator):
    simulator.push(script(WORDS, SLOW))
    with connect(talkative) as client:
        chunks = list(client.chat.completions.create(model=CLAUDE, messages=HELLO, stream=True))
    assert [chunk.choices[0].delta.content for chunk in chunks] == ["", "Good ", "morning", None]


def test_completions_are_kept_open_too(talkative, simulator):
    simulator.push(script(WORDS, SLOW))
    with connect(talkative) as client:
        chunks = list(client.completions.create(model=CLAUDE, prompt="Once", stream=True))
    assert [chunk.choices[0].text for chunk in chunks] == ["Good ", "morning", ""]


def test_the_accumulator_passes_over_comments(talkative, simulator):
    simulator.push(script(WORDS, SLOW))
    with connect(talkative) as client:
        with client.chat.completions.stream(model=NOVA, messages=HELLO) as stream:
            assert stream.get_final_completion().choices[0].message.content == "Good morning"


def test_the_asynchronous_client_passes_over_comments(talkative, simulator):
    async def ask():
        async with connect_async(talkative) as client:
            stream = await client.chat.completions.create(model=NOVA, messages=HELLO, stream=True)
            return "".join([chunk.choices[0].delta.content or "" async for chunk in stream])

    simulator.push(script(WORDS, SLOW))
    assert asyncio.run(ask()) == "Good morning"


def test_a_client_that_leaves_in_silence_is_noticed(talkative, simulator):
    simulator.push(script(WORDS, fault("stall", after_events=2)))
    with connect(talkative) as client:
        with client.chat.completions.create(model=NOVA, messages=HELLO, stream=True) as stream:
            next(stream)
    simulator.wait_until_abandoned()
