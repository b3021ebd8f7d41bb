"""Reasoning: parameters by family, responses, and reasoning in later requests."""

import openai
import pytest

from simulated import CLAUDE, HELLO, NOVA, NOVA_2, converse, script

TIME = {"type": "function", "function": {"name": "get_time", "description": "Tells the hour"}}
PROMPT = [{"role": "user", "content": "What is the time? Tell the hour."}]

THOUGHT = {"reasoningContent": {"reasoningText": {"text": "Let me see. ", "signature": "c2lnbmVk"}}}
HIDDEN = {"reasoningContent": {"redactedContent": "aGlkZGVu"}}
BLOCKS = [
    {"type": "thinking", "thinking": "Let me see. ", "signature": "c2lnbmVk"},
    {"type": "redacted_thinking", "data": "aGlkZGVu"},
]
# The path is Claude's; Bedrock includes reasoning in the output tokens.
COUNTED = {"usage": {"output_tokens_details": {"thinking_tokens": 30}}}
THOUGHTFUL = converse(
    THOUGHT, HIDDEN, {"text": "Noon."}, usage={"outputTokens": 50}, additionalModelResponseFields=COUNTED
)

# contract.md A.6.
EFFORTS = [
    (CLAUDE, "medium", {"thinking": {"type": "enabled", "budget_tokens": 2048}}),
    ("us.anthropic.claude-sonnet-4-6", "medium", {"thinking": {"type": "adaptive"}, "output_config": {"effort": "medium"}}),
    (
        "us.anthropic.claude-sonnet-5", "minimal",
        {"thinking": {"type": "adaptive", "display": "summarized"}, "output_config": {"effort": "low"}},
    ),
    (NOVA_2, "xhigh", {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "high"}}),
    (NOVA_2, "low", {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "low"}}),
    ("deepseek.v3-v1:0", "medium", {"reasoning_effort": "medium"}),
    ("qwen.qwen3-32b-v1:0", "medium", {"reasoning_config": "high"}),
    ("openai.gpt-oss-120b-1:0", "low", {"reasoning_effort": "low"}),
]


@pytest.mark.parametrize(("model", "effort", "fields"), EFFORTS)
def test_effort_is_translated_for_each_family(client, simulator, model, effort, fields):
    client.chat.completions.create(model=model, messages=HELLO, reasoning_effort=effort, max_completion_tokens=9000)
    assert simulator.last()["additionalModelRequestFields"] == fields


@pytest.mark.parametrize("effort", ["none", None])
@pytest.mark.parametrize("model", [CLAUDE, NOVA_2, NOVA])
def test_no_reasoning_field_is_sent_by_default(client, simulator, model, effort):
    client.chat.completions.create(model=model, messages=HELLO, reasoning_effort=effort)
    request_fields = simulator.last().get("additionalModelRequestFields", {})
    assert request_fields in ({}, {"reasoningConfig": {"type": "disabled"}})


def test_reasoning_options_are_ignored_with_a_note_if_not_supported(http, simulator):
    body = {"model": NOVA, "messages": HELLO, "reasoning_effort": "high"}
    response = http.post("/chat/completions", json=body)
    assert response.status_code == 200
    assert "reasoning_effort" in response.headers["x-outcrop-adjustments"]
    assert "additionalModelRequestFields" not in simulator.last()


def test_an_anthropic_budget_is_accepted_and_fits_max_tokens(client, simulator):
    client.chat.completions.create(
        model=CLAUDE, messages=HELLO, max_completion_tokens=3000, temperature=0.5,
        extra_body={"thinking": {"type": "enabled", "budget_tokens": 2000}},
    )
    body = simulator.last()
    assert body["additionalModelRequestFields"] == {"thinking": {"type": "enabled", "budget_tokens": 2000}}
    # Claude only accepts a temperature of 1 with thinking.
    assert body["inferenceConfig"] == {"maxTokens": 3000}


def test_max_tokens_below_the_minimum_budget_is_respected(client, simulator):
    client.chat.completions.create(model=CLAUDE, messages=HELLO, max_completion_tokens=2048, reasoning_effort="high")
    body = simulator.last()
    budget = body["additionalModelRequestFields"]["thinking"]["budget_tokens"]
    assert 1024 <= budget < body["inferenceConfig"]["maxTokens"]


def test_reasoning_and_its_token_count_are_returned(client, simulator):
    simulator.push(script(THOUGHTFUL))
    response = client.chat.completions.create(model=CLAUDE, messages=HELLO, reasoning_effort="low")
    message = response.choices[0].message

    assert (message.content, message.reasoning_content) == ("Noon.", "Let me see. ")
    assert message.thinking_blocks == BLOCKS
    assert response.usage.completion_tokens == 50
    assert response.usage.completion_tokens_details.reasoning_tokens == 30
    assert simulator.last()["additionalModelResponseFieldPaths"] == ["/usage/output_tokens_details"]


def test_reasoning_and_its_token_count_are_streamed(client, simulator):
    simulator.push(script(THOUGHTFUL, times=2))
    arguments = {"model": CLAUDE, "messages": HELLO, "reasoning_effort": "low", "stream_options": {"include_usage": True}}
    chunks = list(client.chat.completions.create(stream=True, **arguments))
    deltas = [chunk.choices[0].delta for chunk in chunks if chunk.choices]
    thoughts = [delta.reasoning_content for delta in deltas if getattr(delta, "reasoning_content", None)]
    blocks = [block for delta in deltas for block in getattr(delta, "thinking_blocks", None) or []]

    assert "".join(thoughts) == "Let me see. " and len(thoughts) > 1
    assert blocks == [{"index": index, **block} for index, block in enumerate(BLOCKS)]
    assert "".join(delta.content or "" for delta in deltas) == "Noon."
    assert chunks[-1].usage.completion_tokens_details.reasoning_tokens == 30

    # The SDK's accumulator keeps fields that it has no type for.
    with client.chat.completions.stream(**arguments) as stream:
        message = stream.get_final_completion().choices[0].message
    assert message.reasoning_content == "Let me see. "
    assert [{**block, "index": 0} for block in message.thinking_blocks] == [{**block, "index": 0} for block in BLOCKS]


def test_redacted_reasoning_is_not_shown(client, simulator):
    # As in recording conv-nova-e80b8b52.
    hidden = {"reasoningContent": {"reasoningText": {"text": "[REDACTED]."}}}
    simulator.push(script(converse(hidden, {"text": "Noon."}), times=2))
    message = client.chat.completions.create(model=NOVA_2, messages=HELLO, reasoning_effort="low").choices[0].message
    chunks = list(client.chat.completions.create(model=NOVA_2, messages=HELLO, reasoning_effort="low", stream=True))

    assert getattr(message, "reasoning_content", None) is None
    assert not any(getattr(chunk.choices[0].delta, "reasoning_content", None) for chunk in chunks)


def tool_round_trip(client, prompt, stream, carries):
    """A tool call with reasoning, and its result; `carries` sends the thinking blocks back."""
    arguments = {"model": CLAUDE, "tools": [TIME], "reasoning_effort": "medium", "max_completion_tokens": 5000}
    if stream:
        with client.chat.completions.stream(messages=prompt, **arguments) as calling:
            message = calling.get_final_completion().choices[0].message
    else:
        message = client.chat.completions.create(messages=prompt, **arguments).choices[0].message
    assistant_message = {"role": "assistant", "content": message.content, "tool_calls": [
        {"id": call.id, "type": "function", "function": {"name": call.function.name, "arguments": call.function.arguments}}
        for call in message.tool_calls
    ]}
    if carries:
        assistant_message["thinking_blocks"] = message.thinking_blocks
        assistant_message["reasoning_content"] = getattr(message, "reasoning_content", None)
    result = {"role": "tool", "tool_call_id": message.tool_calls[0].id, "content": "12:00"}
    response = client.chat.completions.create(messages=[*prompt, assistant_message, result], **arguments)
    return message, response


# The simulator redacts its reasoning on Claude's test trigger.
SEALED = "ANTHROPIC_MAGIC_STRING_TRIGGER_REDACTED_THINKING_46C9A13E193C177646C7398A98432ECCCE4C1253D5E2D82641AC0E52CC2876CB"


@pytest.mark.parametrize("carries", [True, False], ids=["carried", "remembered"])
@pytest.mark.parametrize("stream", [False, True], ids=["non_streaming", "streaming"])
@pytest.mark.parametrize("sealed", [False, True], ids=["signed", "redacted"])
def test_reasoning_is_sent_back_with_its_tool_call(client, simulator, sealed, stream, carries):
    # The simulator rejects a tool call without its reasoning, and reasoning that it did not sign.
    prompt = [{"role": "user", "content": PROMPT[0]["content"] + (SEALED if sealed else "")}]
    message, response = tool_round_trip(client, prompt, stream, carries)

    assert "12:00" in response.choices[0].message.content
    first, second = [request["body_json"] for request in simulator.received()]
    assert second["additionalModelRequestFields"] == first["additionalModelRequestFields"]
    [block] = message.thinking_blocks
    thought = second["messages"][1]["content"][0]["reasoningContent"]
    if sealed:
        assert thought == {"redactedContent": block["data"]}
    else:
        assert thought == {"reasoningText": {"text": block["thinking"], "signature": block["signature"]}}


def test_a_tool_call_without_known_reasoning_disables_thinking(http, simulator):
    history = [
        *PROMPT,
        {"role": "assistant", "content": None, "tool_calls": [
            {"id": "call_of_before", "type": "function", "function": {"name": "get_time", "arguments": "{}"}}
        ]},
        {"role": "tool", "tool_call_id": "call_of_before", "content": "12:00"},
    ]
    body = {"model": CLAUDE, "messages": history, "tools": [TIME], "reasoning_effort": "medium"}
    response = http.post("/chat/completions", json=body)

    assert response.status_code == 200, response.text
    assert "reasoning_effort" in response.headers["x-outcrop-adjustments"]
    assert "thinking" not in simulator.last().get("additionalModelRequestFields", {})


def test_a_tool_is_not_forced_while_thinking(http, simulator):
    body = {"model": CLAUDE, "messages": PROMPT, "tools": [TIME], "tool_choice": "required", "reasoning_effort": "low"}
    response = http.post("/chat/completions", json=body)

    assert response.status_code == 200, response.text
    assert "tool_choice" in response.headers["x-outcrop-adjustments"]
    assert simulator.last()["toolConfig"].get("toolChoice") in (None, {"auto": {}})


def test_an_unknown_effort_is_rejected_by_name(client):
    with pytest.raises(openai.BadRequestError) as refused:
        client.chat.completions.create(model=CLAUDE, messages=HELLO, reasoning_effort="enormous")
    assert refused.value.param == "reasoning_effort"


# Reasoning of this model is bound to the preceding prompt; the simulator checks this.
BINDING = "us.anthropic.claude-opus-5-5"
ALMANAC = {"type": "function", "function": {"name": "almanac", "parameters": {"type": "object", "properties": {}}}}


@pytest.mark.parametrize("carries", [True, False], ids=["carried", "remembered"])
@pytest.mark.parametrize("arguments", [
    [{}],
    [{"response_format": {"type": "json_object"}}],
    [{"response_format": {"type": "json_object"}}, {"tool_choice": "none"}, {}, {"tool_choice": "required"}],
], ids=["plain", "json", "varied"])
def test_prompt_bound_reasoning_stays_valid_in_a_long_conversation(client, simulator, arguments, carries):
    messages = [{"role": "system", "content": "Be brief."}, *PROMPT]
    for turn in range(8):
        response = client.chat.completions.create(
            model=BINDING, messages=messages, tools=[TIME, ALMANAC], **arguments[turn % len(arguments)]
        )
        message = response.choices[0].message
        assistant_message = {"role": "assistant", "content": message.content}
        if message.tool_calls:
            assistant_message["tool_calls"] = [call.model_dump() for call in message.tool_calls]
        if carries:
            assistant_message["thinking_blocks"] = message.thinking_blocks
        results = [{"role": "tool", "tool_call_id": call.id, "content": "12:00"} for call in message.tool_calls or []]
        messages = [*messages, assistant_message, *(results or PROMPT)]

    # No request was repeated, and the last contains the earlier reasoning.
    received = simulator.received()
    assert len(received) == 8
    assert any("reasoningContent" in block for turn in received[-1]["body_json"]["messages"] for block in turn["content"])
