"""LangChain's embeddings, which send token lists."""

import hashlib
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from langchain_openai import OpenAIEmbeddings

from processes import API_KEY, REPOSITORY

TITAN = "amazon.titan-embed-text-v2:0"
COHERE = "cohere.embed-v4:0"
# The URL of tiktoken's vocabulary; its hash is the name of the cached file.
VOCABULARY = "https://openaipublic.blob.core.windows.net/encodings/cl100k_base.tiktoken"


@pytest.fixture(autouse=True)
def vocabulary(tmp_path, monkeypatch):
    """Copies tiktoken's vocabulary from the crate tiktoken-rs."""
    # Packages of other platforms may not be downloaded.
    host = re.search("^host: (.+)$", output_of("rustc", "-vV"), re.MULTILINE)[1]
    options = ("--format-version", "1", "--locked", "--offline", "--filter-platform", host)
    metadata = json.loads(output_of("cargo", "metadata", *options))
    crate = next(package for package in metadata["packages"] if package["name"] == "tiktoken-rs")
    source = Path(crate["manifest_path"]).parent / "assets" / "cl100k_base.tiktoken"
    shutil.copy(source, tmp_path / hashlib.sha1(VOCABULARY.encode()).hexdigest())
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))


def output_of(*command):
    run = subprocess.run(command, cwd=REPOSITORY, check=True, stdout=subprocess.PIPE, encoding="utf-8")
    return run.stdout


def embeddings(gateway, model, **more):
    return OpenAIEmbeddings(model=model, base_url=gateway.base_url, api_key=API_KEY, max_retries=0, **more)


@pytest.mark.parametrize("model", [TITAN, COHERE])
def test_documents_reach_the_model_unchanged(gateway, simulator, model):
    texts = ["Hello, world! 🌍", "  two  spaces\n\nand Grüße"]
    results = embeddings(gateway, model).embed_documents(texts)
    assert len(results) == 2 and results[0] != results[1]
    bodies = [request["body_json"] for request in simulator.received()]
    sent = [text for body in bodies for text in body.get("texts") or [body["inputText"]]]
    assert sorted(sent) == sorted(texts)


def test_a_query_embedding_has_the_requested_dimensions(gateway, simulator):
    assert len(embeddings(gateway, TITAN, dimensions=256).embed_query("ore")) == 256
    assert simulator.last() == {"inputText": "ore", "dimensions": 256}


def test_texts_are_sent_as_text_when_tokenization_is_disabled(gateway, simulator):
    embeddings(gateway, COHERE, check_embedding_ctx_length=False).embed_documents(["ore", "rock"])
    assert simulator.last()["texts"] == ["ore", "rock"]
