"""Client disconnects: the gateway cancels the call to Bedrock in every phase."""

import asyncio
import time

import openai
import pytest

from conftest import connect, connect_async
from processes import eventually
from simulated import HELLO, NOVA, fault, script, text

HOUR = 3_600_000
WORDS = text("Good ", "morning, ", "dear ", "mountain")

# The phase in which the client disconnects, and whether the response is streamed.
PHASES = {
    "the head of a response": (fault("slow_response", delay_ms=HOUR), False),
    "the body of a response": (fault("slow_first_event", delay_ms=HOUR), False),
    "the rest of a response": (fault("stall"), False),
    "the head of a stream": (fault("slow_response", delay_ms=HOUR), True),
    "the first event": (fault("slow_first_event", delay_ms=HOUR), True),
}


@pytest.mark.parametrize("phase", PHASES)
def test_a_cancelled_call_cancels_the_call_to_bedrock(gateway, simulator, phase):
    waiting, stream = PHASES[phase]
    simulator.push(script(WORDS, waiting))

    async def disconnect():
        async with connect_async(gateway, timeout=HOUR) as client:
            call = client.chat.completions.create(model=NOVA, messages=HELLO, stream=stream)
            task = asyncio.create_task(call)
            await asyncio.to_thread(simulator.wait_until_call_is_open)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(disconnect())
    simulator.wait_until_abandoned()
    assert len(simulator.received()) == 1


def abandoned(gateway):
    """The log entries of abandoned streams."""
    return [line for line in gateway.request_lines() if line["stream"] and line["outcome"] == "abandoned"]


def test_a_closed_stream_cancels_the_call_to_bedrock(client, gateway, simulator):
    simulator.push(script(WORDS, fault("stall", after_events=2)))
    with client.chat.completions.create(model=NOVA, messages=HELLO, stream=True) as stream:
        assert [next(stream).choices[0].delta.content for _ in range(2)] == ["", "Good "]
        lines = len(abandoned(gateway))
        closed = time.monotonic()
    simulator.wait_until_abandoned()
    # The goal is 100 ms; the rest is tolerance for a busy machine.
    assert time.monotonic() - closed < 2
    # One log entry, with estimated usage.
    eventually(lambda: len(abandoned(gateway)) > lines)
    line = abandoned(gateway)[-1]
    assert line["tokens_estimated"] is True
    assert line["completion_tokens"] >= 1


def test_a_stream_closed_between_deltas_cancels_the_call_to_bedrock(gateway, simulator):
    simulator.push(script(text(*["word "] * 10_000), fault("drip", delay_ms=2)))

    async def disconnect():
        async with connect_async(gateway) as client:
            stream = await client.chat.completions.create(model=NOVA, messages=HELLO, stream=True)
            async for chunk in stream:
                if chunk.choices[0].delta.content:
                    break
            await stream.close()

    asyncio.run(disconnect())
    simulator.wait_until_abandoned()


@pytest.mark.parametrize("stream", [False, True])
def test_a_client_timeout_cancels_the_call_to_bedrock(gateway, simulator, stream):
    simulator.push(script(WORDS, fault("slow_response", delay_ms=HOUR)))
    with connect(gateway, timeout=0.3) as client, pytest.raises(openai.APITimeoutError):
        client.chat.completions.create(model=NOVA, messages=HELLO, stream=stream)
    simulator.wait_until_abandoned()


def test_a_disconnect_during_the_retry_delay_prevents_the_retry(gateway, simulator):
    # Without the disconnect, the gateway would retry after ten seconds.
    simulator.push(script({"kind": "error", "status": 503, "code": "ServiceUnavailableException",
                            "message": "ordered", "retry_after": 10}))
    with connect(gateway, timeout=0.5) as client, pytest.raises(openai.APITimeoutError):
        client.chat.completions.create(model=NOVA, messages=HELLO)
    eventually(lambda: gateway.request_lines()[-1]["outcome"] == "abandoned")
    assert len(simulator.received()) == 1


def test_many_disconnects_leave_no_open_calls(gateway, simulator):
    simulator.push(script(WORDS, fault("stall", after_events=2), times=50))

    async def disconnect(client):
        stream = await client.chat.completions.create(model=NOVA, messages=HELLO, stream=True)
        async for chunk in stream:
            if chunk.choices[0].delta.content:
                break
        await stream.close()

    async def disconnect_all():
        async with connect_async(gateway) as client:
            await asyncio.gather(*(disconnect(client) for _ in range(50)))

    asyncio.run(disconnect_all())
    simulator.wait_until_abandoned(50)
