"""Recorded Bedrock responses, streaming and non-streaming, in one form."""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass


@dataclass
class RecordedResponse:
    """A recorded response, streaming or non-streaming."""

    blocks: list[dict]
    stop_reason: str
    usage: dict
    trace: dict | None
    response_fields: dict | None
    service_tier: str | None


def parse_response(response: dict) -> RecordedResponse:
    """Parses a recorded response."""
    if response.get("events"):
        return of_stream(response["events"])
    body = response["body_json"]
    return RecordedResponse(
        blocks=body["output"]["message"]["content"],
        stop_reason=body["stopReason"],
        usage=body["usage"],
        trace=body.get("trace"),
        response_fields=body.get("additionalModelResponseFields"),
        service_tier=body.get("serviceTier", {}).get("type"),
    )


def of_stream(events: list[dict]) -> RecordedResponse:
    """Accumulates a recorded stream."""
    blocks: dict[int, dict] = {}
    ending: dict = {}
    for event in events:
        kind, payload = event["headers"][":event-type"], event["payload"]
        index = payload.get("contentBlockIndex")
        if kind == "contentBlockStart":
            blocks[index] = copy.deepcopy(payload["start"])
        elif kind == "contentBlockDelta":
            add_delta(blocks.setdefault(index, {}), payload["delta"])
        elif kind in ("messageStop", "metadata"):
            ending.update(payload)
    return RecordedResponse(
        blocks=[complete_block(block) for block in blocks.values()],
        stop_reason=ending["stopReason"],
        usage=ending["usage"],
        trace=ending.get("trace"),
        response_fields=ending.get("additionalModelResponseFields"),
        service_tier=ending.get("serviceTier", {}).get("type"),
    )


def add_delta(block: dict, delta: dict) -> None:
    """Adds a delta to its block."""
    (kind, value), *_ = delta.items()
    if kind == "text":
        block["text"] = block.get("text", "") + value
    elif kind == "citation":
        block.setdefault("citations", []).append(value)
    elif kind == "toolUse":
        call = block["toolUse"]
        call["input"] = call.get("input", "") + value["input"]
    elif kind == "reasoningContent":
        reasoning = block.setdefault("reasoningContent", {})
        if "redactedContent" in value:
            reasoning["redactedContent"] = value["redactedContent"]
            return
        text = reasoning.setdefault("reasoningText", {"text": ""})
        for key, fragment in value.items():
            text[key] = text.get(key, "") + fragment


def complete_block(block: dict) -> dict:
    """Converts an accumulated block to Converse's format."""
    if "citations" in block:
        content = [{"text": block["text"]}] if "text" in block else []
        return {"citationsContent": {"content": content, "citations": block["citations"]}}
    if "toolUse" in block:
        text = block["toolUse"].get("input") or "{}"
        return {"toolUse": block["toolUse"] | {"input": arguments(text)}}
    return block


def arguments(text: str):
    """Parses arguments; truncated JSON stays text."""
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text
