"""LangChain's Bedrock classes with the gateway as endpoint, and a key of the gateway as Bedrock API
key."""

import boto3
import pytest
from botocore.exceptions import ClientError
from langchain_aws import BedrockEmbeddings, ChatBedrock, ChatBedrockConverse

from processes import API_KEY
from simulated import CLAUDE, NOVA, script, text
from tls_front import TlsFront

WEATHER = {
    "name": "get_weather",
    "description": "Returns the weather of a city",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
    },
}


@pytest.fixture
def settings(gateway, monkeypatch, tmp_path):
    """Client settings, with the gateway's key as Bedrock API key."""
    front = TlsFront(gateway.url, tmp_path)
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", API_KEY)
    monkeypatch.setenv("AWS_CA_BUNDLE", front.certificate)
    yield {"region_name": "us-east-1", "endpoint_url": front.url}
    front.stop()


def test_boto3_with_an_api_key(settings, monkeypatch):
    hello = [{"role": "user", "content": [{"text": "Good morning, mountain"}]}]
    client = boto3.client("bedrock-runtime", **settings)
    assert client.converse(modelId=NOVA, messages=hello)["stopReason"] == "end_turn"
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", "sk-of-somebody-else")
    client = boto3.client("bedrock-runtime", **settings)
    with pytest.raises(ClientError) as caught:
        client.converse(modelId=NOVA, messages=hello)
    assert caught.value.response["Error"]["Code"] == "UnrecognizedClientException"


@pytest.mark.parametrize("model", [CLAUDE, NOVA])
def test_chat_by_converse(settings, simulator, model):
    simulator.push(script(text("Good ", "morning")))
    response = ChatBedrockConverse(model=model, **settings).invoke("Good morning, mountain")
    assert response.text == "Good morning"
    assert response.usage_metadata["output_tokens"] > 0


def test_streaming_by_converse(settings, simulator):
    simulator.push(script(text("Good ", "morning")))
    chunks = list(ChatBedrockConverse(model=NOVA, **settings).stream("Good morning, mountain"))
    assert "".join(chunk.text for chunk in chunks) == "Good morning"


def test_tools_by_converse(settings):
    chat = ChatBedrockConverse(model=CLAUDE, **settings)
    forced = chat.bind_tools([WEATHER], tool_choice="get_weather")
    [call] = forced.invoke("How is the weather in Bern?").tool_calls
    assert call["name"] == "get_weather"


def test_chat_by_invoke_model(settings):
    chat = ChatBedrock(model=CLAUDE, beta_use_converse_api=False, **settings)
    response = chat.invoke("Good morning, mountain")
    assert response.text
    chunks = list(chat.stream("Good morning, mountain"))
    assert "".join(chunk.text for chunk in chunks)


def test_embeddings(settings):
    embeddings = BedrockEmbeddings(model_id="amazon.titan-embed-text-v2:0", **settings)
    one, two = embeddings.embed_documents(["Good morning", "Good night"])
    assert len(one) == len(two) > 0
