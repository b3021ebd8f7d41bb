"""AWS's OpenAI surfaces as a route: through the gateway by OpenAI's SDK; and the simulator's own surfaces,
with the Bedrock provider of OpenAI's SDK as the judge."""

import json

import httpx
import openai
import pytest
from openai.providers.bedrock import bedrock
from pydantic import BaseModel

from conftest import connect, connect_async
from simulated import HELLO, PNG, error, fault, script

GPT = "openai.gpt-6-luna"
KEY, SECRET = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
TIME = {
    "type": "function",
    "function": {
        "name": "get_time",
        "description": "Tells the hour",
        "parameters": {"type": "object", "properties": {"zone": {"type": "string"}}, "required": ["zone"]},
    },
}
PROMPT = [{"role": "user", "content": "What is the time? Tell the hour."}]

CONFIGURATION = """
[retry]
base_delay = "10ms"
budget_percent = 1000

[models.open-weight]
target = "openai.gpt-oss-20b-1:0"
upstream = "mantle"
"""


class Answer(BaseModel):
    index: str


@pytest.fixture(scope="module")
def routed(start_gateway):
    return start_gateway(CONFIGURATION)


@pytest.fixture
def surface(routed):
    with connect(routed) as client:
        yield client


def paths(simulator):
    return [request["path"] for request in simulator.received()]


@pytest.mark.parametrize("model", [GPT, "openai.gpt-5.4", "xai.grok-4.6", "open-weight"])
def test_a_whole_answer(surface, simulator, model):
    response = surface.chat.completions.create(model=model, messages=HELLO)
    assert response.model == model
    assert response.choices[0].finish_reason == "stop"
    assert "mountain" in response.choices[0].message.content
    assert response.usage.total_tokens == response.usage.prompt_tokens + response.usage.completion_tokens
    assert paths(simulator) == ["/openai/v1/chat/completions"]


@pytest.mark.parametrize("model", [GPT, "open-weight"])
def test_a_stream(surface, model):
    with surface.chat.completions.stream(
        model=model, messages=HELLO, stream_options={"include_usage": True}
    ) as stream:
        response = stream.get_final_completion()
    non_streaming = surface.chat.completions.create(model=model, messages=HELLO)
    assert response.choices[0].message.content == non_streaming.choices[0].message.content
    assert response.usage.completion_tokens == non_streaming.usage.completion_tokens
    assert response.choices[0].message.role == "assistant"


async def first_words(gateway):
    async with connect_async(gateway) as client:
        stream = await client.chat.completions.create(model=GPT, messages=HELLO, stream=True)
        return [chunk.choices[0].delta.content async for chunk in stream]


def test_a_stream_of_the_asynchronous_client(routed):
    import asyncio

    assert "mountain" in "".join(filter(None, asyncio.run(first_words(routed))))


def test_reasoning_comes_apart_from_the_answer(surface):
    non_streaming = surface.chat.completions.create(model="open-weight", messages=HELLO)
    thought = non_streaming.choices[0].message.reasoning_content
    assert thought.startswith("The user wants")
    assert "<reasoning>" not in non_streaming.choices[0].message.content
    deltas = [
        chunk.choices[0].delta
        for chunk in surface.chat.completions.create(model="open-weight", messages=HELLO, stream=True)
    ]
    assert "".join(getattr(delta, "reasoning_content", None) or "" for delta in deltas) == thought
    assert "<reasoning>" not in "".join(delta.content or "" for delta in deltas)


def test_tools_of_a_model_that_takes_them_while_it_reasons(surface, simulator):
    tool_round(surface, "open-weight")
    assert set(paths(simulator)) == {"/openai/v1/chat/completions"}


def test_tools_go_to_converse_unless_the_model_does_not_reason(surface, simulator):
    tool_round(surface, GPT)
    assert all(path.endswith("/converse") for path in paths(simulator))
    simulator.clear()
    tool_round(surface, GPT, reasoning_effort="none")
    assert set(paths(simulator)) == {"/openai/v1/chat/completions"}


def tool_round(client, model, **more):
    request = client.chat.completions.create(model=model, messages=PROMPT, tools=[TIME], **more)
    message = request.choices[0].message
    assert request.choices[0].finish_reason == "tool_calls"
    [call] = message.tool_calls
    assert call.function.name == "get_time" and "zone" in json.loads(call.function.arguments)
    result = {"role": "tool", "tool_call_id": call.id, "content": "noon"}
    # The message goes back as the SDK holds it, the gateway's own fields included.
    history = [*PROMPT, message.model_dump(exclude_none=True), result]
    response = client.chat.completions.create(model=model, messages=history, tools=[TIME], **more)
    assert "noon" in response.choices[0].message.content


def test_streamed_calls_come_together(surface):
    with surface.chat.completions.stream(model="open-weight", messages=PROMPT, tools=[TIME]) as stream:
        [call] = stream.get_final_completion().choices[0].message.tool_calls
    assert "zone" in json.loads(call.function.arguments)


@pytest.mark.parametrize("model", [GPT, "open-weight"])
def test_an_answer_to_a_schema(surface, model):
    response = surface.chat.completions.parse(model=model, messages=HELLO, response_format=Answer)
    assert response.choices[0].message.parsed.index


def test_any_json_object(surface):
    response = surface.chat.completions.create(
        model=GPT, messages=HELLO, response_format={"type": "json_object"}
    )
    assert isinstance(json.loads(response.choices[0].message.content), dict)


def test_a_picture(surface, simulator):
    url = f"data:image/png;base64,{PNG}"
    content = [{"type": "text", "text": "What is it?"}, {"type": "image_url", "image_url": {"url": url}}]
    surface.chat.completions.create(model=GPT, messages=[{"role": "user", "content": content}])
    assert simulator.last()["messages"][0]["content"] == content


def test_throttling_is_asked_again_and_told(surface, simulator):
    simulator.push(script(error(429, "ThrottlingException"), times=1))
    assert surface.chat.completions.create(model=GPT, messages=HELLO).choices
    simulator.push(script(error(429, "ThrottlingException"), times=4))
    with pytest.raises(openai.RateLimitError) as caught:
        surface.chat.completions.create(model=GPT, messages=HELLO)
    assert caught.value.code == "rate_limit_exceeded"


def test_a_stream_that_breaks_raises(surface, simulator):
    simulator.push(script(None, fault("cut", after_events=3)))
    with pytest.raises(openai.APIError):
        for _ in surface.chat.completions.create(model=GPT, messages=HELLO, stream=True):
            pass


# The simulator's surfaces, without a gateway.


def provider(simulator, endpoint, **keys):
    keys = keys or {"access_key_id": KEY, "secret_access_key": SECRET}
    url = f"{simulator.url}/openai/v1"
    return openai.OpenAI(
        provider=bedrock(endpoint=endpoint, region="us-east-1", base_url=url, **keys), max_retries=0
    )


@pytest.mark.parametrize("endpoint", ["runtime", "mantle"])
def test_openais_bedrock_provider_understands_the_simulator(simulator, endpoint):
    client = provider(simulator, endpoint)
    response = client.chat.completions.create(model=GPT, messages=HELLO)
    assert "mountain" in response.choices[0].message.content
    with client.chat.completions.stream(
        model="openai.gpt-oss-20b-1:0", messages=PROMPT, tools=[TIME], stream_options={"include_usage": True}
    ) as stream:
        streamed = stream.get_final_completion()
    assert streamed.choices[0].message.tool_calls[0].function.name == "get_time"
    assert streamed.choices[0].message.content.startswith("<reasoning>")
    assert streamed.usage.prompt_tokens > 0


def test_openais_bedrock_provider_may_have_a_token(simulator):
    client = provider(simulator, "mantle", api_key="bedrock-api-key-EXAMPLE")
    assert client.chat.completions.create(model="openai.gpt-5.5", messages=HELLO).choices


def test_the_simulator_refuses_in_openais_words(simulator):
    runtime, mantle = provider(simulator, "runtime"), provider(simulator, "mantle")
    with pytest.raises(openai.NotFoundError) as caught:
        runtime.chat.completions.create(model="openai.gpt-5.5", messages=HELLO)
    assert caught.value.code == "model_not_found"
    with pytest.raises(openai.BadRequestError) as caught:
        mantle.chat.completions.create(model=GPT, messages=HELLO, temperature=0.5)
    assert (caught.value.code, caught.value.param) == ("unsupported_parameter", "temperature")
    with pytest.raises(openai.PermissionDeniedError):
        provider(
            simulator, "mantle", access_key_id=KEY, secret_access_key="wrong"
        ).chat.completions.create(model=GPT, messages=HELLO)
    simulator.push(script(None, fault("exception", after_events=2, code="throttlingException", message="slow")))
    with pytest.raises(openai.APIError, match="slow"):
        for _ in mantle.chat.completions.create(model=GPT, messages=HELLO, stream=True):
            pass


def test_a_signature_for_mantle_is_for_openais_path_alone(simulator):
    client = provider(simulator, "mantle")
    url = f"{simulator.url}/openai/v1/models"
    assert httpx.get(url).status_code == 403
    with pytest.raises(openai.APIStatusError):
        client.models.list()
