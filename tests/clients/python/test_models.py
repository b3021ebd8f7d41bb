"""The list of models."""

import asyncio

import openai
import pytest

from conftest import connect_async
from simulated import CLAUDE, NOVA

CHAT = "/v1/chat/completions"


def test_models_are_listed_by_their_callable_names(client):
    models = list(client.models.list())
    ids = [model.id for model in models]
    assert len(set(ids)) == len(ids)
    assert {"plain-name", NOVA, CLAUDE} <= set(ids)
    # Only available through a profile, so its own id cannot be called.
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
def test_a_missing_model_is_not_found(client, name):
    with pytest.raises(openai.NotFoundError) as raised:
        client.models.retrieve(name)
    assert (raised.value.code, raised.value.param) == ("model_not_found", "model")


def test_every_listed_chat_model_responds(client):
    for model in client.models.list():
        if CHAT not in model.outcrop["endpoints"]:
            continue
        response = client.chat.completions.create(
            model=model.id, messages=[{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}]
        )
        assert response.choices[0].message.content, model.id


def test_model_details_are_returned_in_addition_to_openai_fields(client):
    models = {model.id: model for model in client.models.list()}
    claude = models[CLAUDE]
    assert set(claude.model_extra) == {"name", "context_length", "type", "outcrop"}
    assert (claude.context_length, claude.type) == (200_000, "chat")
    assert claude.name == claude.outcrop["name"]
    details = claude.outcrop
    assert (details["kind"], details["family"]) == ("inference_profile", "Claude 4.5")
    assert details["base_models"] == [CLAUDE.removeprefix("us.")]
    assert CHAT in details["endpoints"]
    assert {"text", "image", "document"} <= set(details["input_modalities"])
    assert details["output_modalities"] == ["text"]
    assert (details["context_window"], details["max_output_tokens"]) == (200_000, 64_000)
    assert details["regions"] == ["us-east-1", "us-east-2", "us-west-2"]
    assert models[NOVA].outcrop["life_cycle"] == {"status": "active"}
    prices = details["price"]["per_million_tokens"]["default"]
    # Three dollars plus the tenth for geographic profiles, as exact decimals.
    assert (prices["input"], prices["output"]) == ("3.3", "16.5")
    abilities = details["capabilities"]
    assert abilities["streaming"] and abilities["tools"] and abilities["prompt_caching"]["supported"]
    assert abilities["tool_choice"] == ["none", "auto", "required", "function"]
    assert "high" in abilities["reasoning"]["efforts"]


def test_other_models_state_their_endpoints(client):
    embedding = client.models.retrieve("amazon.titan-embed-text-v2:0").outcrop
    assert embedding["endpoints"] == ["/v1/embeddings"]
    assert embedding["output_modalities"] == ["embedding"]
    assert "capabilities" not in embedding


def test_a_legacy_model_states_its_end_of_life(client):
    model = client.models.retrieve("us.anthropic.claude-opus-4-1-20250805-v1:0")
    assert model.shutdown_date == model.outcrop["life_cycle"]["end_of_life"] == "2099-12-31"
    assert model.outcrop["life_cycle"]["status"] == "legacy"
    assert client.models.retrieve(NOVA).shutdown_date is None


def test_an_alias_states_its_target(client):
    alias = client.models.retrieve("plain-name").outcrop
    assert (alias["kind"], alias["target"], alias["target_kind"]) == ("alias", NOVA, "foundation_model")
    assert alias["regions"] == ["us-east-1"]


@pytest.mark.parametrize("resource, kind", [
    ("application-inference-profile/ap1234claude", "application_inference_profile"),
    ("custom-model-deployment/cd1234567890", "custom_model_deployment"),
    ("imported-model/im1234567890", "imported_model"),
    ("provisioned-model/pm1234567890", "provisioned_model"),
    ("default-prompt-router/amazon.nova:1", "prompt_router"),
])
def test_account_models_are_listed_and_retrieved_by_arn(client, resource, kind):
    arn = "arn:aws:bedrock:us-east-1:123456789012:" + resource
    assert arn in {model.id for model in client.models.list()}
    assert client.models.retrieve(arn).outcrop["kind"] == kind


def test_the_async_client_lists_models(gateway):
    async def ids():
        async with connect_async(gateway) as client:
            return [model.id async for model in client.models.list()]

    assert NOVA in asyncio.run(ids())
