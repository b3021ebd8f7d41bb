"""Reranking in Cohere's and Jina's shape."""

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
def test_the_best_document_comes_first(gateway, http, model, path):
    body = {"model": model, "top_n": 2, "return_documents": True, **REQUEST}
    answer = http.post(gateway.url + path, json=body)
    assert answer.status_code == 200, answer.text
    ranking = answer.json()
    assert ranking["results"][0] == {
        "index": 1,
        "relevance_score": 1.0,
        "document": {"text": "the capital of the states"},
    }
    assert ranking["results"][1]["document"] == {"text": "capital letters", "id": 3}
    assert len(ranking["results"]) == 2
    assert ranking["meta"]["billed_units"] == {"search_units": 1}
    assert float(answer.headers["x-outcrop-cost-usd"]) == (0.002 if model == COHERE else 0.001)


def test_the_body_is_the_models_own(http, simulator):
    http.post("/rerank", json={"model": COHERE, **REQUEST}).raise_for_status()
    texts = ["Carson City", "the capital of the states", "capital letters"]
    assert simulator.last() == {"query": REQUEST["query"], "documents": texts, "api_version": 2}
    http.post("/rerank", json={"model": AMAZON, **REQUEST}).raise_for_status()
    assert simulator.last() == {"query": REQUEST["query"], "documents": texts}


def test_what_is_wrong_is_told_by_name(http, simulator):
    refused = http.post("/rerank", json={"model": COHERE, **REQUEST, "top_n": 0})
    assert refused.status_code == 400 and refused.json()["error"]["param"] == "top_n"
    simulator.order(script(error(429, "ThrottlingException"), times=0))
    throttled = http.post("/rerank", json={"model": COHERE, **REQUEST})
    assert throttled.status_code == 429
    simulator.clear()


def test_coheres_clients_find_what_they_look_for(gateway):
    documents = ["Carson City", "the capital of the states", "capital letters"]
    asked = {"model": COHERE, "query": REQUEST["query"], "documents": documents, "top_n": 2}
    second = cohere.ClientV2(API_KEY, base_url=gateway.url).rerank(**asked)
    assert [(result.index, result.relevance_score) for result in second.results][0] == (1, 1.0)
    assert second.id and second.meta.billed_units.search_units == 1
    first = cohere.Client(API_KEY, base_url=gateway.url).rerank(
        **{**asked, "documents": [{"text": text} for text in documents]}, return_documents=True
    )
    assert [result.index for result in first.results] == [1, 2]
    assert first.results[0].document.text == "the capital of the states"
    assert first.meta.billed_units.search_units == 1


def test_coheres_clients_raise_their_own_errors(gateway):
    client = cohere.ClientV2(API_KEY, base_url=gateway.url)
    with pytest.raises(cohere.BadRequestError) as refused:
        client.rerank(model=COHERE, query="", documents=["a"])
    assert refused.value.body["error"]["param"] == "query"
