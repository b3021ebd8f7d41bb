"""OpenAI's Azure client, which puts the deployment into the path and the key into its own header."""

import base64

import openai
import pytest

from processes import API_KEY
from simulated import CLAUDE, HELLO, NOVA

TITAN = "amazon.titan-embed-text-v2:0"


@pytest.fixture
def azure(gateway):
    with openai.AzureOpenAI(
        azure_endpoint=gateway.url, api_key=API_KEY, api_version="2024-10-21", max_retries=0, timeout=30.0
    ) as client:
        yield client


def test_chat_streaming_and_non_streaming(azure):
    completion = azure.chat.completions.create(model=NOVA, messages=HELLO)
    assert "Good morning, mountain" in completion.choices[0].message.content
    assert completion.model == NOVA
    stream = azure.chat.completions.create(model="plain-name", messages=HELLO, stream=True)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)


def test_the_deployment_overrides_the_model_argument(gateway, simulator):
    with openai.AzureOpenAI(
        azure_endpoint=gateway.url, azure_deployment=CLAUDE, api_key=API_KEY, api_version="2024-10-21",
        max_retries=0, timeout=30.0,
    ) as client:
        client.chat.completions.create(model="gpt-4o", messages=HELLO)
    assert [request["model"] for request in simulator.received()] == [CLAUDE]


def test_completions_embeddings_images_and_models(azure):
    assert azure.completions.create(model=NOVA, prompt="Once upon a time").choices[0].text
    [embedding] = azure.embeddings.create(model=TITAN, input="a lake", encoding_format="float").data
    assert len(embedding.embedding) == 1024
    image = azure.images.generate(model="stability.stable-image-core-v1:1", prompt="A lake").data[0]
    assert base64.b64decode(image.b64_json).startswith(b"\x89PNG")
    assert NOVA in [model.id for model in azure.models.list()]


def test_the_v1_path_is_served(gateway):
    base_url = gateway.url + "/openai/v1/"
    with openai.OpenAI(base_url=base_url, api_key=API_KEY, max_retries=0, timeout=30.0) as client:
        assert client.chat.completions.create(model=NOVA, messages=HELLO).choices
        query = {"api-version": "preview"}
        assert client.chat.completions.create(model=NOVA, messages=HELLO, extra_query=query).choices


def test_a_wrong_key_is_rejected(gateway):
    with openai.AzureOpenAI(
        azure_endpoint=gateway.url, api_key="sk-wrong", api_version="2024-10-21", max_retries=0
    ) as client:
        with pytest.raises(openai.AuthenticationError):
            client.chat.completions.create(model=NOVA, messages=HELLO)


def test_an_error_names_the_correct_endpoint(gateway):
    with openai.AzureOpenAI(
        azure_endpoint=gateway.base_url, api_key=API_KEY, api_version="2024-10-21", max_retries=0
    ) as client:
        with pytest.raises(openai.NotFoundError) as raised:
            client.chat.completions.create(model=NOVA, messages=HELLO)
    assert f"`{gateway.url}`" in raised.value.message
