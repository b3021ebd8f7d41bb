"""LangChain's ChatOpenAI on the Responses API: text, streams, tools, structured output."""

import pytest
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_openai import ChatOpenAI
from pydantic import BaseModel

from processes import API_KEY
from simulated import CLAUDE, NOVA, calling, script, text


class Report(BaseModel):
    """A weather report."""

    city: str
    degrees: int


def get_weather(city: str) -> str:
    """Returns the weather of a city."""
    return f"Sunny in {city}"


@pytest.fixture
def model(gateway):
    def named(name):
        return ChatOpenAI(
            model=name, base_url=gateway.base_url, api_key=API_KEY, use_responses_api=True, store=False, max_retries=0
        )

    return named


@pytest.mark.parametrize("name", [CLAUDE, NOVA])
def test_text_is_returned_and_streamed(model, simulator, name):
    simulator.push(script(text("Good ", "morning"), times=2))
    message = model(name).invoke("Hello")

    assert message.text == "Good morning"
    assert message.usage_metadata["output_tokens"] > 0
    assert message.response_metadata["status"] == "completed"
    chunks = list(model(name).stream("Hello"))
    assert "".join(chunk.text for chunk in chunks) == "Good morning"


@pytest.mark.parametrize("name", [CLAUDE, NOVA])
def test_tool_results_return_to_the_model(model, simulator, name):
    simulator.push(script(calling(("call_1", "get_weather", {"city": "Lisbon"}))), script(text("Sunny")))
    bound = model(name).bind_tools([get_weather])
    conversation = [HumanMessage("How is the weather?")]
    message = bound.invoke(conversation)
    [call] = message.tool_calls

    assert (call["name"], call["args"]) == ("get_weather", {"city": "Lisbon"})
    conversation += [message, ToolMessage(get_weather(**call["args"]), tool_call_id=call["id"])]
    assert bound.invoke(conversation).text == "Sunny"
    [result] = [block["toolResult"] for block in simulator.last()["messages"][2]["content"]]
    assert result["content"] == [{"text": "Sunny in Lisbon"}]


def test_output_has_the_requested_type(model, simulator):
    simulator.push(script(text('{"city":"Lisbon","degrees":21}')))
    structured = model(CLAUDE).with_structured_output(Report, method="json_schema")

    assert structured.invoke("Lisbon has 21 degrees") == Report(city="Lisbon", degrees=21)
