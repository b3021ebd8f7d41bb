"""The Responses API with openai-python: whole, streamed, typed, with tools."""

import openai
import pytest
from pydantic import BaseModel

from simulated import CLAUDE, NOVA, calling, converse, events, script, text

WEATHER = {
    "type": "function", "name": "get_weather", "strict": True,
    "parameters": {
        "type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"],
        "additionalProperties": False,
    },
}


class Report(BaseModel):
    """A weather report."""

    city: str
    degrees: int


def test_a_response_has_text_and_usage(client, simulator):
    simulator.push(script(text("Good ", "morning")))
    response = client.responses.create(model=NOVA, input="Hello", instructions="Be brief.", store=False)

    assert response.id.startswith("resp_")
    assert response.status == "completed"
    assert response.output_text == "Good morning"
    assert response.usage.total_tokens == response.usage.input_tokens + response.usage.output_tokens
    assert response.usage.input_tokens_details.cached_tokens == 0
    assert simulator.last()["system"] == [{"text": "Be brief."}]


def test_the_stream_helper_accumulates_the_final_response(client, simulator):
    simulator.push(script(text("Good ", "morning")))
    with client.responses.stream(model=NOVA, input="Hello", store=False) as stream:
        deltas = [event.delta for event in stream if event.type == "response.output_text.delta"]
        response = stream.get_final_response()

    assert deltas == ["Good ", "morning"]
    assert response.output_text == "Good morning"
    assert response.usage.output_tokens > 0


@pytest.mark.parametrize("name", [CLAUDE, NOVA])
def test_output_is_parsed_into_the_requested_type(client, simulator, name):
    simulator.push(script(text('{"city":"Lisbon","degrees":21}')))
    response = client.responses.parse(model=name, input="Lisbon has 21 degrees", text_format=Report, store=False)

    assert response.output_parsed == Report(city="Lisbon", degrees=21)


def test_a_typed_stream_is_parsed(client, simulator):
    simulator.push(script(text('{"city":"Lisbon",', '"degrees":21}')))
    with client.responses.stream(model=CLAUDE, input="Lisbon", text_format=Report, store=False) as stream:
        stream.until_done()
        response = stream.get_final_response()

    assert response.output_parsed == Report(city="Lisbon", degrees=21)


@pytest.mark.parametrize("streaming", [False, True])
def test_tool_calls_and_their_results_return_to_the_model(client, simulator, streaming):
    simulator.push(
        script(calling(("call_1", "get_weather", {"city": "Lisbon"}), ("call_2", "get_weather", {"city": "Porto"}))),
        script(text("Sunny")),
    )
    conversation = [{"role": "user", "content": "How is the weather?"}]
    request = {"model": NOVA, "tools": [WEATHER], "store": False}
    if streaming:
        with client.responses.stream(input=conversation, **request) as stream:
            response = stream.get_final_response()
    else:
        response = client.responses.create(input=conversation, **request)
    calls = [item for item in response.output if item.type == "function_call"]
    assert [(call.call_id, call.arguments) for call in calls] == [
        ("call_1", '{"city":"Lisbon"}'), ("call_2", '{"city":"Porto"}'),
    ]
    conversation += response.output
    conversation += [
        {"type": "function_call_output", "call_id": call.call_id, "output": "Sunny"} for call in calls
    ]
    assert client.responses.create(input=conversation, **request).output_text == "Sunny"
    turns = [message["role"] for message in simulator.last()["messages"]]
    assert turns == ["user", "assistant", "user"]


def test_a_compacted_conversation_goes_on(client, simulator):
    simulator.push(script(text("They want the weather in Rome.")))
    question = {"role": "user", "content": "What is the weather in Rome?"}
    compacted = client.responses.compact(model=CLAUDE, input=[question])

    assert compacted.object == "response.compaction"
    assert [item.type for item in compacted.output] == ["message", "compaction"]
    assert compacted.usage.total_tokens > 0
    simulator.push(script(text("Sunny")))
    following = [item.to_dict() for item in compacted.output]
    following.append({"role": "user", "content": "Go on"})
    response = client.responses.create(model=CLAUDE, input=following, store=False)
    assert response.output_text == "Sunny"
    [turn] = simulator.last()["messages"]
    texts = [part["text"] for part in turn["content"] if "text" in part]
    assert texts[0] == question["content"] and texts[2] == "Go on"
    assert texts[1].endswith("They want the weather in Rome.")


def test_a_trigger_streams_one_compaction_item(client, simulator):
    simulator.push(script(text("They said ", "hello.")))
    conversation = [{"role": "user", "content": "Hello"}, {"type": "compaction_trigger"}]
    stream = client.responses.create(model=CLAUDE, input=conversation, stream=True, store=False)
    events_seen = list(stream)

    assert "response.compaction.compacting" in [event.type for event in events_seen]
    [item] = events_seen[-1].response.output
    assert item.type == "compaction" and item.encrypted_content.startswith("oc1.")


@pytest.mark.parametrize("ids", [True, False], ids=["items_with_ids", "items_without_ids"])
def test_reasoning_returns_to_the_model(client, simulator, ids):
    thought = {"reasoningContent": {"reasoningText": {"text": "Hm.", "signature": "c2ln"}}}
    simulator.push(script(converse(thought, {"text": "42"})))
    conversation = [{"role": "user", "content": "What is 6 times 7?"}]
    options = {"model": CLAUDE, "reasoning": {"effort": "low"}, "store": False,
               "include": ["reasoning.encrypted_content"]}
    response = client.responses.create(input=conversation, **options)

    assert response.output[0].encrypted_content.startswith("oc1.")
    # opencode leaves the ids out.
    conversation += [item.model_dump(exclude=set() if ids else {"id"}, exclude_none=True) for item in response.output]
    conversation.append({"role": "user", "content": "And 6 times 8?"})
    simulator.push(script(text("48")))
    client.responses.create(input=conversation, **options)
    assert simulator.last()["messages"][1]["content"][:2] == [thought, {"text": "42"}]


def test_a_response_cut_by_the_limit_is_incomplete(client, simulator):
    simulator.push(script(converse({"text": "Good"}, stop_reason="max_tokens")))
    response = client.responses.create(model=NOVA, input="Hello", store=False)

    assert response.status == "incomplete"
    assert response.incomplete_details.reason == "max_output_tokens"


def test_errors_within_a_stream_fail_the_response(client, simulator):
    broken = events(
        ("messageStart", {"role": "assistant"}),
        ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "Good"}}),
    )
    simulator.push(script(broken))
    *_, last = client.responses.create(model=NOVA, input="Hello", stream=True, store=False)

    assert last.type == "response.failed"
    assert last.response.error.code == "server_error"


def test_errors_before_a_stream_are_raised(client, simulator):
    with pytest.raises(openai.NotFoundError):
        client.responses.create(model="no;model", input="Hello", stream=True)
    with pytest.raises(openai.BadRequestError) as refused:
        client.responses.create(model=NOVA, input="Hello", previous_response_id="resp_1")
    assert refused.value.param == "previous_response_id"
