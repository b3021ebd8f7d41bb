"""Structured output: by the model's native support, by a tool of the gateway, or by the prompt."""

import json
from typing import Literal

import openai
import pydantic
import pytest

from simulated import CLAUDE, HELLO, NOVA, OPUS, calling, converse, script, text

# A family with `outputConfig`; one without, whose tools can be forced; and one with prompt caching, whose
# tools and system prompt must not change between requests.
NATIVE_MODEL = CLAUDE
JSON_TOOL = "anthropic.claude-3-haiku-20240307-v1:0"
IN_WORDS = NOVA


class Stop(pydantic.BaseModel):
    name: str
    minutes: int


class Journey(pydantic.BaseModel):
    """A route through the mountains."""

    stops: list[Stop]
    weather: Literal["sun", "rain"] | None
    length: float = pydantic.Field(ge=0, le=100)


JOURNEY = {"stops": [{"name": "Lisbon", "minutes": 5}, {"name": "Porto", "minutes": 9}], "weather": "sun", "length": 3.5}
WEATHER = {"type": "function", "function": {"name": "get_weather", "strict": True, "parameters": {
    "type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"], "additionalProperties": False,
}}}


def as_model_output(model, value):
    """A model's response with a value: as text, or as a call of the gateway's tool."""
    if model != JSON_TOOL:
        return converse({"text": json.dumps(value)})
    return calling(("tooluse_J", "json_response", value))


@pytest.mark.parametrize("model", [NATIVE_MODEL, JSON_TOOL, IN_WORDS])
def test_parse_returns_an_object_of_the_class(client, simulator, model):
    simulator.push(script(as_model_output(model, JOURNEY)))
    choice = client.chat.completions.parse(model=model, messages=HELLO, response_format=Journey).choices[0]

    assert choice.message.parsed == Journey(**JOURNEY)
    assert choice.message.tool_calls is None
    assert choice.finish_reason == "stop"


@pytest.mark.parametrize("model", [NATIVE_MODEL, JSON_TOOL, IN_WORDS, OPUS])
def test_the_schema_reaches_the_model(client, model):
    # Without a script, the simulator generates a value for the schema that it receives.
    parsed = client.chat.completions.parse(model=model, messages=HELLO, response_format=Journey)
    assert isinstance(parsed.choices[0].message.parsed, Journey)


def test_native_structured_output_is_used_if_supported(client, simulator):
    client.chat.completions.parse(model=NATIVE_MODEL, messages=HELLO, response_format=Journey)
    body = simulator.last()
    expected_format = body["outputConfig"]["textFormat"]
    schema = json.loads(expected_format["structure"]["jsonSchema"]["schema"])

    assert expected_format["type"] == "json_schema"
    assert expected_format["structure"]["jsonSchema"]["name"] == "Journey"
    assert list(schema["properties"]) == ["stops", "weather", "length"]
    assert schema["additionalProperties"] is False
    assert schema["$defs"]["Stop"]["additionalProperties"] is False
    # Keywords that Bedrock rejects move to the description.
    assert "minimum" not in schema["properties"]["length"]
    assert "100" in schema["properties"]["length"]["description"]
    assert "toolConfig" not in body


def test_other_models_are_forced_to_call_a_json_tool(client, simulator):
    client.chat.completions.parse(model=JSON_TOOL, messages=HELLO, response_format=Journey)
    tools = simulator.last()["toolConfig"]
    [tool] = tools["tools"]

    assert tools["toolChoice"] == {"tool": {"name": "json_response"}}
    assert tool["toolSpec"]["name"] == "json_response"
    assert list(tool["toolSpec"]["inputSchema"]["json"]["properties"]) == ["stops", "weather", "length"]
    assert "outputConfig" not in simulator.last()


@pytest.mark.parametrize("model", [IN_WORDS, OPUS])
def test_caching_models_get_the_schema_at_the_end_of_the_prompt(client, simulator, model):
    simulator.push(script(as_model_output(model, JOURNEY)))
    client.chat.completions.parse(model=model, messages=HELLO, tools=[WEATHER], response_format=Journey)
    body = simulator.last()
    [tool] = body["toolConfig"]["tools"]

    assert tool["toolSpec"]["name"] == "get_weather"
    assert "system" not in body and "outputConfig" not in body
    instructions, user_message = body["messages"][-1]["content"]
    assert instructions == {"text": HELLO[-1]["content"]}
    assert '"stops"' in user_message["text"] and "JSON Schema" in user_message["text"]


@pytest.mark.parametrize("model", [NATIVE_MODEL, OPUS])
def test_streamed_objects_grow(client, simulator, model):
    # Texts arrive word by word, inputs of Claude's tools in short deltas.
    simulator.push(script(as_model_output(model, JOURNEY)))
    with client.chat.completions.stream(model=model, messages=HELLO, response_format=Journey) as stream:
        seen = [event.parsed for event in stream if event.type == "content.delta"]
        choice = stream.get_final_completion().choices[0]

    assert len(seen) > 5
    assert choice.message.parsed == Journey(**JOURNEY)
    assert choice.finish_reason == "stop"
    assert not choice.message.tool_calls


@pytest.mark.parametrize("model", [NATIVE_MODEL, JSON_TOOL, IN_WORDS])
@pytest.mark.parametrize("stream", [False, True], ids=["non_streaming", "streaming"])
def test_client_tools_are_called_before_the_output(client, simulator, model, stream):
    simulator.push(script(calling(("call_1", "get_weather", {"city": "Lisbon"}))), script(as_model_output(model, JOURNEY)))
    user_message = {"model": model, "tools": [WEATHER], "response_format": Journey}

    def send(messages):
        if not stream:
            return client.chat.completions.parse(messages=messages, **user_message).choices[0]
        with client.chat.completions.stream(messages=messages, **user_message) as events:
            return events.get_final_completion().choices[0]

    first = send(HELLO)
    assert first.finish_reason == "tool_calls"
    [call] = first.message.tool_calls
    assert (call.function.name, call.function.parsed_arguments) == ("get_weather", {"city": "Lisbon"})
    assistant_message = {"role": "assistant", "content": None, "tool_calls": [
        {"id": call.id, "type": "function", "function": {"name": call.function.name, "arguments": call.function.arguments}}
    ]}
    result = {"role": "tool", "tool_call_id": call.id, "content": "Sunny"}
    second = send([*HELLO, assistant_message, result])

    assert second.finish_reason == "stop"
    assert second.message.parsed == Journey(**JOURNEY)
    assert not second.message.tool_calls


@pytest.mark.parametrize("model", [NATIVE_MODEL, OPUS])
def test_a_thinking_model_follows_the_schema_too(client, simulator, model):
    scripted = as_model_output(model, JOURNEY)
    thought = {"reasoningContent": {"reasoningText": {"text": "Hm. ", "signature": "c2ln"}}}
    scripted["body"]["output"]["message"]["content"].insert(0, thought)
    simulator.push(script(scripted))
    message = client.chat.completions.parse(
        model=model, messages=HELLO, response_format=Journey, reasoning_effort="low"
    ).choices[0].message

    assert message.parsed == Journey(**JOURNEY)
    assert message.reasoning_content == "Hm. "
    # Claude must not be forced to call a tool with thinking.
    assert simulator.last().get("toolConfig", {}).get("toolChoice") in (None, {"auto": {}})


@pytest.mark.parametrize("model", [NATIVE_MODEL, JSON_TOOL])
def test_a_truncated_response_is_not_parsed(client, simulator, model):
    scripted = as_model_output(model, JOURNEY)
    scripted["body"]["stopReason"] = "max_tokens"
    simulator.push(script(scripted))
    with pytest.raises(openai.LengthFinishReasonError):
        client.chat.completions.parse(model=model, messages=HELLO, response_format=Journey)


@pytest.mark.parametrize("stream", [False, True], ids=["non_streaming", "streaming"])
@pytest.mark.parametrize("instructions", [
    ['{"a": 1}'],
    ["```json\n", '{"a": 1}', "\n```"],
    ["``", "`json", '\n{"a"', ": 1}\n`", "``\n"],
    ["Here it is:\n", '```json\n{"a"', ": 1}\n```", "\nIs that all?"],
])
def test_json_mode_returns_only_json(client, simulator, instructions, stream):
    simulator.push(script(text(*instructions)))
    user_message = {"model": NOVA, "messages": HELLO, "response_format": {"type": "json_object"}}
    if stream:
        chunks = list(client.chat.completions.create(stream=True, **user_message))
        content = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    else:
        content = client.chat.completions.create(**user_message).choices[0].message.content

    assert content.strip() == '{"a": 1}'
    body = simulator.last()
    assert "toolConfig" not in body
    assert "JSON" in body["messages"][-1]["content"][-1]["text"]


@pytest.mark.parametrize(("model", "strict"), [(NATIVE_MODEL, True), (JSON_TOOL, None)])
def test_tool_schemas_are_strict_if_supported(client, simulator, model, strict):
    client.chat.completions.create(model=model, messages=HELLO, tools=[WEATHER])
    [tool] = simulator.last()["toolConfig"]["tools"]
    assert tool["toolSpec"].get("strict") == strict


@pytest.mark.parametrize(
    ("format_", "param"),
    [
        ({"type": "json_schema"}, "response_format.json_schema"),
        ({"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "string"}}}, "response_format.json_schema.schema"),
        ({"type": "xml"}, "response_format.type"),
    ],
)
def test_a_schema_other_than_an_object_is_rejected_by_name(client, format_, param):
    with pytest.raises(openai.BadRequestError) as refused:
        client.chat.completions.create(model=NATIVE_MODEL, messages=HELLO, response_format=format_)
    assert refused.value.param and param.startswith(refused.value.param)
