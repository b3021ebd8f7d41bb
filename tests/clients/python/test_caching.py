"""Prompt caching: the client's cache breakpoints, automatic ones, and usage."""

import pytest

from simulated import CLAUDE, HELLO, NOVA, PDF, converse, script

LLAMA = "us.meta.llama4-scout-17b-instruct-v1:0"

EPHEMERAL = {"type": "ephemeral"}
AN_HOUR = {"type": "ephemeral", "ttl": "1h"}
POINT = {"cachePoint": {"type": "default"}}
POINT_FOR_AN_HOUR = {"cachePoint": {"type": "default", "ttl": "1h"}}

# Longer than Claude Sonnet 4.5's minimum prefix of 1024 tokens.
LONG = "The mountain is high and the way up is long. " * 300


def tool(name, **more):
    return {"type": "function", "function": {"name": name, "parameters": {"type": "object", "properties": {}}}, **more}


def points_in(body):
    """The positions of cache points: in tools and system the preceding entry, in messages the index."""
    tools = body.get("toolConfig", {}).get("tools", [])
    positions = ["tools" for entry in tools if "cachePoint" in entry]
    positions += ["system" for entry in body.get("system", []) if "cachePoint" in entry]
    for number, message in enumerate(body["messages"]):
        positions += [number for block in message["content"] if "cachePoint" in block]
    return positions


def test_cache_points_follow_the_clients_breakpoints(client, simulator):
    client.chat.completions.create(
        model=CLAUDE,
        messages=[
            {"role": "system", "content": [
                {"type": "text", "text": "Be brief.", "cache_control": AN_HOUR},
                {"type": "text", "text": "Be kind."},
            ]},
            {"role": "user", "content": [
                {"type": "text", "text": "A book.", "cache_control": EPHEMERAL},
                {"type": "text", "text": "A question."},
            ]},
            {"role": "assistant", "content": "A reply."},
            {"role": "user", "content": "Another.", "cache_control": EPHEMERAL},
        ],
        tools=[tool("one"), tool("two", cache_control=AN_HOUR), tool("three")],
    )
    body = simulator.last()
    assert [next(iter(entry)) for entry in body["toolConfig"]["tools"]] == ["toolSpec", "toolSpec", "cachePoint", "toolSpec"]
    assert body["toolConfig"]["tools"][2] == POINT_FOR_AN_HOUR
    assert body["system"] == [{"text": "Be brief."}, POINT_FOR_AN_HOUR, {"text": "Be kind."}]
    assert body["messages"][0]["content"] == [{"text": "A book."}, POINT, {"text": "A question."}]
    assert body["messages"][2]["content"] == [{"text": "Another."}, POINT]


def test_openai_breakpoints_become_cache_points(client, simulator):
    breakpoint_ = {"prompt_cache_breakpoint": {"mode": "explicit"}}
    client.chat.completions.create(model=CLAUDE, messages=[{"role": "user", "content": [
        {"type": "text", "text": "A book.", **breakpoint_},
        {"type": "file", "file": {"file_data": PDF, "filename": "book.pdf"}},
        {"type": "text", "text": "A question."},
    ]}])
    assert simulator.last()["messages"][0]["content"][:2] == [{"text": "A book."}, POINT]


def test_a_tool_result_can_have_a_breakpoint(client, simulator):
    client.chat.completions.create(model=CLAUDE, tools=[tool("read")], messages=[
        *HELLO,
        {"role": "assistant", "content": None, "tool_calls": [
            {"id": "call_1", "type": "function", "function": {"name": "read", "arguments": "{}"}}
        ]},
        {"role": "tool", "tool_call_id": "call_1", "content": "A book.", "cache_control": EPHEMERAL},
    ])
    result, point = simulator.last()["messages"][2]["content"]
    assert result["toolResult"]["content"] == [{"text": "A book."}]
    assert point == POINT


def test_the_last_four_cache_points_are_kept(http, simulator):
    messages = []
    for number in range(6):
        part = {"type": "text", "text": f"Page {number}", "cache_control": EPHEMERAL}
        messages += [{"role": "user", "content": [part]}, {"role": "assistant", "content": "Read."}]
    response = http.post("/chat/completions", json={"model": CLAUDE, "messages": [*messages, *HELLO]})

    assert response.status_code == 200, response.text
    assert "cache_control" in response.headers["x-outcrop-adjustments"]
    assert points_in(simulator.last()) == [4, 6, 8, 10]


def test_models_without_caching_get_no_cache_points(http, simulator):
    part = {"type": "text", "text": "A book.", "cache_control": EPHEMERAL}
    body = {"model": LLAMA, "messages": [{"role": "user", "content": [part]}]}
    response = http.post("/chat/completions", json=body)

    assert response.status_code == 200, response.text
    assert "cache_control" in response.headers["x-outcrop-adjustments"]
    assert points_in(simulator.last()) == []


CONVERSATION = [
    {"role": "system", "content": LONG},
    {"role": "user", "content": LONG},
    {"role": "assistant", "content": "So it is."},
    {"role": "user", "content": "And the way down?"},
]


CLIMB = tool("climb")
CLIMB["function"]["description"] = LONG


def upstream_request(client, simulator, model=CLAUDE, headers=None, **more):
    client.chat.completions.create(
        model=model, messages=CONVERSATION, tools=[CLIMB], extra_headers=headers, **more
    )
    return points_in(simulator.last())


def test_cache_points_are_placed_automatically(client, simulator):
    # After tools, after the system prompt, and at the points from which this request and the next continue.
    positions = upstream_request(client, simulator, headers={"x-outcrop-cache": "on"})
    assert positions[:2] == ["tools", "system"]
    assert positions[-1] == 2
    assert len(positions) <= 4


def test_automatic_cache_points_respect_the_models_positions(client, simulator):
    positions = upstream_request(client, simulator, model=NOVA, headers={"x-outcrop-cache": "on"})
    assert "tools" not in positions and positions[0] == "system" and positions[-1] == 2
    assert upstream_request(client, simulator, model=LLAMA, headers={"x-outcrop-cache": "on"}) == []


def test_no_cache_points_are_placed_when_disabled(client, simulator):
    assert upstream_request(client, simulator, headers={"x-outcrop-cache": "off"}) == []
    assert upstream_request(client, simulator, extra_body={"prompt_cache_options": {"mode": "explicit"}}) == []


def test_no_automatic_cache_points_with_explicit_breakpoints(client, simulator):
    parts = [{"type": "text", "text": LONG, "cache_control": EPHEMERAL}]
    client.chat.completions.create(
        model=CLAUDE, messages=[{"role": "system", "content": parts}, *HELLO],
        extra_headers={"x-outcrop-cache": "on"},
    )
    assert points_in(simulator.last()) == ["system"]


@pytest.mark.parametrize("options", [{"prompt_cache_retention": "24h"}, {"prompt_cache_options": {"mode": "implicit", "ttl": "30m"}}])
def test_automatic_cache_points_have_the_requested_ttl(client, simulator, options):
    upstream_request(client, simulator, headers={"x-outcrop-cache": "on"}, extra_body=options)
    assert simulator.last()["system"][1] == POINT_FOR_AN_HOUR


def test_cache_reads_writes_and_savings_are_reported(client, simulator):
    usage = {"inputTokens": 10, "cacheReadInputTokens": 1000, "cacheWriteInputTokens": 200}
    simulator.push(script(converse({"text": "Hi"}, usage=usage)))
    raw = client.chat.completions.with_raw_response.create(model=CLAUDE, messages=HELLO)
    counted = raw.parse().usage

    assert counted.prompt_tokens == 1210
    assert counted.prompt_tokens_details.cached_tokens == 1000
    assert counted.prompt_tokens_details.cache_write_tokens == 200
    assert float(raw.headers["x-outcrop-cache-saved-usd"]) > 0
