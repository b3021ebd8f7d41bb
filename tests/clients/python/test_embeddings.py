"""Embeddings with OpenAI's client, which requests base64 by default."""

import openai
import pytest

from simulated import NOVA, PNG, error, script

TITAN = "amazon.titan-embed-text-v2:0"
COHERE = "cohere.embed-v4:0"
NOVA_EMBEDDINGS = "amazon.nova-2-multimodal-embeddings-v1:0"


@pytest.mark.parametrize(
    ("model", "length"),
    [
        ("amazon.titan-embed-text-v1", 1536),
        (TITAN, 1024),
        ("amazon.titan-embed-image-v1", 1024),
        ("cohere.embed-english-v3", 1024),
        ("cohere.embed-multilingual-v3", 1024),
        (COHERE, 1536),
        (NOVA_EMBEDDINGS, 3072),
        ("us.twelvelabs.marengo-embed-2-7-v1:0", 1024),
        ("us.twelvelabs.marengo-embed-3-0-v1:0", 512),
    ],
)
def test_the_default_client_gets_floats_for_every_model(client, model, length):
    response = client.embeddings.create(model=model, input=["a rock", "an ore"])
    assert response.object == "list" and response.model == model
    assert [entry.index for entry in response.data] == [0, 1]
    assert all(entry.object == "embedding" and len(entry.embedding) == length for entry in response.data)
    assert all(isinstance(number, float) for number in response.data[0].embedding)
    assert response.data[0].embedding != response.data[1].embedding
    assert response.usage.prompt_tokens == response.usage.total_tokens > 0


def test_base64_and_floats_are_equal(client, http):
    by_default = client.embeddings.create(model=TITAN, input="a rock").data[0].embedding
    floats = client.embeddings.create(model=TITAN, input="a rock", encoding_format="float").data[0].embedding
    assert by_default == pytest.approx(floats, rel=1e-6)
    raw = http.post("/embeddings", json={"model": TITAN, "input": "a rock", "encoding_format": "base64"})
    assert isinstance(raw.json()["data"][0]["embedding"], str)


def test_dimensions_are_honored_or_rejected_by_name(client, simulator):
    response = client.embeddings.create(model=TITAN, input="a rock", dimensions=256)
    assert len(response.data[0].embedding) == 256
    assert simulator.last() == {"inputText": "a rock", "dimensions": 256}
    with pytest.raises(openai.BadRequestError) as refused:
        client.embeddings.create(model=TITAN, input="a rock", dimensions=300)
    assert refused.value.param == "dimensions" and refused.value.code == "unsupported_value"
    assert "1024, 512, 256" in refused.value.message


def test_token_ids_are_decoded_before_embedding(client, simulator):
    client.embeddings.create(model=TITAN, input=[9906, 11, 1917, 0])
    assert simulator.last()["inputText"] == "Hello, world!"
    client.embeddings.create(model=COHERE, input=[[9906], [1917, 0]])
    assert simulator.last()["texts"] == ["Hello", " world!"]
    with pytest.raises(openai.BadRequestError) as refused:
        client.embeddings.create(model=TITAN, input=[[9906], [11, 999999]])
    assert refused.value.param == "input[1][1]"


def test_a_thousand_texts_keep_their_order(client):
    texts = [f"text {number}" for number in range(1000)]
    response = client.embeddings.create(model=TITAN, input=texts, dimensions=256)
    assert [entry.index for entry in response.data] == list(range(1000))
    one = client.embeddings.create(model=TITAN, input=texts[700], dimensions=256)
    assert response.data[700].embedding == one.data[0].embedding


def test_extension_fields_set_the_input_type(client, simulator):
    extra = {"input_type": "search_query", "truncate": "END"}
    client.embeddings.create(model=COHERE, input="ore", extra_body=extra)
    assert simulator.last() == {"texts": ["ore"], "input_type": "search_query", "truncate": "END"}
    client.embeddings.create(model=NOVA_EMBEDDINGS, input="ore", extra_body=extra)
    assert simulator.last()["singleEmbeddingParams"]["embeddingPurpose"] == "GENERIC_RETRIEVAL"


def test_images_are_embedded_by_multimodal_models(client, simulator):
    client.embeddings.create(model=NOVA_EMBEDDINGS, input=f"data:image/png;base64,{PNG}")
    image = simulator.last()["singleEmbeddingParams"]["image"]
    assert image == {"format": "png", "source": {"bytes": PNG}}
    with pytest.raises(openai.BadRequestError) as refused:
        client.embeddings.create(model=TITAN, input=["a", f"data:image/png;base64,{PNG}"])
    assert refused.value.param == "input[1]"


def test_one_failed_call_raises_the_clients_error(client, simulator):
    simulator.push(script(error(429, "ThrottlingException"), times=0))
    with pytest.raises(openai.RateLimitError):
        client.embeddings.create(model=TITAN, input=["a", "b", "c"])
    simulator.clear()
    with pytest.raises(openai.BadRequestError) as refused:
        client.embeddings.create(model=TITAN, input=["a", "x" * 49_000, "c"])
    assert refused.value.param == "input[1]"


def test_chat_models_are_rejected(client):
    with pytest.raises(openai.BadRequestError, match="/v1/chat/completions"):
        client.embeddings.create(model=NOVA, input="a")
    with pytest.raises(openai.BadRequestError, match="/v1/embeddings"):
        client.chat.completions.create(model=TITAN, messages=[{"role": "user", "content": "hi"}])
