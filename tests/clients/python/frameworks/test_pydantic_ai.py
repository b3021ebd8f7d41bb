"""Pydantic AI's models for Chat Completions and the Responses API: tools, typed output, streams."""

import openai
import pytest
from pydantic import BaseModel
from pydantic_ai import Agent, NativeOutput
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.providers.openai import OpenAIProvider

from processes import API_KEY
from simulated import CLAUDE, NOVA, calling, script, text


class Report(BaseModel):
    """A weather report."""

    city: str
    degrees: int


def get_weather(city: str) -> str:
    """Returns the weather of a city."""
    return f"Sunny in {city}"


@pytest.fixture(params=[OpenAIChatModel, OpenAIResponsesModel], ids=["chat", "responses"])
def model(request, gateway):
    """Creates models without retries."""

    def named(name):
        client = openai.AsyncOpenAI(base_url=gateway.base_url, api_key=API_KEY, max_retries=0)
        return request.param(name, provider=OpenAIProvider(openai_client=client))

    return named


@pytest.mark.parametrize("name", [CLAUDE, NOVA])
def test_tools_run_until_the_final_response(model, simulator, name):
    simulator.push(
        script(calling(("call_1", "get_weather", {"city": "Lisbon"}), ("call_2", "get_weather", {"city": "Porto"}))),
        script(text("Sunny ", "everywhere.")),
    )
    agent = Agent(model(name), instructions="Be brief.", tools=[get_weather])
    result = agent.run_sync("How is the weather?")

    assert result.output == "Sunny everywhere."
    assert result.usage.output_tokens > 0
    request = simulator.last()
    assert request["system"][0] == {"text": "Be brief."}
    results = [block["toolResult"]["content"] for block in request["messages"][2]["content"] if "toolResult" in block]
    assert results == [[{"text": "Sunny in Lisbon"}], [{"text": "Sunny in Porto"}]]


@pytest.mark.anyio
async def test_text_is_streamed(model, simulator):
    simulator.push(script(text("Good ", "morning")))
    async with Agent(model(NOVA)).run_stream("Hello") as result:
        deltas = [delta async for delta in result.stream_text(delta=True, debounce_by=None)]

    assert deltas == ["Good ", "morning"]


@pytest.mark.parametrize("name", [CLAUDE, NOVA])
def test_native_output_has_the_requested_type(model, simulator, name):
    simulator.push(script(text('{"city":"Lisbon","degrees":21}')))
    result = Agent(model(name), output_type=NativeOutput(Report)).run_sync("Lisbon has 21 degrees")

    assert result.output == Report(city="Lisbon", degrees=21)


@pytest.mark.parametrize("name", [CLAUDE, NOVA])
def test_output_by_a_tool_has_the_requested_type(model, simulator, name):
    simulator.push(script(calling(("call_1", "final_result", {"city": "Lisbon", "degrees": 21}))))
    result = Agent(model(name), output_type=Report).run_sync("Lisbon has 21 degrees")

    assert result.output == Report(city="Lisbon", degrees=21)


def test_a_conversation_goes_on_with_its_history(model, simulator):
    simulator.push(script(text("One.")), script(text("Two.")))
    agent = Agent(model(CLAUDE))
    first = agent.run_sync("Begin")
    second = agent.run_sync("Go on", message_history=first.all_messages())

    assert second.output == "Two."
    roles = [(message["role"], message["content"][0].get("text")) for message in simulator.last()["messages"]]
    assert roles == [("user", "Begin"), ("assistant", "One."), ("user", "Go on")]
