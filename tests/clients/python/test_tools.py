"""Tools: calls, streaming and non-streaming, and results."""

import json

import openai
import pytest

from simulated import CLAUDE, NOVA, converse, events, script, text

WEATHER = {"type": "function", "function": {
    "name": "get_weather",
    "description": "Tells the weather of a city",
    "parameters": {
        "type": "object",
        # In an order that neither a sorted nor a hash map would produce.
        "properties": {"zone": {"type": "string"}, "city": {"type": "string"}, "anno": {"type": "integer"}},
        "required": ["city"],
    },
}}
TIME = {"type": "function", "function": {"name": "get_time", "description": "Tells the hour"}}
PROMPT = [{"role": "user", "content": "How is the weather in Lisbon?"}]

# A sentence, a call in several deltas, and a call without arguments.
USAGE = {"usage": {"inputTokens": 10, "outputTokens": 5, "totalTokens": 15}}
TWO_CALLS = events(
    ("messageStart", {"role": "assistant"}),
    ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "Let me look."}}),
    ("contentBlockStop", {"contentBlockIndex": 0}),
    ("contentBlockStart", {"contentBlockIndex": 1, "start": {"toolUse": {"toolUseId": "tooluse_A", "name": "get_weather"}}}),
    ("contentBlockDelta", {"contentBlockIndex": 1, "delta": {"toolUse": {"input": ""}}}),
    ("contentBlockDelta", {"contentBlockIndex": 1, "delta": {"toolUse": {"input": '{"zone": "WET", "ci'}}}),
    ("contentBlockDelta", {"contentBlockIndex": 1, "delta": {"toolUse": {"input": 'ty": "Lisbon"}'}}}),
    ("contentBlockStop", {"contentBlockIndex": 1}),
    ("contentBlockStart", {"contentBlockIndex": 2, "start": {"toolUse": {"toolUseId": "tooluse_B", "name": "get_time"}}}),
    ("contentBlockStop", {"contentBlockIndex": 2}),
    ("messageStop", {"stopReason": "tool_use"}),
    ("metadata", USAGE),
)
TWO_COMPLETE_CALLS = converse(
    {"text": "Let me look."},
    {"toolUse": {"toolUseId": "tooluse_A", "name": "get_weather", "input": {"zone": "WET", "city": "Lisbon"}}},
    {"toolUse": {"toolUseId": "tooluse_B", "name": "get_time", "input": {}}},
    stop_reason="tool_use",
)


def one_call(**tool_use):
    return converse({"toolUse": {"toolUseId": "tooluse_A", **tool_use}}, stop_reason="tool_use")


def test_a_response_has_every_tool_call_and_the_text(client, simulator):
    simulator.push(script(TWO_COMPLETE_CALLS))
    choice = client.chat.completions.create(model=CLAUDE, messages=PROMPT, tools=[WEATHER, TIME]).choices[0]

    assert choice.finish_reason == "tool_calls"
    assert choice.message.content == "Let me look."
    weather, time = choice.message.tool_calls
    assert (weather.id, weather.type, weather.function.name) == ("tooluse_A", "function", "get_weather")
    assert json.loads(weather.function.arguments) == {"zone": "WET", "city": "Lisbon"}
    assert (time.id, time.function.name, time.function.arguments) == ("tooluse_B", "get_time", "{}")


def test_a_response_with_only_tool_calls_has_no_content(client, simulator):
    simulator.push(script(one_call(name="get_time", input={})))
    message = client.chat.completions.create(model=CLAUDE, messages=PROMPT, tools=[TIME]).choices[0].message
    assert message.content is None
    assert len(message.tool_calls) == 1


def test_streamed_tool_calls_are_indexed_from_zero_and_named_once(client, simulator):
    simulator.push(script(TWO_CALLS))
    chunks = list(client.chat.completions.create(
        model=CLAUDE, messages=PROMPT, tools=[WEATHER, TIME], stream=True
    ))
    fragments = [
        (call.index, call.id, call.type, call.function.name, call.function.arguments)
        for chunk in chunks
        for call in chunk.choices[0].delta.tool_calls or []
    ]
    assert fragments == [
        (0, "tooluse_A", "function", "get_weather", ""),
        (0, None, None, None, '{"zone": "WET", "ci'),
        (0, None, None, None, 'ty": "Lisbon"}'),
        (1, "tooluse_B", "function", "get_time", ""),
        (1, None, None, None, "{}"),
    ]
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == "Let me look."
    finishes = [chunk.choices[0].finish_reason for chunk in chunks]
    assert finishes == [None] * (len(chunks) - 1) + ["tool_calls"]


def test_the_sdk_accumulator_builds_the_tool_calls(client, simulator):
    simulator.push(script(TWO_CALLS))
    with client.chat.completions.stream(model=CLAUDE, messages=PROMPT, tools=[WEATHER, TIME]) as stream:
        seen = list(stream)
        choice = stream.get_final_completion().choices[0]

    done = [(event.index, event.name, event.arguments) for event in seen if event.type == "tool_calls.function.arguments.done"]
    assert done == [(0, "get_weather", '{"zone": "WET", "city": "Lisbon"}'), (1, "get_time", "{}")]
    assert choice.finish_reason == "tool_calls"
    assert choice.message.role == "assistant"
    assert choice.message.content == "Let me look."
    assert [(call.id, call.type, call.function.name, call.function.arguments) for call in choice.message.tool_calls] == [
        ("tooluse_A", "function", "get_weather", '{"zone": "WET", "city": "Lisbon"}'),
        ("tooluse_B", "function", "get_time", "{}"),
    ]


def test_the_accumulator_parses_the_arguments_of_strict_tools(client, simulator):
    strict = {"type": "function", "function": {**WEATHER["function"], "strict": True}}
    simulator.push(script(TWO_CALLS))
    with client.chat.completions.stream(model=CLAUDE, messages=PROMPT, tools=[strict, TIME]) as stream:
        call = stream.get_final_completion().choices[0].message.tool_calls[0]
    assert call.function.parsed_arguments == {"zone": "WET", "city": "Lisbon"}


@pytest.mark.parametrize("stream", [False, True])
def test_a_tool_call_truncated_at_max_tokens_ends_with_length(client, simulator, stream):
    simulator.push(script(events(
        ("messageStart", {"role": "assistant"}),
        ("contentBlockStart", {"contentBlockIndex": 0, "start": {"toolUse": {"toolUseId": "A", "name": "get_weather"}}}),
        ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"toolUse": {"input": '{"ci'}}}),
        ("contentBlockStop", {"contentBlockIndex": 0}),
        ("messageStop", {"stopReason": "max_tokens"}),
        ("metadata", USAGE),
    ) if stream else converse({"text": "I was"}, stop_reason="max_tokens")))
    response = client.chat.completions.create(model=CLAUDE, messages=PROMPT, tools=[WEATHER], stream=stream)
    last = list(response)[-1] if stream else response
    assert last.choices[0].finish_reason == "length"


@pytest.mark.parametrize("stream", [False, True])
def test_parallel_tool_calls_can_be_disabled(client, simulator, stream):
    simulator.push(script(TWO_CALLS if stream else TWO_COMPLETE_CALLS))
    response = client.chat.completions.create(
        model=CLAUDE, messages=PROMPT, tools=[WEATHER, TIME], parallel_tool_calls=False, stream=stream
    )
    if stream:
        seen = [call.index for chunk in response for call in chunk.choices[0].delta.tool_calls or []]
        assert set(seen) == {0}
    else:
        assert [call.function.name for call in response.choices[0].message.tool_calls] == ["get_weather"]


@pytest.mark.parametrize("model", [CLAUDE, NOVA])
@pytest.mark.parametrize("stream", [False, True])
def test_tool_choice_none_suppresses_tool_calls(client, simulator, model, stream):
    simulator.push(script(TWO_CALLS if stream else TWO_COMPLETE_CALLS))
    response = client.chat.completions.create(
        model=model, messages=PROMPT, tools=[WEATHER, TIME], tool_choice="none", stream=stream
    )
    if stream:
        chunks = list(response)
        assert not any(chunk.choices[0].delta.tool_calls for chunk in chunks)
        assert chunks[-1].choices[0].finish_reason == "stop"
    else:
        assert response.choices[0].message.tool_calls is None
        assert response.choices[0].message.content == "Let me look."
        assert response.choices[0].finish_reason == "stop"


def test_schemas_keep_the_order_of_their_keys(client, simulator):
    client.chat.completions.create(model=CLAUDE, messages=PROMPT, tools=[WEATHER])
    body = dict(simulator.last_in_order())
    tool = dict(dict(dict(body["toolConfig"])["tools"][0])["toolSpec"])
    schema = dict(dict(tool["inputSchema"])["json"])
    assert [name for name, _ in schema["properties"]] == ["zone", "city", "anno"]


@pytest.mark.parametrize(
    ("choice", "sent"),
    [
        ("required", {"any": {}}),
        ("auto", {"auto": {}}),
        ({"type": "function", "function": {"name": "get_time"}}, {"tool": {"name": "get_time"}}),
    ],
)
def test_tool_choices(client, simulator, choice, sent):
    response = client.chat.completions.create(model=CLAUDE, messages=PROMPT, tools=[WEATHER, TIME], tool_choice=choice)
    assert simulator.last()["toolConfig"]["toolChoice"] == sent
    assert response.choices[0].finish_reason == "tool_calls"


def test_a_tool_choice_of_a_missing_tool_is_rejected(client):
    choice = {"type": "function", "function": {"name": "get_lost"}}
    with pytest.raises(openai.BadRequestError) as refusal:
        client.chat.completions.create(model=CLAUDE, messages=PROMPT, tools=[TIME], tool_choice=choice)
    assert refusal.value.param == "tool_choice.function.name"


@pytest.mark.parametrize("result", [
    "21 degrees",
    ' {"degrees": 21.50, "note": "“quoted” \\u00e9", "a": {"z": 1, "b": 1e400}}\n',
    '"a JSON string"',
    "[1,2,\n3]",
    "line\nline\r\n\ttab \U0001f327",
])
@pytest.mark.parametrize("model", [CLAUDE, NOVA])
def test_a_tool_result_reaches_the_model_unchanged(client, simulator, model, result):
    turns = list(PROMPT)
    message = client.chat.completions.create(model=model, messages=turns, tools=[WEATHER]).choices[0].message
    [call] = message.tool_calls
    assert json.loads(call.function.arguments)["city"] == "Lisbon"

    turns += [message.to_dict(), {"role": "tool", "tool_call_id": call.id, "content": result}]
    final = client.chat.completions.create(model=model, messages=turns, tools=[WEATHER])
    assert final.choices[0].finish_reason == "stop"
    assert "The tool returned" in final.choices[0].message.content

    _, assistant_turn, result_turn = simulator.last()["messages"]
    tool_use = assistant_turn["content"][-1]["toolUse"]
    assert (tool_use["toolUseId"], tool_use["name"]) == (call.id, "get_weather")
    assert tool_use["input"] == json.loads(call.function.arguments)
    assert result_turn["role"] == "user"
    [block] = result_turn["content"]
    assert block["toolResult"]["toolUseId"] == call.id
    assert block["toolResult"]["content"] == [{"text": result}]


def test_arguments_in_history_keep_the_order_of_their_keys(client, simulator):
    client.chat.completions.create(model=CLAUDE, tools=[WEATHER], messages=history('{"zone":"WET","city":"Lisbon","anno":1755}'))
    body = dict(simulator.last_in_order())
    call = dict(dict(body["messages"][1])["content"][-1])["toolUse"]
    assert [name for name, _ in dict(call)["input"]] == ["zone", "city", "anno"]


@pytest.mark.parametrize("arguments", ["", "{}", '{"ci', "[1]", "nonsense"])
def test_history_with_non_object_arguments_is_accepted(client, simulator, arguments):
    response = client.chat.completions.create(model=CLAUDE, tools=[WEATHER], messages=history(arguments))
    assert response.choices[0].finish_reason == "stop"
    sent = simulator.last()["messages"][1]["content"][-1]["toolUse"]["input"]
    assert isinstance(sent, dict)
    assert sent == {} if arguments in ("", "{}") else arguments in json.dumps(sent).replace('\\"', '"')


def test_history_with_tool_calls_works_without_tools(client):
    response = client.chat.completions.create(model=CLAUDE, messages=history("{}"))
    assert response.choices[0].message.content


def test_results_of_parallel_calls_share_one_turn(client, simulator):
    calls = [
        {"id": f"call_{number}", "type": "function", "function": {"name": "get_time", "arguments": "{}"}}
        for number in range(2)
    ]
    results = [{"role": "tool", "tool_call_id": call["id"], "content": call["id"]} for call in calls]
    client.chat.completions.create(model=CLAUDE, tools=[TIME], messages=[
        *PROMPT, {"role": "assistant", "content": None, "tool_calls": calls}, *results
    ])
    messages = simulator.last()["messages"]
    assert [message["role"] for message in messages] == ["user", "assistant", "user"]
    assert [block["toolResult"]["toolUseId"] for block in messages[2]["content"]] == ["call_0", "call_1"]


ODD_NAMES = ["mcp.files/read.file", "mcp_files_read_file", "mcp.files.read/file", "größe", "x" * 90, "x" * 89 + "y"]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("name", ODD_NAMES)
def test_any_tool_name_is_returned_unchanged(client, simulator, name, stream):
    tools = [{"type": "function", "function": {"name": odd, "parameters": {"type": "object"}}} for odd in ODD_NAMES]
    choice = {"type": "function", "function": {"name": name}}
    response = client.chat.completions.create(
        model=CLAUDE, messages=PROMPT, tools=tools, tool_choice=choice, stream=stream
    )
    if stream:
        calls = [call for chunk in response for call in chunk.choices[0].delta.tool_calls or []]
    else:
        calls = response.choices[0].message.tool_calls
    assert calls[0].function.name == name

    sent = [tool["toolSpec"]["name"] for tool in simulator.last()["toolConfig"]["tools"]]
    assert len(set(sent)) == len(ODD_NAMES)
    assert all(len(short) <= 64 for short in sent)

    # The next request uses the same name, so that the prompt cache is hit.
    client.chat.completions.create(model=CLAUDE, tools=tools, messages=[
        *PROMPT,
        {"role": "assistant", "content": None, "tool_calls": [
            {"id": calls[0].id, "type": "function", "function": {"name": name, "arguments": "{}"}}
        ]},
        {"role": "tool", "tool_call_id": calls[0].id, "content": "done"},
    ])
    again = simulator.last()
    assert [tool["toolSpec"]["name"] for tool in again["toolConfig"]["tools"]] == sent
    assert again["messages"][1]["content"][-1]["toolUse"]["name"] == sent[ODD_NAMES.index(name)]


# As sent by servers of the Model Context Protocol: property names of OData and JSON-LD, and alternatives
# at the root.
QUERY = {"type": "function", "function": {
    "name": "odata.query",
    "description": "Queries a table",
    "parameters": {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$defs": {"Sort": {"type": "object", "required": ["sort by"], "properties": {"sort by": {"type": "string"}}}},
        "type": "object",
        "properties": {
            "@type": {"type": "string", "enum": ["Query"]},
            "$filter": {"type": "string"},
            "order": {"$ref": "#/$defs/Sort"},
            "page": {"type": "object", "properties": {"filter[name]": {"type": "integer"}}, "required": ["filter[name]"]},
        },
        "required": ["@type", "order", "page"],
        "anyOf": [{"required": ["$filter"]}, {"properties": {"$search": {"type": "string"}}, "required": ["$search"]}],
    },
}}
QUERIED = {"@type": "Query", "order": {"sort by"}, "page": {"filter[name]"}}


def assert_queried(arguments):
    arguments = json.loads(arguments)
    assert (arguments["@type"], set(arguments["order"]), set(arguments["page"])) == tuple(QUERIED.values())
    return arguments


@pytest.mark.parametrize("model", [CLAUDE, NOVA, "us.anthropic.claude-opus-4-7"])
def test_a_tool_with_an_unsupported_schema_is_still_offered(client, simulator, model):
    assistant_turn = {"model": model, "tools": [WEATHER, QUERY], "tool_choice": {"type": "function", "function": {"name": "odata.query"}}}
    raw = client.chat.completions.with_raw_response.create(messages=PROMPT, **assistant_turn)
    assert "tools[].function.parameters" in raw.headers["x-outcrop-adjustments"]
    [call] = raw.parse().choices[0].message.tool_calls
    arguments = assert_queried(call.function.arguments)

    # The description contains the alternatives, with the names that the model gets.
    offered = next(tool["toolSpec"] for tool in simulator.last()["toolConfig"]["tools"] if "Queries" in tool["toolSpec"]["description"])
    assert offered["description"].count("requires") == 2
    for name in offered["inputSchema"]["json"]["properties"]:
        if "filter" in name or "search" in name:
            assert f"`{name}`" in offered["description"]

    with client.chat.completions.stream(messages=PROMPT, **assistant_turn) as stream:
        [streamed] = stream.get_final_completion().choices[0].message.tool_calls
    assert assert_queried(streamed.function.arguments) == arguments

    # In the next request, the call has the schema's names, and the schema is unchanged.
    client.chat.completions.create(messages=[
        *PROMPT,
        {"role": "assistant", "content": None, "tool_calls": [call.to_dict()]},
        {"role": "tool", "tool_call_id": call.id, "content": "3 rows"},
    ], **assistant_turn)
    again = simulator.last()
    assert offered in [tool["toolSpec"] for tool in again["toolConfig"]["tools"]]
    tool_input = again["messages"][1]["content"][-1]["toolUse"]["input"]
    assert set(tool_input) <= set(offered["inputSchema"]["json"]["properties"])


def test_structured_output_has_the_schemas_property_names(client, simulator):
    schema = {
        "type": "object", "properties": {"@type": {"type": "string"}, "x-y z": {"type": "integer"}},
        "required": ["@type", "x-y z"], "additionalProperties": False,
    }
    form = {"type": "json_schema", "json_schema": {"name": "thing", "schema": schema, "strict": True}}
    for model in [CLAUDE, NOVA, "us.anthropic.claude-opus-4-7"]:
        response = client.chat.completions.create(model=model, messages=PROMPT, response_format=form)
        assert set(json.loads(response.choices[0].message.content)) == {"@type", "x-y z"}
        chunks = list(client.chat.completions.create(model=model, messages=PROMPT, response_format=form, stream=True))
        text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
        assert set(json.loads(text)) == {"@type", "x-y z"}


def test_duplicate_call_ids_are_made_unique(client, simulator):
    # Kimi's call ids; other models continue the conversation.
    conversation = list(PROMPT)
    for turn in ("21 degrees", "22 degrees"):
        conversation.append({"role": "assistant", "content": None, "tool_calls": [
            {"id": "functions.get_weather:0", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}
        ]})
        conversation.append({"role": "tool", "tool_call_id": "functions.get_weather:0", "content": turn})
    for model in ["moonshot.kimi-k2-thinking", CLAUDE, "mistral.ministral-3-14b-instruct"]:
        client.chat.completions.create(model=model, messages=conversation, tools=[WEATHER])
        turns = simulator.last()["messages"]
        calls = [turns[position]["content"][-1]["toolUse"]["toolUseId"] for position in (1, 3)]
        results = [turns[position]["content"][0]["toolResult"]["toolUseId"] for position in (2, 4)]
        assert calls == results and len(set(calls)) == 2


FUNCTION = WEATHER["function"]


def test_legacy_functions_return_a_function_call(client, simulator):
    response = client.chat.completions.create(model=CLAUDE, messages=PROMPT, functions=[FUNCTION])
    choice = response.choices[0]
    assert choice.finish_reason == "function_call"
    assert choice.message.tool_calls is None
    assert choice.message.function_call.name == "get_weather"
    assert json.loads(choice.message.function_call.arguments)["city"] == "Lisbon"

    result = "21 degrees"
    final = client.chat.completions.create(model=CLAUDE, functions=[FUNCTION], messages=[
        *PROMPT, choice.message.to_dict(), {"role": "function", "name": "get_weather", "content": result}
    ])
    assert result in final.choices[0].message.content
    assert simulator.last()["messages"][-1]["content"][0]["toolResult"]["content"] == [{"text": result}]


def test_legacy_functions_stream_one_function_call(client, simulator):
    simulator.push(script(TWO_CALLS))
    chunks = list(client.chat.completions.create(
        model=CLAUDE, messages=PROMPT, functions=[FUNCTION, TIME["function"]], stream=True
    ))
    calls = [chunk.choices[0].delta.function_call for chunk in chunks if chunk.choices[0].delta.function_call]
    assert [call.name for call in calls] == ["get_weather"] + [None] * (len(calls) - 1)
    assert "".join(call.arguments for call in calls) == '{"zone": "WET", "city": "Lisbon"}'
    assert not any(chunk.choices[0].delta.tool_calls for chunk in chunks)
    assert chunks[-1].choices[0].finish_reason == "function_call"


def test_text_is_returned_when_tools_are_offered(client, simulator):
    simulator.push(script(text("No ", "need.")))
    response = client.chat.completions.create(model=CLAUDE, messages=PROMPT, tools=[WEATHER])
    assert (response.choices[0].message.content, response.choices[0].finish_reason) == ("No need.", "stop")


def history(arguments):
    """A conversation with a tool call with these arguments and its result."""
    call = {"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": arguments}}
    return [
        *PROMPT,
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": "21 degrees"},
    ]
