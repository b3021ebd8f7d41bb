"""OpenAI's Agents SDK on Chat Completions: loops of tools, handoffs, structure, streams."""

import json

import openai
import pytest
from agents import (
    Agent,
    ModelSettings,
    OpenAIChatCompletionsModel,
    Runner,
    function_tool,
    set_tracing_disabled,
)
from openai.types.responses import ResponseTextDeltaEvent
from openai.types.shared import Reasoning
from pydantic import BaseModel

from processes import API_KEY
from simulated import CLAUDE, NOVA, PDF, PNG, calling, error, script, text

set_tracing_disabled(True)


@function_tool
def get_weather(city: str) -> str:
    """Tells the weather of a city."""
    return f"Sunny in {city}"


@function_tool
def get_time() -> str:
    """Tells the hour."""
    return "12:00"


class Report(BaseModel):
    """What the weather is like."""

    city: str
    degrees: int


@pytest.fixture
def model(gateway):
    """Makes models of the SDK's; its retries are off."""

    def named(name):
        client = openai.AsyncOpenAI(base_url=gateway.base_url, api_key=API_KEY, max_retries=0)
        return OpenAIChatCompletionsModel(model=name, openai_client=client)

    return named


@pytest.fixture(params=[False, True], ids=["whole", "streamed"])
def run(request):
    """Runs an agent to its end, in either way; gives the result and the pieces of text seen."""

    async def to_the_end(agent, said):
        if not request.param:
            return await Runner.run(agent, said), None
        result = Runner.run_streamed(agent, said)
        pieces = []
        async for event in result.stream_events():
            if event.type == "raw_response_event" and isinstance(event.data, ResponseTextDeltaEvent):
                pieces.append(event.data.delta)
        return result, pieces

    return to_the_end


def results_in(turn):
    results = [block["toolResult"] for block in turn["content"] if "toolResult" in block]
    return [(result["toolUseId"], result["content"]) for result in results]


@pytest.mark.parametrize("name", [CLAUDE, NOVA])
async def test_tools_are_run_until_there_is_an_answer(model, run, simulator, name):
    simulator.order(
        script(calling(("call_1", "get_weather", {"city": "Lisbon"}), ("call_2", "get_weather", {"city": "Porto"}))),
        script(calling(("call_3", "get_time", {}), before=[{"text": "And the hour?"}])),
        script(text("Sunny ", "at noon.")),
    )
    agent = Agent(
        "Meteorologist", instructions="Be brief.", model=model(name), tools=[get_weather, get_time],
        # Asks for usage in streams too.
        model_settings=ModelSettings(include_usage=True),
    )
    result, pieces = await run(agent, "How is the weather in Lisbon and Porto?")

    assert result.final_output == "Sunny at noon."
    assert pieces is None or pieces[-2:] == ["Sunny ", "at noon."]
    assert result.context_wrapper.usage.requests == 3
    assert result.context_wrapper.usage.output_tokens > 0
    bodies = [request["body_json"] for request in simulator.received()]
    assert len(bodies) == 3
    assert {json.dumps(body["system"]) for body in bodies} == {'[{"text": "Be brief."}]'}
    question, calls, results, second_call, second_result = bodies[2]["messages"]
    assert results_in(results) == [
        ("call_1", [{"text": "Sunny in Lisbon"}]),
        ("call_2", [{"text": "Sunny in Porto"}]),
    ]
    assert second_call["content"][0] == {"text": "And the hour?"}
    assert second_call["content"][1]["toolUse"]["input"] == {}
    assert results_in(second_result) == [("call_3", [{"text": "12:00"}])]


@pytest.mark.parametrize(("name", "strict"), [(CLAUDE, True), (NOVA, None)])
async def test_functions_are_held_to_their_schema_where_the_model_can_be(model, simulator, name, strict):
    agent = Agent("Meteorologist", model=model(name), tools=[get_weather])
    await Runner.run(agent, "Hello")

    [tool] = simulator.last()["toolConfig"]["tools"]
    assert tool["toolSpec"]["name"] == "get_weather"
    assert tool["toolSpec"].get("strict") == strict
    assert tool["toolSpec"]["inputSchema"]["json"]["required"] == ["city"]


async def test_one_agent_hands_over_to_another(model, run, simulator):
    portuguese = Agent("Portuguese", instructions="Responde em português.", model=model(NOVA))
    triage = Agent("Triage", instructions="Hand over.", model=model(CLAUDE), handoffs=[portuguese])
    simulator.order(
        script(calling(("call_1", "transfer_to_portuguese", {}))),
        script(text("Bom ", "dia.")),
    )
    result, _ = await run(triage, "Bom dia")

    assert result.final_output == "Bom dia."
    assert result.last_agent is portuguese
    first, second = simulator.received()
    assert (first["model"], second["model"]) == (CLAUDE, NOVA)
    assert second["body_json"]["system"] == [{"text": "Responde em português."}]
    # The first agent's call and its result came along, though the second agent has no tools.
    assert [message["role"] for message in second["body_json"]["messages"]] == ["user", "assistant", "user"]


@pytest.mark.parametrize("name", [CLAUDE, NOVA])
async def test_an_answer_has_the_type_that_was_asked_for(model, run, simulator, name):
    agent = Agent("Meteorologist", model=model(name), output_type=Report)
    result, _ = await run(agent, "Lisbon has 21 degrees")

    assert isinstance(result.final_output, Report)
    assert len(simulator.received()) == 1


@pytest.mark.parametrize("name", [CLAUDE, NOVA])
async def test_tools_come_before_the_answer_of_a_type(model, run, simulator, name):
    report = {"city": "Lisbon", "degrees": 21}
    answer = text(json.dumps(report))
    simulator.order(script(calling(("call_1", "get_weather", {"city": "Lisbon"}))), script(answer))
    agent = Agent("Meteorologist", model=model(name), tools=[get_weather], output_type=Report)
    result, _ = await run(agent, "How is the weather in Lisbon?")

    assert result.final_output == Report(**report)
    assert results_in(simulator.last()["messages"][2]) == [("call_1", [{"text": "Sunny in Lisbon"}])]


async def test_a_model_that_thinks_gets_its_signed_thoughts_back(model, run, simulator):
    # This client keeps only what OpenAI has a field for; the gateway remembers the rest. The
    # simulator thinks, calls the tool, and refuses a call that comes back without its thoughts.
    agent = Agent(
        "Thinker", model=model(CLAUDE), tools=[get_time],
        model_settings=ModelSettings(reasoning=Reasoning(effort="medium"), max_tokens=4000),
    )
    result, _ = await run(agent, "What is the time? Tell the hour.")

    assert "12:00" in result.final_output
    first, second = [request["body_json"] for request in simulator.received()]
    assert first["additionalModelRequestFields"]["thinking"]["type"] == "enabled"
    assert second["additionalModelRequestFields"] == first["additionalModelRequestFields"]
    thought = second["messages"][1]["content"][0]["reasoningContent"]["reasoningText"]
    assert thought["text"] and thought["signature"]


async def test_pictures_and_files_are_read(model, simulator):
    said = [{"role": "user", "content": [
        {"type": "input_text", "text": "What are these?"},
        {"type": "input_image", "image_url": f"data:image/png;base64,{PNG}", "detail": "auto"},
        {"type": "input_file", "file_data": f"data:application/pdf;base64,{PDF}", "filename": "report.pdf"},
    ]}]
    await Runner.run(Agent("Reader", model=model(CLAUDE)), said)

    question, image, document = simulator.last()["messages"][0]["content"]
    assert question == {"text": "What are these?"}
    assert image["image"]["format"] == "png"
    assert (document["document"]["format"], document["document"]["source"]) == ("pdf", {"bytes": PDF})


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [(400, "ValidationException", openai.BadRequestError), (403, "AccessDeniedException", openai.PermissionDeniedError)],
)
async def test_what_bedrock_refuses_is_raised_as_it_is(model, run, simulator, status, code, expected):
    simulator.order(script(error(status, code)))
    with pytest.raises(expected):
        await run(Agent("Unlucky", model=model(NOVA)), "Hello")
