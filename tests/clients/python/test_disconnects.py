"""Clients that leave: the call to Bedrock ends with them, in every phase."""

import asyncio
import time

import openai
import pytest

from conftest import connect, connect_async
from processes import eventually
from simulated import HELLO, NOVA, fault, script, text

HOUR = 3_600_000
WORDS = text("Good ", "morning, ", "dear ", "mountain")

# What the client is waiting for when it leaves, and whether the answer is streamed.
PHASES = {
    "the head of a whole answer": (fault("slow_response", delay_ms=HOUR), False),
    "the body of a whole answer": (fault("slow_first_event", delay_ms=HOUR), False),
    "the rest of a whole answer": (fault("stall"), False),
    "the head of a stream": (fault("slow_response", delay_ms=HOUR), True),
    "the first event": (fault("slow_first_event", delay_ms=HOUR), True),
}


@pytest.mark.parametrize("phase", PHASES)
def test_a_call_that_is_cancelled_is_left_by_the_gateway(gateway, simulator, phase):
    waiting, stream = PHASES[phase]
    simulator.push(script(WORDS, waiting))

    async def leave():
        async with connect_async(gateway, timeout=HOUR) as client:
            call = client.chat.completions.create(model=NOVA, messages=HELLO, stream=stream)
            task = asyncio.create_task(call)
            await asyncio.to_thread(simulator.wait_until_call_is_open)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(leave())
    simulator.wait_until_abandoned()
    assert len(simulator.received()) == 1


def abandoned(gateway):
    """The lines of streams that were left."""
    return [line for line in gateway.request_lines() if line["stream"] and line["outcome"] == "abandoned"]


def test_a_stream_that_is_closed_is_left_by_the_gateway(client, gateway, simulator):
    simulator.push(script(WORDS, fault("stall", after_events=2)))
    with client.chat.completions.create(model=NOVA, messages=HELLO, stream=True) as stream:
        assert [next(stream).choices[0].delta.content for _ in range(2)] == ["", "Good "]
        lines = len(abandoned(gateway))
        left = time.monotonic()
    simulator.wait_until_abandoned()
    # 100 ms are the aim; the rest is for a machine with much to do.
    assert time.monotonic() - left < 2
    # One line in the log, with what was used as an estimate.
    eventually(lambda: len(abandoned(gateway)) > lines)
    line = abandoned(gateway)[-1]
    assert line["tokens_estimated"] is True
    assert line["completion_tokens"] >= 1


def test_a_stream_is_left_while_words_arrive(gateway, simulator):
    simulator.push(script(text(*["word "] * 10_000), fault("drip", delay_ms=2)))

    async def leave():
        async with connect_async(gateway) as client:
            stream = await client.chat.completions.create(model=NOVA, messages=HELLO, stream=True)
            async for chunk in stream:
                if chunk.choices[0].delta.content:
                    break
            await stream.close()

    asyncio.run(leave())
    simulator.wait_until_abandoned()


@pytest.mark.parametrize("stream", [False, True])
def test_a_client_that_runs_out_of_patience_is_left_in_peace(gateway, simulator, stream):
    simulator.push(script(WORDS, fault("slow_response", delay_ms=HOUR)))
    with connect(gateway, timeout=0.3) as client, pytest.raises(openai.APITimeoutError):
        client.chat.completions.create(model=NOVA, messages=HELLO, stream=stream)
    simulator.wait_until_abandoned()


def test_a_client_that_leaves_while_the_gateway_waits_to_ask_again_is_not_asked_for(gateway, simulator):
    # Bedrock asks for ten seconds, which the gateway would wait.
    simulator.push(script({"kind": "error", "status": 503, "code": "ServiceUnavailableException",
                            "message": "ordered", "retry_after": 10}))
    with connect(gateway, timeout=0.5) as client, pytest.raises(openai.APITimeoutError):
        client.chat.completions.create(model=NOVA, messages=HELLO)
    eventually(lambda: gateway.request_lines()[-1]["outcome"] == "abandoned")
    assert len(simulator.received()) == 1


def test_many_clients_that_leave_leave_nothing_behind(gateway, simulator):
    simulator.push(script(WORDS, fault("stall", after_events=2), times=50))

    async def leave(client):
        stream = await client.chat.completions.create(model=NOVA, messages=HELLO, stream=True)
        async for chunk in stream:
            if chunk.choices[0].delta.content:
                break
        await stream.close()

    async def leave_all():
        async with connect_async(gateway) as client:
            await asyncio.gather(*(leave(client) for _ in range(50)))

    asyncio.run(leave_all())
    simulator.wait_until_abandoned(50)
