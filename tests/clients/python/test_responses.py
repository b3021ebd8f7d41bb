"""Text responses, streaming and non-streaming."""

import asyncio
import base64
import json

import pytest

from conftest import connect, connect_async, sse_data
from simulated import CLAUDE, HELLO, NOVA, PNG, converse, events, fault, script, text

STOP_REASONS = [
    ("end_turn", "stop"),
    ("stop_sequence", "stop"),
    ("max_tokens", "length"),
    ("model_context_window_exceeded", "length"),
    ("guardrail_intervened", "content_filter"),
    ("content_filtered", "content_filter"),
    ("refusal", "content_filter"),
    ("something_new", "stop"),
]
CACHED_USAGE = {
    "inputTokens": 10,
    "outputTokens": 5,
    "totalTokens": 135,
    "cacheReadInputTokens": 100,
    "cacheWriteInputTokens": 20,
}
# One pixel.
GIF = "R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"


def test_a_non_streaming_response_has_every_field(client, simulator):
    simulator.push(script(text("Good ", "morning, ", "you")))
    completion = client.chat.completions.create(model=NOVA, messages=HELLO)

    assert completion.id.startswith("chatcmpl-")
    assert completion.object == "chat.completion"
    assert completion.created > 1_700_000_000
    assert completion.model == NOVA
    [choice] = completion.choices
    assert choice.index == 0
    assert choice.finish_reason == "stop"
    assert choice.logprobs is None
    assert choice.message.role == "assistant"
    assert choice.message.content == "Good morning, you"
    assert choice.message.refusal is None
    assert choice.message.tool_calls is None
    usage = completion.usage
    assert usage.prompt_tokens > 0 and usage.completion_tokens > 0
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens


def test_every_delta_is_a_separate_chunk(client, simulator):
    simulator.push(script(text("Good ", "morning, ", "you")))
    chunks = list(client.chat.completions.create(model=NOVA, messages=HELLO, stream=True))

    assert {chunk.object for chunk in chunks} == {"chat.completion.chunk"}
    assert len({(chunk.id, chunk.created, chunk.model) for chunk in chunks}) == 1
    assert all(len(chunk.choices) == 1 for chunk in chunks)
    deltas = [chunk.choices[0].delta for chunk in chunks]
    assert [delta.role for delta in deltas] == ["assistant"] + [None] * (len(deltas) - 1)
    assert [delta.content for delta in deltas] == ["", "Good ", "morning, ", "you", None]
    finishes = [chunk.choices[0].finish_reason for chunk in chunks]
    assert finishes == [None] * (len(chunks) - 1) + ["stop"]


def test_chunks_are_sent_without_delay(client, simulator):
    # Bedrock stalls after messageStart and two words.
    simulator.push(script(text("Good ", "morning, ", "you"), fault("stall", after_events=3)))
    stream = client.chat.completions.create(model=NOVA, messages=HELLO, stream=True)
    seen = [next(stream).choices[0].delta.content for _ in range(3)]
    stream.close()

    assert seen == ["", "Good ", "morning, "]
    simulator.wait_until_abandoned()


def test_usage_is_the_last_chunk_if_requested(http, simulator):
    simulator.push(script(text("Good ", "morning", usage=CACHED_USAGE)))
    body = {"model": NOVA, "messages": HELLO, "stream": True, "stream_options": {"include_usage": True}}
    *chunks, done = sse_data(http.post("/chat/completions", json=body).text)

    assert done == "[DONE]"
    *preceding, last = map(json.loads, chunks)
    assert [chunk["usage"] for chunk in preceding] == [None] * len(preceding)
    assert all(len(chunk["choices"]) == 1 for chunk in preceding)
    assert last["choices"] == []
    assert last["usage"]["prompt_tokens"] == 130


def test_usage_is_not_sent_unless_requested(http, simulator):
    simulator.push(script(text("Good ", "morning")))
    body = {"model": NOVA, "messages": HELLO, "stream": True}
    *chunks, done = sse_data(http.post("/chat/completions", json=body).text)

    assert done == "[DONE]"
    assert all("usage" not in json.loads(chunk) for chunk in chunks)


def test_usage_is_the_same_with_and_without_streaming(client, simulator):
    simulator.push(script(text("Hi", usage=CACHED_USAGE), times=2))
    non_streaming = client.chat.completions.create(model=NOVA, messages=HELLO)
    stream = client.chat.completions.create(
        model=NOVA, messages=HELLO, stream=True, stream_options={"include_usage": True}
    )
    streamed = list(stream)[-1]

    assert non_streaming.usage == streamed.usage
    assert (non_streaming.usage.prompt_tokens, non_streaming.usage.completion_tokens) == (130, 5)
    assert non_streaming.usage.total_tokens == 135
    assert non_streaming.usage.prompt_tokens_details.cached_tokens == 100
    assert non_streaming.usage.completion_tokens_details.reasoning_tokens == 0


@pytest.mark.parametrize(("stop_reason", "finish_reason"), STOP_REASONS)
def test_finish_reasons(client, simulator, stop_reason, finish_reason):
    simulator.push(script(text("Hi", stop_reason=stop_reason), times=2))
    non_streaming = client.chat.completions.create(model=NOVA, messages=HELLO)
    chunks = list(client.chat.completions.create(model=NOVA, messages=HELLO, stream=True))

    assert non_streaming.choices[0].finish_reason == finish_reason
    assert non_streaming.choices[0].message.content == "Hi"
    assert chunks[-1].choices[0].finish_reason == finish_reason


def test_a_stream_without_metadata_ends_normally_without_usage(client, simulator):
    simulator.push(script(events(
        ("messageStart", {"role": "assistant"}),
        ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "Hi"}}),
        ("contentBlockStop", {"contentBlockIndex": 0}),
        ("messageStop", {"stopReason": "end_turn"}),
    )))
    chunks = list(client.chat.completions.create(
        model=NOVA, messages=HELLO, stream=True, stream_options={"include_usage": True}
    ))
    assert [chunk.choices[0].delta.content for chunk in chunks if chunk.choices] == ["", "Hi", None]
    assert chunks[-1].usage is None or chunks[-1].choices == []


def test_unknown_events_blocks_and_deltas_are_ignored(client, simulator):
    simulator.push(script(events(
        ("messageStart", {"role": "assistant"}),
        ("somethingNew", {"a": 1}),
        ("contentBlockStart", {"contentBlockIndex": 0, "start": {"hologram": {"id": "x"}}}),
        ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"hologram": {"bytes": "AAAA"}}}),
        ("contentBlockStop", {"contentBlockIndex": 0}),
        ("contentBlockDelta", {"contentBlockIndex": 1, "delta": {"text": "Hi"}}),
        ("contentBlockStop", {"contentBlockIndex": 1}),
        ("messageStop", {"stopReason": "end_turn"}),
        ("metadata", {"usage": {"inputTokens": 1, "outputTokens": 1, "totalTokens": 2, "newTokens": 3}}),
    )))
    chunks = list(client.chat.completions.create(model=NOVA, messages=HELLO, stream=True))
    assert [chunk.choices[0].delta.content for chunk in chunks] == ["", "Hi", None]


def test_text_blocks_are_joined_and_reasoning_is_separate(client, simulator):
    reasoning = {"reasoningContent": {"reasoningText": {"text": "Hm.", "signature": "c2ln"}}}
    response = converse(reasoning, {"text": "One. "}, {"text": "Two."}, stop_reason="end_turn")
    simulator.push(script(response, times=2))
    message = client.chat.completions.create(model=CLAUDE, messages=HELLO).choices[0].message
    stream = client.chat.completions.create(model=CLAUDE, messages=HELLO, stream=True)
    deltas = [chunk.choices[0].delta for chunk in stream]

    assert (message.content, message.reasoning_content) == ("One. Two.", "Hm.")
    assert "".join(delta.content or "" for delta in deltas) == "One. Two."
    assert "".join(getattr(delta, "reasoning_content", None) or "" for delta in deltas) == "Hm."


def test_text_with_line_separators_is_unchanged(client, simulator):
    chunks = ["one\n\n", "data: [DONE]\n\n", "two\r\n", "three\u2028four\x85", "\U0001f3d4\ufe0f “\\\"” \x00\x7f"]
    simulator.push(script(text(*chunks), times=2))
    non_streaming = client.chat.completions.create(model=NOVA, messages=HELLO)
    stream = client.chat.completions.create(model=NOVA, messages=HELLO, stream=True)

    assert non_streaming.choices[0].message.content == "".join(chunks)
    assert [chunk.choices[0].delta.content for chunk in stream][1:-1] == chunks


def test_the_sdk_accumulator_returns_the_complete_response(client, simulator):
    simulator.push(script(text("Good ", "morning, ", "you")))
    with client.chat.completions.stream(
        model=NOVA, messages=HELLO, stream_options={"include_usage": True}
    ) as stream:
        snapshots = [event.snapshot for event in stream if event.type == "content.delta"]
        completion = stream.get_final_completion()

    assert snapshots[-3:] == ["Good ", "Good morning, ", "Good morning, you"]
    assert completion.choices[0].message.role == "assistant"
    assert completion.choices[0].message.content == "Good morning, you"
    assert completion.choices[0].finish_reason == "stop"
    assert completion.usage.total_tokens > 0


def test_system_and_developer_messages_become_the_system_prompt(client, simulator):
    client.chat.completions.create(model=CLAUDE, messages=[
        {"role": "system", "content": "Be brief."},
        {"role": "developer", "content": [{"type": "text", "text": "Rhyme."}]},
        *HELLO,
    ])
    body = simulator.last()
    assert body["system"] == [{"text": "Be brief."}, {"text": "Rhyme."}]
    assert body["messages"] == [{"role": "user", "content": [{"text": "Good morning, mountain"}]}]


@pytest.mark.parametrize(
    ("declared", "data", "format_seen"),
    [("image/png", PNG, "png"), ("image/gif", GIF, "gif"), ("image/jpg", GIF, "gif"), ("image/png", GIF, "gif")],
)
def test_images_are_accepted_as_data_urls(client, simulator, declared, data, format_seen):
    response = client.chat.completions.create(model=CLAUDE, messages=[{"role": "user", "content": [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": f"data:{declared};base64,{data}", "detail": "high"}},
    ]}])
    assert "1 image" in response.choices[0].message.content
    sent, image = simulator.last()["messages"][0]["content"]
    assert sent == {"text": "What is this?"}
    assert image["image"]["format"] == format_seen
    assert base64.b64decode(image["image"]["source"]["bytes"]) == base64.b64decode(data)


def test_limits_and_sampling_parameters_are_unchanged(http, simulator):
    body = {"model": NOVA, "messages": HELLO, "max_completion_tokens": 17, "max_tokens": 99,
            "temperature": 0.7, "top_p": 0.95, "stop": ["END", "###"]}
    assert http.post("/chat/completions", json=body).status_code == 200
    assert simulator.last()["inferenceConfig"] == {
        "maxTokens": 17, "temperature": 0.7, "topP": 0.95, "stopSequences": ["END", "###"]
    }


def test_the_response_has_the_configured_model_name(client, simulator):
    completion = client.chat.completions.create(model="plain-name", messages=HELLO)
    assert completion.model == "plain-name"
    assert simulator.received()[-1]["model"] == NOVA


def test_concurrent_responses_are_independent(gateway):
    async def send(client, number):
        messages = [{"role": "user", "content": f"Echo mountain {number}."}]
        stream = await client.chat.completions.create(model=NOVA, messages=messages, stream=True)
        chunks = [chunk async for chunk in stream]
        assert len({chunk.id for chunk in chunks}) == 1
        words = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
        assert f"“Echo mountain {number}.”" in words
        return chunks[0].id

    async def send_all():
        async with connect_async(gateway) as client:
            return await asyncio.gather(*(send(client, number) for number in range(50)))

    assert len(set(asyncio.run(send_all()))) == 50


@pytest.mark.parametrize("prefix", ["/v1", "/api/v1"])
def test_common_base_urls_work(gateway, prefix):
    with connect(gateway, base_url=gateway.url + prefix) as client:
        assert client.chat.completions.create(model=NOVA, messages=HELLO).choices[0].message.content
        assert NOVA in [model.id for model in client.models.list()]
