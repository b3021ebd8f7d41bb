"""AWS's OpenAI-compatible endpoints as upstream, with OpenAI's SDK; and the simulator's endpoints, with
the Bedrock provider of OpenAI's SDK."""

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


class Report(BaseModel):
    index: str


@pytest.fixture(scope="module")
def routed(start_gateway):
    return start_gateway(CONFIGURATION)


@pytest.fixture
def client(routed):
    with connect(routed) as client:
        yield client


def paths(simulator):
    return [request["path"] for request in simulator.received()]


@pytest.mark.parametrize("model", [GPT, "openai.gpt-5.4", "xai.grok-4.6", "open-weight"])
def test_a_non_streaming_response(client, simulator, model):
    response = client.chat.completions.create(model=model, messages=HELLO)
    assert response.model == model
    assert response.choices[0].finish_reason == "stop"
    assert "mountain" in response.choices[0].message.content
    assert response.usage.total_tokens == response.usage.prompt_tokens + response.usage.completion_tokens
    assert paths(simulator) == ["/openai/v1/chat/completions"]


@pytest.mark.parametrize("model", [GPT, "open-weight"])
def test_a_stream(client, model):
    with client.chat.completions.stream(
        model=model, messages=HELLO, stream_options={"include_usage": True}
    ) as stream:
        response = stream.get_final_completion()
    non_streaming = client.chat.completions.create(model=model, messages=HELLO)
    assert response.choices[0].message.content == non_streaming.choices[0].message.content
    assert response.usage.completion_tokens == non_streaming.usage.completion_tokens
    assert response.choices[0].message.role == "assistant"


async def first_words(gateway):
    async with connect_async(gateway) as client:
        stream = await client.chat.completions.create(model=GPT, messages=HELLO, stream=True)
        return [chunk.choices[0].delta.content async for chunk in stream]


def test_a_stream_of_the_async_client(routed):
    import asyncio

    assert "mountain" in "".join(filter(None, asyncio.run(first_words(routed))))


def test_reasoning_is_separate_from_content(client):
    non_streaming = client.chat.completions.create(model="open-weight", messages=HELLO)
    thought = non_streaming.choices[0].message.reasoning_content
    assert thought.startswith("The user wants")
    assert "<reasoning>" not in non_streaming.choices[0].message.content
    deltas = [
        chunk.choices[0].delta
        for chunk in client.chat.completions.create(model="open-weight", messages=HELLO, stream=True)
    ]
    assert "".join(getattr(delta, "reasoning_content", None) or "" for delta in deltas) == thought
    assert "<reasoning>" not in "".join(delta.content or "" for delta in deltas)


def test_tools_with_reasoning_if_supported(client, simulator):
    tool_round(client, "open-weight")
    assert set(paths(simulator)) == {"/openai/v1/chat/completions"}


def test_tools_use_converse_unless_reasoning_is_off(client, simulator):
    tool_round(client, GPT)
    assert all(path.endswith("/converse") for path in paths(simulator))
    simulator.clear()
    tool_round(client, GPT, reasoning_effort="none")
    assert set(paths(simulator)) == {"/openai/v1/chat/completions"}


def tool_round(client, model, **more):
    request = client.chat.completions.create(model=model, messages=PROMPT, tools=[TIME], **more)
    message = request.choices[0].message
    assert request.choices[0].finish_reason == "tool_calls"
    [call] = message.tool_calls
    assert call.function.name == "get_time" and "zone" in json.loads(call.function.arguments)
    result = {"role": "tool", "tool_call_id": call.id, "content": "noon"}
    # The message is sent back as the SDK has it, including the gateway's extensions.
    history = [*PROMPT, message.model_dump(exclude_none=True), result]
    response = client.chat.completions.create(model=model, messages=history, tools=[TIME], **more)
    assert "noon" in response.choices[0].message.content


def test_streamed_calls_are_accumulated(client):
    with client.chat.completions.stream(model="open-weight", messages=PROMPT, tools=[TIME]) as stream:
        [call] = stream.get_final_completion().choices[0].message.tool_calls
    assert "zone" in json.loads(call.function.arguments)


@pytest.mark.parametrize("model", [GPT, "open-weight"])
def test_structured_output(client, model):
    response = client.chat.completions.parse(model=model, messages=HELLO, response_format=Report)
    assert response.choices[0].message.parsed.index


def test_any_json_object(client):
    response = client.chat.completions.create(
        model=GPT, messages=HELLO, response_format={"type": "json_object"}
    )
    assert isinstance(json.loads(response.choices[0].message.content), dict)


def test_an_image(client, simulator):
    url = f"data:image/png;base64,{PNG}"
    content = [{"type": "text", "text": "What is it?"}, {"type": "image_url", "image_url": {"url": url}}]
    client.chat.completions.create(model=GPT, messages=[{"role": "user", "content": content}])
    assert simulator.last()["messages"][0]["content"] == content


def test_throttling_is_retried_and_reported(client, simulator):
    simulator.push(script(error(429, "ThrottlingException"), times=1))
    assert client.chat.completions.create(model=GPT, messages=HELLO).choices
    simulator.push(script(error(429, "ThrottlingException"), times=4))
    with pytest.raises(openai.RateLimitError) as caught:
        client.chat.completions.create(model=GPT, messages=HELLO)
    assert caught.value.code == "rate_limit_exceeded"


def test_an_interrupted_stream_raises(client, simulator):
    simulator.push(script(None, fault("cut", after_events=3)))
    with pytest.raises(openai.APIError):
        for _ in client.chat.completions.create(model=GPT, messages=HELLO, stream=True):
            pass


# The simulator's endpoints, without a gateway.


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


def test_openais_bedrock_provider_accepts_an_api_key(simulator):
    client = provider(simulator, "mantle", api_key="bedrock-api-key-EXAMPLE")
    assert client.chat.completions.create(model="openai.gpt-5.5", messages=HELLO).choices


def test_the_simulator_returns_errors_in_openais_format(simulator):
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


def test_a_mantle_signature_is_only_valid_for_openais_path(simulator):
    client = provider(simulator, "mantle")
    url = f"{simulator.url}/openai/v1/models"
    assert httpx.get(url).status_code == 403
    with pytest.raises(openai.APIStatusError):
        client.models.list()
