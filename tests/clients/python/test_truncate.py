"""Conversations that exceed the model's context window."""

import openai
import pytest

from simulated import HELLO

# 128,000 tokens (prices.toml).
MICRO = "amazon.nova-micro-v1:0"
PAGE = "The mountain is high and the way up is long. " * 600
PAGES = 60

SYSTEM = {"role": "system", "content": "Be brief."}
LAST = {"role": "user", "content": "And what was the last page about?"}


def book():
    """About 400,000 tokens."""
    turns = [SYSTEM]
    for number in range(PAGES):
        turns += [{"role": "user", "content": f"Page {number}: {PAGE}"}, {"role": "assistant", "content": f"Read {number}."}]
    return [*turns, LAST]


def send(client, how, messages):
    headers = {"x-outcrop-truncate": how} if how else {}
    return client.chat.completions.with_raw_response.create(model=MICRO, messages=messages, extra_headers=headers)


def test_the_oldest_turns_are_removed_on_request(client, simulator):
    completion = send(client, "oldest", book())
    body = simulator.last()

    assert "messages" in completion.headers["x-outcrop-adjustments"]
    assert body["system"] == [{"text": "Be brief."}]
    # A prefix of this length is cached too.
    assert body["messages"][-1]["content"][0] == {"text": LAST["content"]}
    kept_texts = [message["content"][0]["text"] for message in body["messages"]]
    assert kept_texts[0].startswith("Page ")
    assert kept_texts[-2] == f"Read {PAGES - 1}."
    # No more than necessary.
    assert 0.5 * 128_000 < sum(map(len, kept_texts)) / 4 < 128_000 * 1.3


def test_a_call_and_its_result_stay_together(client, simulator):
    call = {"id": "call_1", "type": "function", "function": {"name": "read", "arguments": "{}"}}
    turns = []
    for number in range(PAGES):
        called = {**call, "id": f"call_{number}"}
        turns += [
            {"role": "user", "content": f"Read page {number}"},
            {"role": "assistant", "content": None, "tool_calls": [called]},
            {"role": "tool", "tool_call_id": called["id"], "content": PAGE},
            {"role": "assistant", "content": "Read."},
        ]
    tools = [{"type": "function", "function": {"name": "read", "parameters": {"type": "object", "properties": {}}}}]
    client.chat.completions.create(
        model=MICRO, messages=[*turns, LAST], tools=tools, extra_headers={"x-outcrop-truncate": "oldest"}
    )
    blocks = [block for message in simulator.last()["messages"] for block in message["content"]]
    calls = [block["toolUse"]["toolUseId"] for block in blocks if "toolUse" in block]
    results = [block["toolResult"]["toolUseId"] for block in blocks if "toolResult" in block]
    assert calls == results
    assert 0 < len(calls) < PAGES


def test_an_overlong_conversation_is_rejected_with_openais_message(client, simulator):
    with pytest.raises(openai.BadRequestError) as refused:
        send(client, "refuse", book())
    assert (refused.value.code, refused.value.param) == ("context_length_exceeded", "messages")
    # Only Bedrock knows the exact token count.
    assert len(simulator.received()) == 1


def test_a_last_turn_that_is_too_long_by_itself_is_rejected(client, simulator):
    with pytest.raises(openai.BadRequestError) as refused:
        send(client, "oldest", [SYSTEM, {"role": "user", "content": PAGE * PAGES}])
    assert refused.value.code == "context_length_exceeded"


@pytest.mark.parametrize("how", ["oldest", "refuse"])
def test_a_conversation_that_fits_is_unchanged(client, simulator, how):
    completion = send(client, how, [SYSTEM, *HELLO])
    assert "x-outcrop-adjustments" not in completion.headers
    assert simulator.last()["messages"] == [{"role": "user", "content": [{"text": HELLO[0]["content"]}]}]


def test_an_unknown_truncation_mode_is_rejected(client, simulator):
    with pytest.raises(openai.BadRequestError) as refused:
        send(client, "newest", HELLO)
    assert "x-outcrop-truncate" in str(refused.value)
    assert simulator.received() == []
