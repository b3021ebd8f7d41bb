"""More requests than Bedrock may serve: some wait, the others are refused at once."""

from concurrent.futures import ThreadPoolExecutor, as_completed

import httpx
import openai

from conftest import connect
from simulated import HELLO, NOVA, fault, script, text

SLOTS = 4
QUEUE = 2

CONFIGURATION = f"""
[limits.target]
max_concurrent_requests = {SLOTS}
max_queued_requests = {QUEUE}
max_wait = "1h"
"""


def test_four_times_as_many_requests_as_can_be_served(start_gateway, simulator):
    gateway = start_gateway(CONFIGURATION)
    simulator.push(*[script(text("Hi"), fault("stall", after_events=2))] * SLOTS)
    offered = 4 * (SLOTS + QUEUE) - SLOTS
    with connect(gateway, max_retries=0) as client, ThreadPoolExecutor(offered) as threads:

        def complete():
            try:
                return client.chat.completions.create(model=NOVA, messages=HELLO)
            except openai.RateLimitError as error:
                return error

        streams = [client.chat.completions.create(model=NOVA, messages=HELLO, stream=True) for _ in range(SLOTS)]
        for stream in streams:
            next(stream)
        responses = as_completed([threads.submit(complete) for _ in range(offered)])
        # None of them waits for a stream to end.
        refused = [next(responses).result() for _ in range(offered - QUEUE)]
        for error in refused:
            assert error.code == "rate_limit_exceeded"
            assert int(error.response.headers["retry-after"]) >= 1
        assert len(simulator.received()) == SLOTS
        # The gateway itself is not busy.
        assert httpx.get(gateway.url + "/readyz").status_code == 200
        for stream in streams:
            stream.close()
        served = [response.result() for response in responses]
    assert [completion.choices[0].finish_reason for completion in served] == ["stop"] * QUEUE
    assert len(simulator.received()) == SLOTS + QUEUE
