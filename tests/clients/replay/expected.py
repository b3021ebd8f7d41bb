"""What a recorded answer has to be in OpenAI's words."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from expressible import FINISH_REASONS, ordered


@dataclass
class Answer:
    """An answer, from the recording or from the gateway."""

    text: str = ""
    calls: list[tuple[str, str, object]] = field(default_factory=list)
    finish_reason: str | None = None
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0


def arguments(text: str):
    """Arguments as data with their order; text that was cut stays text."""
    try:
        return ordered(json.loads(text))
    except json.JSONDecodeError:
        return text


def of_whole(body: dict) -> Answer:
    """The answer of a recorded Converse."""
    answer = Answer()
    for block in body["output"]["message"]["content"]:
        if "text" in block:
            answer.text += block["text"]
        for cited in block.get("citationsContent", {}).get("content", []):
            answer.text += cited["text"]
        call = block.get("toolUse")
        if call and call.get("type") != "server_tool_use":
            answer.calls.append((call["toolUseId"], call["name"], ordered(call.get("input", {}))))
    finish(answer, body["stopReason"])
    count(answer, body["usage"])
    return answer


def of_stream(events: list[dict]) -> Answer:
    """The answer of a recorded ConverseStream."""
    answer = Answer()
    fragments: dict[int, list] = {}
    for event in events:
        kind, payload = event["headers"][":event-type"], event["payload"]
        if kind == "contentBlockStart":
            call = payload["start"].get("toolUse")
            if call and call.get("type") != "server_tool_use":
                fragments[payload["contentBlockIndex"]] = [call["toolUseId"], call["name"], ""]
        elif kind == "contentBlockDelta":
            delta = payload["delta"]
            answer.text += delta.get("text", "")
            open_call = fragments.get(payload["contentBlockIndex"])
            if open_call and "toolUse" in delta:
                open_call[2] += delta["toolUse"].get("input", "")
        elif kind == "messageStop":
            stop_reason = payload["stopReason"]
        elif kind == "metadata":
            count(answer, payload["usage"])
    for call_id, name, text in fragments.values():
        answer.calls.append((call_id, name, arguments(text or "{}")))
    finish(answer, stop_reason)
    return answer


def tool_names(response: dict) -> list[str]:
    """The client's tools that a recorded answer calls, each once."""
    body = response.get("body_json") or {}
    blocks = body.get("output", {}).get("message", {}).get("content", [])
    starts = [event["payload"].get("start", {}) for event in response.get("events") or []]
    calls = [block["toolUse"] for block in [*blocks, *starts] if "toolUse" in block]
    return list({call["name"]: None for call in calls if call.get("type") != "server_tool_use"})


def finish(answer: Answer, stop_reason: str) -> None:
    answer.finish_reason = FINISH_REASONS[stop_reason]
    if stop_reason == "end_turn" and answer.calls:
        answer.finish_reason = "tool_calls"
    if stop_reason == "tool_use" and not answer.calls:
        answer.finish_reason = "stop"


def count(answer: Answer, usage: dict) -> None:
    read = usage.get("cacheReadInputTokens", 0)
    written = usage.get("cacheWriteInputTokens", 0)
    answer.prompt_tokens = usage["inputTokens"] + read + written
    answer.completion_tokens = usage["outputTokens"]
    answer.cached_tokens = read


def of_completion(completion) -> Answer:
    """The answer that the SDK read, whole or accumulated from a stream."""
    choice, usage = completion.choices[0], completion.usage
    calls = choice.message.tool_calls or []
    return Answer(
        text=choice.message.content or "",
        calls=[(c.id, c.function.name, arguments(c.function.arguments)) for c in calls],
        finish_reason=choice.finish_reason,
        prompt_tokens=usage.prompt_tokens,
        completion_tokens=usage.completion_tokens,
        cached_tokens=usage.prompt_tokens_details.cached_tokens,
    )
