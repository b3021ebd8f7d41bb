"""Reranking in Cohere's and Jina's format."""

import cohere
import pytest

from processes import API_KEY
from simulated import error, script

COHERE = "cohere.rerank-v3-5:0"
AMAZON = "amazon.rerank-v1:0"
REQUEST = {
    "query": "capital of the states",
    "documents": ["Carson City", "the capital of the states", {"text": "capital letters", "id": 3}],
}


@pytest.mark.parametrize("model", [COHERE, AMAZON])
@pytest.mark.parametrize("path", ["/v1/rerank", "/v2/rerank"])
def test_the_best_document_is_first(gateway, http, model, path):
    body = {"model": model, "top_n": 2, "return_documents": True, **REQUEST}
    response = http.post(gateway.url + path, json=body)
    assert response.status_code == 200, response.text
    ranking = response.json()
    assert ranking["results"][0] == {
        "index": 1,
        "relevance_score": 1.0,
        "document": {"text": "the capital of the states"},
    }
    assert ranking["results"][1]["document"] == {"text": "capital letters", "id": 3}
    assert len(ranking["results"]) == 2
    assert ranking["meta"]["billed_units"] == {"search_units": 1}
    assert float(response.headers["x-outcrop-cost-usd"]) == (0.002 if model == COHERE else 0.001)


def test_the_upstream_body_has_the_models_format(http, simulator):
    http.post("/rerank", json={"model": COHERE, **REQUEST}).raise_for_status()
    texts = ["Carson City", "the capital of the states", "capital letters"]
    assert simulator.last() == {"query": REQUEST["query"], "documents": texts, "api_version": 2}
    http.post("/rerank", json={"model": AMAZON, **REQUEST}).raise_for_status()
    assert simulator.last() == {"query": REQUEST["query"], "documents": texts}


def test_invalid_fields_are_rejected_by_name(http, simulator):
    refused = http.post("/rerank", json={"model": COHERE, **REQUEST, "top_n": 0})
    assert refused.status_code == 400 and refused.json()["error"]["param"] == "top_n"
    simulator.push(script(error(429, "ThrottlingException"), times=0))
    throttled = http.post("/rerank", json={"model": COHERE, **REQUEST})
    assert throttled.status_code == 429
    simulator.clear()


def test_cohere_clients_work(gateway):
    documents = ["Carson City", "the capital of the states", "capital letters"]
    request = {"model": COHERE, "query": REQUEST["query"], "documents": documents, "top_n": 2}
    second = cohere.ClientV2(API_KEY, base_url=gateway.url).rerank(**request)
    assert [(result.index, result.relevance_score) for result in second.results][0] == (1, 1.0)
    assert second.id and second.meta.billed_units.search_units == 1
    first = cohere.Client(API_KEY, base_url=gateway.url).rerank(
        **{**request, "documents": [{"text": text} for text in documents]}, return_documents=True
    )
    assert [result.index for result in first.results] == [1, 2]
    assert first.results[0].document.text == "the capital of the states"
    assert first.meta.billed_units.search_units == 1


def test_cohere_clients_raise_their_own_errors(gateway):
    client = cohere.ClientV2(API_KEY, base_url=gateway.url)
    with pytest.raises(cohere.BadRequestError) as refused:
        client.rerank(model=COHERE, query="", documents=["a"])
    assert refused.value.body["error"]["param"] == "query"
