"""Stored responses with openai-python: continued, retrieved, listed, deleted, and in the background."""

import openai
import pytest

from conftest import connect
from processes import eventually
from simulated import NOVA, calling, fault, script, text

WEATHER = {"type": "function", "name": "get_weather", "strict": False, "parameters": {"type": "object", "properties": {}}}


@pytest.fixture(scope="module")
def disk(start_gateway):
    """A gateway that stores responses on disk."""
    return start_gateway('[responses]\nstore = "disk"\n')


@pytest.fixture(params=["memory", "disk"])
def stored(request, gateway):
    started = gateway if request.param == "memory" else request.getfixturevalue("disk")
    with connect(started) as client:
        yield client


def test_a_conversation_continues_by_id(stored, simulator):
    simulator.push(script(calling(("call_1", "get_weather", {}))), script(text("Sunny")))
    first = stored.responses.create(model=NOVA, input="How is the weather?", tools=[WEATHER])
    assert first.store
    result = {"type": "function_call_output", "call_id": "call_1", "output": "sun"}
    second = stored.responses.create(model=NOVA, input=[result], tools=[WEATHER], previous_response_id=first.id)

    assert second.output_text == "Sunny"
    assert second.previous_response_id == first.id
    turns = [message["role"] for message in simulator.last()["messages"]]
    assert turns == ["user", "assistant", "user"]


def test_a_response_is_retrieved_after_its_stream(stored, simulator):
    simulator.push(script(text("Good ", "morning")))
    with stored.responses.stream(model=NOVA, input="Hello") as stream:
        response = stream.get_final_response()

    found = stored.responses.retrieve(response.id)
    assert found.output_text == "Good morning"
    assert found.to_dict() == stored.responses.retrieve(response.id).to_dict()
    *_, last = stored.responses.retrieve(response.id, stream=True)
    assert last.type == "response.completed"
    assert last.response == found


def test_input_items_are_listed_over_three_pages(stored, simulator):
    simulator.push(script(text("Good morning")), script(text("Goodbye")))
    first = stored.responses.create(model=NOVA, input="Hello")
    messages = [{"role": "user", "content": f"Message {number}"} for number in range(4)]
    second = stored.responses.create(model=NOVA, input=messages, previous_response_id=first.id)

    page = stored.responses.input_items.list(second.id, limit=2)
    pages = list(page.iter_pages())
    assert [len(page.data) for page in pages] == [2, 2, 2]
    items = [item for page in pages for item in page.data]
    texts = [item.content[0].text for item in items]
    assert texts == ["Message 3", "Message 2", "Message 1", "Message 0", "Good morning", "Hello"]
    assert len({item.id for item in items}) == 6


def test_a_deleted_response_is_gone(stored, simulator):
    simulator.push(script(text("Good morning")))
    response = stored.responses.create(model=NOVA, input="Hello")
    stored.responses.delete(response.id)

    with pytest.raises(openai.NotFoundError):
        stored.responses.retrieve(response.id)
    with pytest.raises(openai.BadRequestError) as refused:
        stored.responses.create(model=NOVA, input="Hello", previous_response_id=response.id)
    assert refused.value.code == "previous_response_not_found"


def test_a_background_response_is_polled(stored, simulator):
    simulator.push(script(text("Good morning")))
    response = stored.responses.create(model=NOVA, input="Hello", background=True)
    assert response.status == "queued"
    response = eventually(lambda: finished(stored.responses.retrieve(response.id)))

    assert response.status == "completed"
    assert response.output_text == "Good morning"


def test_a_background_stream_is_resumed(stored, simulator):
    simulator.push(script(text("Good ", "morning")))
    with stored.responses.create(model=NOVA, input="Hello", background=True, stream=True) as stream:
        first = next(iter(stream))
    with stored.responses.stream(response_id=first.response.id, starting_after=1) as stream:
        events = list(stream)
        response = stream.get_final_response()

    assert events[0].sequence_number == 2
    assert response.output_text == "Good morning"


def test_a_background_response_is_cancelled(stored, simulator):
    simulator.push(script(text("Good ", "morning"), fault("stall", after_events=2)))
    with stored.responses.create(model=NOVA, input="Hello", background=True, stream=True) as stream:
        created = next(iter(stream))
        # The model has begun.
        next(event for event in stream if event.type == "response.output_text.delta")
    assert stored.responses.cancel(created.response.id).status == "cancelled"
    assert stored.responses.retrieve(created.response.id).status == "cancelled"


def finished(response):
    return response if response.status not in ("queued", "in_progress") else None
