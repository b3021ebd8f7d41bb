"""OpenAI's Agents SDK on Chat Completions and on the Responses API, its default: tool loops, handoffs, structured output, streams."""

import json

import openai
import pytest
from agents import (
    Agent,
    ModelSettings,
    OpenAIChatCompletionsModel,
    OpenAIResponsesModel,
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
    """Returns the weather of a city."""
    return f"Sunny in {city}"


@function_tool
def get_time() -> str:
    """Returns the hour."""
    return "12:00"


class Report(BaseModel):
    """A weather report."""

    city: str
    degrees: int


@pytest.fixture(params=[OpenAIChatCompletionsModel, OpenAIResponsesModel], ids=["chat", "responses"])
def model(request, gateway):
    """Creates SDK models without retries."""

    def named(name):
        client = openai.AsyncOpenAI(base_url=gateway.base_url, api_key=API_KEY, max_retries=0)
        return request.param(model=name, openai_client=client)

    return named


@pytest.fixture(params=[False, True], ids=["non_streaming", "streaming"])
def run(request):
    """Runs an agent to its end; returns the result and the text deltas (None if not streamed)."""

    async def to_the_end(agent, prompt):
        if not request.param:
            return await Runner.run(agent, prompt), None
        result = Runner.run_streamed(agent, prompt)
        deltas = []
        async for event in result.stream_events():
            if event.type == "raw_response_event" and isinstance(event.data, ResponseTextDeltaEvent):
                deltas.append(event.data.delta)
        return result, deltas

    return to_the_end


def results_in(turn):
    results = [block["toolResult"] for block in turn["content"] if "toolResult" in block]
    return [(result["toolUseId"], result["content"]) for result in results]


@pytest.mark.parametrize("name", [CLAUDE, NOVA])
async def test_tools_run_until_the_final_response(model, run, simulator, name):
    simulator.push(
        script(calling(("call_1", "get_weather", {"city": "Lisbon"}), ("call_2", "get_weather", {"city": "Porto"}))),
        script(calling(("call_3", "get_time", {}), before=[{"text": "And the hour?"}])),
        script(text("Sunny ", "at noon.")),
    )
    agent = Agent(
        "Meteorologist", instructions="Be brief.", model=model(name), tools=[get_weather, get_time],
        # Requests usage in streams too.
        model_settings=ModelSettings(include_usage=True),
    )
    result, deltas = await run(agent, "How is the weather in Lisbon and Porto?")

    assert result.final_output == "Sunny at noon."
    assert deltas is None or deltas[-2:] == ["Sunny ", "at noon."]
    assert result.context_wrapper.usage.requests == 3
    assert result.context_wrapper.usage.output_tokens > 0
    bodies = [request["body_json"] for request in simulator.received()]
    assert len(bodies) == 3
    assert {json.dumps(body["system"]) for body in bodies} == {'[{"text": "Be brief."}]'}
    user_message, calls, results, second_call, second_result = bodies[2]["messages"]
    assert results_in(results) == [
        ("call_1", [{"text": "Sunny in Lisbon"}]),
        ("call_2", [{"text": "Sunny in Porto"}]),
    ]
    assert second_call["content"][0] == {"text": "And the hour?"}
    assert second_call["content"][1]["toolUse"]["input"] == {}
    assert results_in(second_result) == [("call_3", [{"text": "12:00"}])]


@pytest.mark.parametrize(("name", "strict"), [(CLAUDE, True), (NOVA, None)])
async def test_function_schemas_are_strict_if_supported(model, simulator, name, strict):
    agent = Agent("Meteorologist", model=model(name), tools=[get_weather])
    await Runner.run(agent, "Hello")

    [tool] = simulator.last()["toolConfig"]["tools"]
    assert tool["toolSpec"]["name"] == "get_weather"
    assert tool["toolSpec"].get("strict") == strict
    assert tool["toolSpec"]["inputSchema"]["json"]["required"] == ["city"]


async def test_one_agent_hands_over_to_another(model, run, simulator):
    portuguese = Agent("Portuguese", instructions="Responde em português.", model=model(NOVA))
    triage = Agent("Triage", instructions="Hand over.", model=model(CLAUDE), handoffs=[portuguese])
    simulator.push(
        script(calling(("call_1", "transfer_to_portuguese", {}))),
        script(text("Bom ", "dia.")),
    )
    result, _ = await run(triage, "Bom dia")

    assert result.final_output == "Bom dia."
    assert result.last_agent is portuguese
    first, second = simulator.received()
    assert (first["model"], second["model"]) == (CLAUDE, NOVA)
    assert second["body_json"]["system"] == [{"text": "Responde em português."}]
    # The first agent's call and its result are included, though the second agent has no tools.
    assert [message["role"] for message in second["body_json"]["messages"]] == ["user", "assistant", "user"]


@pytest.mark.parametrize("name", [CLAUDE, NOVA])
async def test_output_has_the_requested_type(model, run, simulator, name):
    agent = Agent("Meteorologist", model=model(name), output_type=Report)
    result, _ = await run(agent, "Lisbon has 21 degrees")

    assert isinstance(result.final_output, Report)
    assert len(simulator.received()) == 1


@pytest.mark.parametrize("name", [CLAUDE, NOVA])
async def test_tools_run_before_the_typed_output(model, run, simulator, name):
    report = {"city": "Lisbon", "degrees": 21}
    response = text(json.dumps(report))
    simulator.push(script(calling(("call_1", "get_weather", {"city": "Lisbon"}))), script(response))
    agent = Agent("Meteorologist", model=model(name), tools=[get_weather], output_type=Report)
    result, _ = await run(agent, "How is the weather in Lisbon?")

    assert result.final_output == Report(**report)
    assert results_in(simulator.last()["messages"][2]) == [("call_1", [{"text": "Sunny in Lisbon"}])]


async def test_signed_thinking_blocks_are_sent_back(model, run, simulator):
    # This client only keeps OpenAI's fields; the gateway remembers the reasoning. The simulator
    # reasons, calls the tool, and rejects a tool call without its reasoning.
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


async def test_images_and_files_are_accepted(model, simulator):
    prompt = [{"role": "user", "content": [
        {"type": "input_text", "text": "What are these?"},
        {"type": "input_image", "image_url": f"data:image/png;base64,{PNG}", "detail": "auto"},
        {"type": "input_file", "file_data": f"data:application/pdf;base64,{PDF}", "filename": "report.pdf"},
    ]}]
    await Runner.run(Agent("Reader", model=model(CLAUDE)), prompt)

    user_message, image, document = simulator.last()["messages"][0]["content"]
    assert user_message == {"text": "What are these?"}
    assert image["image"]["format"] == "png"
    assert (document["document"]["format"], document["document"]["source"]) == ("pdf", {"bytes": PDF})


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [(400, "ValidationException", openai.BadRequestError), (403, "AccessDeniedException", openai.PermissionDeniedError)],
)
async def test_bedrock_errors_are_raised_unchanged(model, run, simulator, status, code, expected):
    simulator.push(script(error(status, code)))
    with pytest.raises(expected):
        await run(Agent("Unlucky", model=model(NOVA)), "Hello")
