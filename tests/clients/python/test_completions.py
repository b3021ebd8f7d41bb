"""Legacy completions, streaming and non-streaming."""

import json

import openai
import pytest

from conftest import sse_data
from simulated import CLAUDE, NOVA, error, fault, script, text

WORDS = text(" there", " was", " a mountain")


def test_a_non_streaming_completion(client, simulator):
    simulator.push(script(WORDS))
    completion = client.completions.create(
        model=NOVA, prompt="Once upon a time", max_tokens=50, temperature=0.7, top_p=0.9, stop=["\n\n"],
        echo=False, suffix=None, logprobs=None, best_of=1, n=1, presence_penalty=0, frequency_penalty=0,
        logit_bias={}, seed=1, user="somebody",
    )
    assert completion.object == "text_completion"
    assert completion.id.startswith("cmpl-")
    assert completion.model == NOVA
    [choice] = completion.choices
    assert (choice.index, choice.text, choice.finish_reason, choice.logprobs) == (0, " there was a mountain", "stop", None)
    assert completion.usage.total_tokens == completion.usage.prompt_tokens + completion.usage.completion_tokens > 0
    sent = simulator.last()
    assert sent["messages"] == [{"role": "user", "content": [{"text": "Once upon a time"}]}]
    assert sent["inferenceConfig"] == {"maxTokens": 50, "temperature": 0.7, "topP": 0.9, "stopSequences": ["\n\n"]}


def test_a_stream(client, simulator):
    simulator.push(script(WORDS))
    options = {"include_usage": True}
    stream = client.completions.create(model=NOVA, prompt="Once", stream=True, stream_options=options)
    *chunks, last = stream
    assert [chunk.choices[0].text for chunk in chunks] == [" there", " was", " a mountain", ""]
    assert [chunk.choices[0].finish_reason for chunk in chunks] == [None, None, None, "stop"]
    assert {(chunk.object, chunk.id, chunk.usage) for chunk in chunks} == {("text_completion", last.id, None)}
    assert last.choices == [] and last.usage.completion_tokens > 0


def test_a_stream_without_usage_has_a_choice_in_every_chunk(client):
    chunks = list(client.completions.create(model=NOVA, prompt="Once", stream=True))
    assert all(len(chunk.choices) == 1 and chunk.usage is None for chunk in chunks)


@pytest.mark.parametrize("stream", [False, True], ids=["non_streaming", "streaming"])
def test_each_prompt_has_its_own_choices(client, stream):
    # The simulator echoes the prompt.
    arguments = {"model": CLAUDE, "prompt": ["uno", "due"], "n": 2, "echo": True, "stream": stream}
    response = client.completions.create(**arguments)
    texts = ["", "", "", ""]
    for part in response if stream else [response]:
        for choice in part.choices:
            texts[choice.index] += choice.text
    for index, prompt in enumerate(["uno", "uno", "due", "due"]):
        assert texts[index].startswith(prompt) and f"“{prompt}”" in texts[index], texts


def test_token_ids_are_accepted(client, simulator):
    client.completions.create(model=NOVA, prompt=[9906, 11, 1917, 0])
    client.completions.create(model=NOVA, prompt=[[9906], [1917]])
    arguments = [request["body_json"]["messages"][0]["content"][0]["text"] for request in simulator.received()]
    assert arguments[0] == "Hello, world!" and sorted(arguments[1:]) == sorted(["Hello", " world"])


# The fault, and the code of the client's error.
BREAKS = {
    "throttled": (fault("exception", after_events=3, code="throttlingException", message="ordered"), "rate_limit_exceeded"),
    "cut": (fault("cut", after_events=3), "upstream_connection_error"),
    "ended early": (fault("end", after_events=3), "upstream_connection_error"),
}


@pytest.mark.parametrize("name", BREAKS)
def test_the_sdk_raises_after_yielding_received_chunks(client, simulator, name):
    broken, code = BREAKS[name]
    simulator.push(script(WORDS, broken))
    seen = []
    with pytest.raises(openai.APIError) as raised:
        for chunk in client.completions.create(model=NOVA, prompt="Once", stream=True):
            seen.append(chunk.choices[0].text)
    assert seen == [" there", " was"]
    assert raised.value.code == code


@pytest.mark.parametrize("name", BREAKS)
def test_the_last_event_is_an_error_event(http, simulator, name):
    simulator.push(script(WORDS, BREAKS[name][0]))
    response = http.post("/completions", json={"model": NOVA, "prompt": "Once", "stream": True})
    assert response.status_code == 200
    assert "event:" not in response.text and "[DONE]" not in response.text
    *chunks, last = map(json.loads, sse_data(response.text))
    assert all(chunk["choices"] for chunk in chunks)
    assert set(last) == {"error"} and last["error"]["message"]


@pytest.mark.parametrize("stream", [False, True], ids=["non_streaming", "streaming"])
def test_bedrock_errors_have_their_status(client, simulator, stream):
    simulator.push(script(error(400, "ValidationException", "Input is too long for requested model.")))
    with pytest.raises(openai.BadRequestError) as raised:
        client.completions.create(model=NOVA, prompt="Once", stream=stream)
    assert (raised.value.code, raised.value.param) == ("context_length_exceeded", "prompt")


REFUSED = {
    "suffix": ({"suffix": "The end."}, "suffix", "unsupported_parameter"),
    "best_of": ({"best_of": 4}, "best_of", "unsupported_value"),
    "logit_bias": ({"logit_bias": {"50256": -100}}, "logit_bias", "unsupported_parameter"),
    "no such token": ({"prompt": [9906, 100256]}, "prompt[1]", "invalid_value"),
    "no such tokenizer": ({"prompt": [1], "extra_body": {"tokenizer": "r50k_base"}}, "tokenizer", "unsupported_value"),
    "an empty prompt": ({"prompt": ""}, "prompt", "invalid_value"),
    "no prompt": ({"prompt": None}, "prompt", "missing_required_parameter"),
    "no texts": ({"prompt": []}, "prompt", "invalid_value"),
    "no model": ({"model": ""}, "model", "missing_required_parameter"),
    "too hot": ({"temperature": 3}, "temperature", "invalid_value"),
    "options of no stream": ({"stream_options": {"include_usage": True}}, "stream_options", "invalid_value"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_unsupported_fields_are_rejected_by_name(client, simulator, name):
    fields, param, code = REFUSED[name]
    with pytest.raises(openai.BadRequestError) as raised:
        client.completions.create(**{"model": NOVA, "prompt": "Once", **fields})
    assert (raised.value.param, raised.value.code) == (param, code)
    assert simulator.received() == []
