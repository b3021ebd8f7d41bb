"""POST /v1/responses/input_tokens: the token count of an input."""

import openai
import pytest

from simulated import CLAUDE, HELLO, NOVA, PNG, error, script

TOOL = {
    "type": "function",
    "name": "weather",
    "description": "Tells the weather of a town",
    "parameters": {"type": "object", "properties": {"town": {"type": "string"}}},
    "strict": False,
}


def test_bedrock_counts_for_claude(client, simulator):
    count = client.responses.input_tokens.count(model=CLAUDE, input="Good morning, mountain")
    assert count.object == "response.input_tokens"
    assert count.input_tokens > 3
    assert count.model_extra["source"] == "CountTokens"
    assert [call["operation"] for call in simulator.received()] == ["count_tokens"]


def test_other_models_return_a_marked_estimate(client, simulator):
    raw = client.responses.input_tokens.with_raw_response.count(model=NOVA, input="word " * 800)
    count = raw.parse()
    assert 1000 <= count.input_tokens < 1100
    assert count.model_extra["source"] == "estimate"
    assert "input_tokens: estimated" in raw.headers["x-outcrop-adjustments"]
    assert simulator.received() == []


def test_the_counted_request_equals_the_chat_request(client, http, simulator):
    conversation = [
        {"role": "user", "content": [{"type": "input_text", "text": "How is the weather in Rome?"}]},
        {"type": "function_call", "call_id": "call_1", "name": "weather", "arguments": '{"town":"Rome"}'},
        {"type": "function_call_output", "call_id": "call_1", "output": "sun"},
    ]
    count = client.responses.input_tokens.count(
        model=CLAUDE, input=conversation, instructions="Be brief.", tools=[TOOL], tool_choice="auto",
        parallel_tool_calls=True, reasoning={"effort": "low"}, text={"verbosity": "medium"}, truncation="disabled",
    )
    counted = simulator.last()["input"]["converse"]
    chat = {
        "model": CLAUDE,
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "How is the weather in Rome?"},
            {"role": "assistant", "tool_calls": [
                {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"town":"Rome"}'}},
            ]},
            {"role": "tool", "tool_call_id": "call_1", "content": "sun"},
        ],
        "tools": [{"type": "function", "function": {key: TOOL[key] for key in ("name", "description", "parameters")}}],
        "tool_choice": "auto",
        "reasoning_effort": "low",
    }
    of_chat = http.post("/chat/completions/input_tokens", json=chat).json()
    assert of_chat == {"object": "response.input_tokens", "input_tokens": count.input_tokens, "source": "CountTokens"}
    assert simulator.last()["input"]["converse"] == counted
    sent = http.post("/chat/completions", json=chat)
    assert sent.status_code == 200, sent.text
    body = simulator.last()
    assert {key: body[key] for key in counted} == counted


def test_longer_inputs_have_more_tokens(client):
    def tokens(model, text):
        return client.responses.input_tokens.count(model=model, input=text).input_tokens

    for model in (CLAUDE, NOVA):
        assert tokens(model, "word " * 10) < tokens(model, "word " * 100) < tokens(model, "word " * 1000)


def test_an_image_is_counted_by_its_dimensions(client):
    image_part = {"type": "input_image", "image_url": "data:image/png;base64," + PNG, "detail": "auto"}
    content = [{"type": "input_text", "text": "What is this?"}, image_part]
    count = client.responses.input_tokens.count(model=NOVA, input=[{"role": "user", "content": content}])
    assert count.input_tokens < 20


def test_a_throttled_count_becomes_an_estimate(client, simulator):
    simulator.push(script(error(429, "ThrottlingException"), times=0, operation="count_tokens"))
    count = client.responses.input_tokens.count(model=CLAUDE, input="hi")
    assert count.model_extra["source"] == "estimate"
    simulator.clear()


@pytest.mark.parametrize("field, more", [
    ("previous_response_id", {"previous_response_id": "resp_123"}),
    ("conversation", {"conversation": "conv_123"}),
    ("input[0].type", {"input": [{"type": "computer_call_output"}]}),
    ("tools[0].type", {"tools": [{"type": "code_interpreter", "container": {"type": "auto"}}]}),
    ("text.format.type", {"text": {"format": {"type": "grammar"}}}),
])
def test_uncountable_inputs_are_rejected_by_field(client, simulator, field, more):
    with pytest.raises(openai.BadRequestError) as raised:
        client.responses.input_tokens.count(**{"model": CLAUDE, "input": "hi", **more})
    assert raised.value.param == field
    assert simulator.received() == []


def test_explain_returns_the_same_count(http):
    for model in (CLAUDE, NOVA):
        body = {"model": model, "messages": HELLO}
        explained = http.post("/explain", json=body).json()["input_tokens"]
        counted = http.post("/chat/completions/input_tokens", json=body).json()
        assert (explained["count"], explained["source"]) == (counted["input_tokens"], counted["source"])
