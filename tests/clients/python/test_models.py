"""The models there are."""

import asyncio

import openai
import pytest

from conftest import connect_async
from simulated import CLAUDE, NOVA


def test_models_are_listed_by_the_names_that_can_be_asked_for(client):
    models = list(client.models.list())
    ids = [model.id for model in models]
    assert len(set(ids)) == len(ids)
    assert {"plain-name", NOVA, CLAUDE} <= set(ids)
    # Served through a profile alone, so its own id cannot be asked for.
    assert CLAUDE.removeprefix("us.") not in ids
    for model in models:
        assert model.object == "model"
        assert model.owned_by
        assert model.created > 1_700_000_000


@pytest.mark.parametrize("name", [NOVA, CLAUDE, "plain-name"])
def test_a_model_is_found_by_its_name(client, name):
    assert client.models.retrieve(name).id == name


@pytest.mark.parametrize("path", ["/models/amazon.nova-lite-v1:0", "/models/amazon.nova-lite-v1%3A0"])
def test_a_colon_may_be_encoded_or_not(http, path):
    assert http.get(path).json()["id"] == NOVA


@pytest.mark.parametrize("name", [
    "gpt-9",
    "amazon.nova-lite-v9:0",
    "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc",
])
def test_a_model_that_is_not_there_is_not_found(client, name):
    with pytest.raises(openai.NotFoundError) as raised:
        client.models.retrieve(name)
    assert (raised.value.code, raised.value.param) == ("model_not_found", "model")


def test_every_listed_model_that_writes_text_answers(client):
    listed = [model.id for model in client.models.list()]
    for name in listed:
        if "embed" in name or "rerank" in name or "image" in name or "canvas" in name or "reel" in name:
            continue
        answer = client.chat.completions.create(
            model=name, messages=[{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}]
        )
        assert answer.choices[0].message.content, name


def test_the_asynchronous_client_lists_models(gateway):
    async def ids():
        async with connect_async(gateway) as client:
            return [model.id async for model in client.models.list()]

    assert NOVA in asyncio.run(ids())
