"""Other fields: several choices, kinds of tools, Bedrock extensions, citations."""

import json

import openai
import pytest

from simulated import CLAUDE, HELLO, NOVA, NOVA_2, calling, converse, error, fault, script, text

PROMPT = [{"role": "user", "content": "How is the weather in Lisbon?"}]


def function(name):
    return {"type": "function", "function": {"name": name, "parameters": {"type": "object", "properties": {}}}}


# Several choices.


def test_n_choices_are_n_calls(client, simulator):
    simulator.push(*(script(text(word)) for word in ["One", "Two", "Three"]))
    response = client.chat.completions.create(model=NOVA, messages=HELLO, n=3)

    assert [choice.index for choice in response.choices] == [0, 1, 2]
    assert {choice.message.content for choice in response.choices} == {"One", "Two", "Three"}
    first, second, third = [request["body_json"] for request in simulator.received()]
    assert first == second == third


def test_the_prompt_of_several_choices_is_counted_once(client, simulator):
    simulator.push(script(converse({"text": "Hi"}), times=4))
    arguments = {"model": NOVA, "messages": HELLO, "n": 2}
    completion = client.chat.completions.create(**arguments)
    streamed = list(client.chat.completions.create(stream=True, stream_options={"include_usage": True}, **arguments))[-1]

    for usage in [completion.usage, streamed.usage]:
        assert (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens) == (10, 10, 20)


def test_several_choices_are_streamed_concurrently(client, simulator):
    simulator.push(script(text("One ", "two"), times=3))
    chunks = list(client.chat.completions.create(model=NOVA, messages=HELLO, n=3, stream=True))

    assert len({chunk.id for chunk in chunks}) == 1
    assert all(len(chunk.choices) == 1 for chunk in chunks)
    choices = [chunk.choices[0] for chunk in chunks]
    assert [(choice.index, choice.delta.role) for choice in choices[:3]] == [(0, "assistant"), (1, "assistant"), (2, "assistant")]
    for index in range(3):
        of_index = [choice for choice in choices if choice.index == index]
        assert "".join(choice.delta.content or "" for choice in of_index) == "One two"
        assert [choice.finish_reason for choice in of_index if choice.finish_reason] == ["stop"]
    with client.chat.completions.stream(model=NOVA, messages=HELLO, n=2) as stream:
        assert len(stream.get_final_completion().choices) == 2


def test_one_failed_choice_fails_the_request(client, simulator):
    simulator.push(script(text("One")), script(error(400, "ValidationException", "no")))
    with pytest.raises(openai.BadRequestError):
        client.chat.completions.create(model=NOVA, messages=HELLO, n=2)
    # The other call may have been cancelled before it was sent.
    simulator.clear()


def test_one_broken_stream_ends_all_choices_with_an_error(client, simulator):
    simulator.push(script(text("One ", "two")), script(text("One ", "two"), fault("cut", after_events=2)))
    with pytest.raises(openai.APIError):
        list(client.chat.completions.create(model=NOVA, messages=HELLO, n=2, stream=True))


# Tools.


def test_a_failed_tool_result_has_error_status(client, simulator):
    client.chat.completions.create(model=CLAUDE, tools=[function("look")], messages=[
        *HELLO,
        {"role": "assistant", "content": None, "tool_calls": [
            {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
        ]},
        {"role": "tool", "tool_call_id": "call_1", "content": "No light.", "is_error": True},
    ])
    [block] = simulator.last()["messages"][2]["content"]
    assert block["toolResult"]["status"] == "error"
    assert block["toolResult"]["content"] == [{"text": "No light."}]


@pytest.mark.parametrize(("mode", "names", "choice"), [
    ("auto", ["one", "three"], ({"auto": {}}, None)),
    ("required", ["one", "three"], ({"any": {}},)),
    ("required", ["two"], ({"tool": {"name": "two"}}, {"any": {}})),
])
# A family with prompt caching gets the unchanged list of tools; the other gets only the allowed ones.
@pytest.mark.parametrize(("model", "keeps"), [(CLAUDE, True), ("anthropic.claude-3-haiku-20240307-v1:0", False)])
def test_only_the_allowed_tools_are_called(client, simulator, model, keeps, mode, names, choice):
    every = ["one", "two", "three"]
    simulator.push(script(calling(*[(f"call_{name}", name, {}) for name in every])))
    allowed = {"mode": mode, "tools": [{"type": "function", "function": {"name": name}} for name in names]}
    response = client.chat.completions.create(
        model=model, messages=HELLO, tools=[function(name) for name in every],
        tool_choice={"type": "allowed_tools", "allowed_tools": allowed},
    )
    config = simulator.last()["toolConfig"]
    assert [tool["toolSpec"]["name"] for tool in config["tools"]] == (every if keeps else names)
    assert config.get("toolChoice") in choice
    # A model only calls a tool that is forced by name.
    if keeps and config.get("toolChoice") != {"tool": {"name": "two"}}:
        assert [call.function.name for call in response.choices[0].message.tool_calls] == names


@pytest.mark.parametrize("stream", [False, True], ids=["non_streaming", "streaming"])
def test_at_most_one_tool_call(client, simulator, stream):
    simulator.push(script(calling(("call_1", "one", {}), ("call_2", "two", {}))))
    arguments = {"model": NOVA, "messages": HELLO, "tools": [function("one"), function("two")], "parallel_tool_calls": False}
    if stream:
        with client.chat.completions.stream(**arguments) as events_:
            calls = events_.get_final_completion().choices[0].message.tool_calls
    else:
        calls = client.chat.completions.create(**arguments).choices[0].message.tool_calls
    assert [call.function.name for call in calls] == ["one"]


def test_claude_receives_disable_parallel_tool_use(client, simulator):
    arguments = {"model": CLAUDE, "messages": HELLO, "tools": [function("one")], "parallel_tool_calls": False}
    client.chat.completions.create(**arguments)
    assert simulator.last()["additionalModelRequestFields"] == {
        "tool_choice": {"type": "auto", "disable_parallel_tool_use": True}
    }
    # Converse rejects two types.
    client.chat.completions.create(**arguments, tool_choice="required")
    assert simulator.last()["toolConfig"]["toolChoice"] == {"any": {}}
    assert simulator.last()["additionalModelRequestFields"] == {"tool_choice": {"disable_parallel_tool_use": True}}


CUSTOM = {"type": "custom", "custom": {"name": "shell", "description": "Runs a command", "format": {
    "type": "grammar", "grammar": {"syntax": "regex", "definition": "[a-z ]+"}
}}}
COMMAND = 'echo "a\\n\u00e9\U0001f3d4"\n'


def test_a_custom_tool_takes_one_text(client, simulator):
    simulator.push(script(calling(("call_1", "shell", {"input": COMMAND}))))
    choice = client.chat.completions.create(model=CLAUDE, messages=HELLO, tools=[CUSTOM]).choices[0]

    [spec] = simulator.last()["toolConfig"]["tools"]
    assert spec["toolSpec"]["inputSchema"]["json"]["properties"] == {"input": {"type": "string"}}
    assert "[a-z ]+" in spec["toolSpec"]["description"]
    [call] = choice.message.tool_calls
    assert (choice.finish_reason, call.type) == ("tool_calls", "custom")
    assert (call.id, call.custom.name, call.custom.input) == ("call_1", "shell", COMMAND)

    client.chat.completions.create(
        model=CLAUDE, tools=[CUSTOM], tool_choice={"type": "custom", "custom": {"name": "shell"}},
        messages=[
            *HELLO,
            {"role": "assistant", "content": None, "tool_calls": [
                {"id": "call_1", "type": "custom", "custom": {"name": "shell", "input": COMMAND}}
            ]},
            {"role": "tool", "tool_call_id": "call_1", "content": "done"},
        ],
    )
    body = simulator.last()
    assert body["toolConfig"]["toolChoice"] == {"tool": {"name": "shell"}}
    assert body["messages"][1]["content"][0]["toolUse"]["input"] == {"input": COMMAND}


def test_the_text_for_a_custom_tool_is_streamed(client, simulator):
    # Claude's inputs arrive in deltas of nine characters, which split escape sequences.
    simulator.push(script(calling(("call_1", "shell", {"input": COMMAND * 3}))))
    stream = client.chat.completions.create(model=CLAUDE, messages=HELLO, tools=[CUSTOM], stream=True)
    call_deltas = [call for chunk in stream for call in chunk.choices[0].delta.tool_calls or []]

    assert (call_deltas[0].id, call_deltas[0].type, call_deltas[0].custom["name"]) == ("call_1", "custom", "shell")
    assert len(call_deltas) > 3
    assert "".join(call_delta.custom["input"] for call_delta in call_deltas) == COMMAND * 3


@pytest.mark.parametrize(("model", "served"), [(NOVA_2, True), (CLAUDE, False)])
def test_web_search_works_on_supporting_models(client, simulator, model, served):
    arguments = {"model": model, "messages": HELLO, "web_search_options": {}}
    if served:
        client.chat.completions.create(**arguments)
        assert simulator.last()["toolConfig"]["tools"] == [{"systemTool": {"name": "nova_grounding"}}]
    else:
        with pytest.raises(openai.BadRequestError) as refused:
            client.chat.completions.create(**arguments)
        assert (refused.value.param, refused.value.code) == ("web_search_options", "unsupported_parameter")


# Bedrock extensions.


@pytest.mark.parametrize(("tier", "sent"), [
    ("auto", None), ("default", {"type": "default"}), ("flex", {"type": "flex"}), ("priority", {"type": "priority"}),
])
def test_service_tiers_are_requested(client, simulator, tier, sent):
    client.chat.completions.create(model=NOVA, messages=HELLO, service_tier=tier)
    assert simulator.last().get("serviceTier") == sent


@pytest.mark.parametrize(("served", "reported"), [({"serviceTier": {"type": "flex"}}, "flex"), ({"serviceTier": {"type": "default"}}, "default"), ({}, "default")])
def test_the_serving_tier_is_reported(client, simulator, served, reported):
    simulator.push(script(converse({"text": "Hi"}, **served)))
    assert client.chat.completions.create(model=NOVA, messages=HELLO, service_tier="flex").service_tier == reported


def test_metadata_is_echoed_and_not_logged_unless_enabled(client, simulator):
    response = client.chat.completions.create(model=NOVA, messages=HELLO, metadata={"team": "a"})
    assert response.metadata == {"team": "a"}
    assert "requestMetadata" not in simulator.last()


def test_bedrock_fields_are_forwarded(client, simulator):
    knobs = {
        "performanceConfig": {"latency": "optimized"},
        "requestMetadata": {"team": "a"},
        "additionalModelRequestFields": {"inferenceConfig": {"topK": 9}},
    }
    client.chat.completions.create(model=NOVA, messages=HELLO, extra_body=knobs)
    body = simulator.last()
    assert {name: body[name] for name in knobs} == knobs


def test_fields_set_by_the_gateway_override_the_clients(client, simulator):
    client.chat.completions.create(
        model=CLAUDE, messages=HELLO, reasoning_effort="low", max_completion_tokens=4000,
        extra_body={"additionalModelRequestFields": {"thinking": {"type": "disabled"}, "anthropic_beta": ["b"]}},
    )
    fields = simulator.last()["additionalModelRequestFields"]
    assert (fields["thinking"]["type"], fields["anthropic_beta"]) == ("enabled", ["b"])


@pytest.mark.parametrize("stream", [False, True], ids=["non_streaming", "streaming"])
def test_model_response_fields_are_returned(client, simulator, stream):
    simulator.push(script(converse({"text": "Hi"}, additionalModelResponseFields={"stop_sequence": "END"})))
    paths = ["/stop_sequence"]
    arguments = {"model": CLAUDE, "messages": HELLO, "extra_body": {"additionalModelResponseFieldPaths": paths}}
    if stream:
        citations = [
            chunk.additional_model_response_fields
            for chunk in client.chat.completions.create(stream=True, **arguments)
            if getattr(chunk, "additional_model_response_fields", None)
        ]
    else:
        citations = [client.chat.completions.create(**arguments).additional_model_response_fields]
    assert citations == [{"stop_sequence": "END"}]
    assert simulator.last()["additionalModelResponseFieldPaths"] == paths


def test_prompt_variables_are_filled_in(client, simulator):
    arn = "arn:aws:bedrock:us-east-1:123456789012:prompt/ABCDEFGHIJ:1"
    variables = {"city": {"text": "Lisbon"}}
    simulator.push(script(text("Sunny")))
    client.chat.completions.create(model=arn, messages=HELLO, extra_body={"promptVariables": variables})
    assert simulator.last()["promptVariables"] == variables


@pytest.mark.parametrize(("model", "fields"), [
    (CLAUDE, {"top_k": 5}),
    (NOVA, {"inferenceConfig": {"topK": 5}}),
    ("cohere.command-r-v1:0", {"k": 5}),
    ("us.meta.llama4-scout-17b-instruct-v1:0", None),
])
def test_top_k_has_a_name_in_each_family(http, simulator, model, fields):
    response = http.post("/chat/completions", json={"model": model, "messages": HELLO, "top_k": 5})
    assert response.status_code == 200, response.text
    assert simulator.last().get("additionalModelRequestFields") == fields
    assert ("top_k" in response.headers.get("x-outcrop-adjustments", "")) == (fields is None)


# Citations.

ARTICLE = "The mountain is \u00e9norme \U0001f3d4. "
CITED = {
    "citationsContent": {
        "content": [{"text": "It is high."}],
        "citations": [
            {"title": "Heights", "location": {"web": {"url": "https://example.com/heights", "domain": "example.com"}}},
            {"title": "Book", "sourceContent": [{"text": "high"}],
             "location": {"documentPage": {"documentIndex": 0, "start": 1, "end": 2}}},
        ],
    }
}


@pytest.mark.parametrize("stream", [False, True], ids=["non_streaming", "streaming"])
def test_citations_have_their_position_in_the_text(client, simulator, stream):
    simulator.push(script(converse({"text": ARTICLE}, CITED)))
    arguments = {"model": CLAUDE, "messages": HELLO}
    if stream:
        with client.chat.completions.stream(**arguments) as chunks:
            message = chunks.get_final_completion().choices[0].message.model_dump()
    else:
        message = client.chat.completions.create(**arguments).choices[0].message.model_dump()

    assert message["content"] == ARTICLE + "It is high."
    [annotation] = message["annotations"]
    assert annotation["type"] == "url_citation"
    # Indexes count code points, like OpenAI's.
    assert annotation["url_citation"] == {
        "url": "https://example.com/heights", "title": "Heights",
        "start_index": len(ARTICLE), "end_index": len(ARTICLE) + len("It is high."),
    }
    assert json.dumps(message["bedrock_citations"]).count("documentPage") == 1


# Fields without effect.


NEUTRAL = {
    "n": 1, "frequency_penalty": 0, "presence_penalty": 0, "logprobs": False, "metadata": {},
    "logit_bias": {}, "modalities": ["text"], "response_format": {"type": "text"}, "service_tier": "auto",
    "reasoning_effort": "none", "parallel_tool_calls": True, "tools": [], "stop": [], "store": False,
}
NEUTRAL_EXTRAS = {
    "thinking": {"type": "disabled"}, "requestMetadata": {}, "additionalModelRequestFields": {},
    "additionalModelResponseFieldPaths": [], "promptVariables": {}, "guardrailConfig": None,
}


@pytest.mark.parametrize("model", [CLAUDE, NOVA])
def test_neutral_values_are_accepted_in_strict_mode(client, simulator, model):
    strict = {"x-outcrop-strict": "true"}
    response = client.chat.completions.with_raw_response.create(
        model=model, messages=HELLO, extra_body=NEUTRAL_EXTRAS, extra_headers=strict, **NEUTRAL
    )
    assert "x-outcrop-adjustments" not in response.headers
    neutral = simulator.last()
    client.chat.completions.create(model=model, messages=HELLO)
    assert neutral == simulator.last()


def test_an_unknown_field_is_noted_and_rejected_in_strict_mode(client):
    arguments = {"model": NOVA, "messages": HELLO, "extra_body": {"flavour": "plum"}}
    response = client.chat.completions.with_raw_response.create(**arguments)
    assert response.headers["x-outcrop-adjustments"] == "flavour: ignored"
    with pytest.raises(openai.BadRequestError) as refused:
        client.chat.completions.create(**arguments, extra_headers={"x-outcrop-strict": "true"})
    assert refused.value.param == "flavour"
