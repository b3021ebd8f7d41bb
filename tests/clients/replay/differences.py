"""Intended differences between recorded requests and those that the gateway sends.

Each rule takes a recorded Converse request, applies one change that the gateway makes, and states
the reason. The result must be equal to the request that arrives at the simulator, including the
order of keys where it matters.
"""

from __future__ import annotations

import copy
import json
import re

from parts import base64_text, json_text

RULES = []


def rule(apply):
    """Registers a rule; its first sentence is the reason."""
    RULES.append(apply)
    return apply


def sent_instead(recorded: dict, model: str) -> tuple[dict, list[str]]:
    """The request that the gateway must send for a recorded request, and the reasons for changes."""
    body = copy.deepcopy(recorded)
    reasons = []
    for apply in RULES:
        before = json.dumps(body)
        apply(body, model)
        if json.dumps(body) != before:
            reasons.append(apply.__doc__.split(".")[0])
    return body, reasons


def comparable(body: dict) -> dict:
    """A request that keeps the order of keys where it matters: prompt caches compare the bytes that a
    model reads, which are schemas and tool inputs."""
    body = copy.deepcopy(body)
    for tool in body.get("toolConfig", {}).get("tools", []):
        if "toolSpec" in tool:
            tool["toolSpec"]["inputSchema"] = ordered(tool["toolSpec"]["inputSchema"])
    for block in blocks(body):
        if "toolUse" in block:
            block["toolUse"]["input"] = ordered(block["toolUse"]["input"])
    return body


def ordered(value):
    if isinstance(value, dict):
        return [(key, ordered(inner)) for key, inner in value.items()]
    if isinstance(value, list):
        return [ordered(inner) for inner in value]
    return value


def unequal(sent, expected, path: str = ""):
    """The differences of two values, with their paths."""
    if type(sent) is type(expected) and isinstance(sent, dict):
        for key in sorted(sent.keys() | expected.keys()):
            yield from unequal(sent.get(key), expected.get(key), f"{path}.{key}")
    elif type(sent) is type(expected) and isinstance(sent, list) and len(sent) == len(expected):
        for at, (left, right) in enumerate(zip(sent, expected)):
            yield from unequal(left, right, f"{path}[{at}]")
    elif sent != expected:
        yield f"{path} is {str(sent)[:300]}, and should be {str(expected)[:300]}"


def blocks(body: dict):
    """Every block of the conversation."""
    return (block for message in body["messages"] for block in message["content"])


def results(body: dict):
    """Every tool result."""
    return (block["toolResult"] for block in blocks(body) if "toolResult" in block)


def media(body: dict):
    """Every block that may contain media, including those in tool results."""
    yield from blocks(body)
    for result in results(body):
        yield from result["content"]


@rule
def empty_sections(body: dict, model: str) -> None:
    """Empty sections are omitted."""
    body.pop("modelId", None)
    config = body.get("inferenceConfig") or {}
    if config.get("stopSequences") == []:
        del config["stopSequences"]
    for key in [key for key, value in body.items() if value in ({}, [], None)]:
        if key != "messages":
            del body[key]


@rule
def node_buffers(body: dict, model: str) -> None:
    """One recorder wrote a Node buffer instead of the base64 that was sent."""
    for block in media(body):
        source = block.get("image", {}).get("source", {})
        if "bytes" in source:
            source["bytes"] = base64_text(source["bytes"])


@rule
def success(body: dict, model: str) -> None:
    """The status `success` is the default."""
    for result in results(body):
        if result.get("status") == "success":
            del result["status"]


@rule
def type_of_calls(body: dict, model: str) -> None:
    """Claude's `type: tool_use` on a tool call is not in the service model and has no effect."""
    for block in blocks(body):
        if block.get("toolUse", {}).get("type") == "tool_use":
            del block["toolUse"]["type"]


@rule
def turns_of_one_role(body: dict, model: str) -> None:
    """Consecutive messages of one role are merged, because most models reject them."""
    merged: list[dict] = []
    for message in body["messages"]:
        if merged and merged[-1]["role"] == message["role"]:
            merged[-1]["content"].extend(message["content"])
        else:
            merged.append(message)
    body["messages"] = merged


@rule
def blank_text(body: dict, model: str) -> None:
    """Blank text is omitted, because most models reject it."""
    for message in body["messages"]:
        is_blank = [not block.get("text", "x").strip() for block in message["content"]]
        message["content"] = [b for b, blank in zip(message["content"], is_blank) if not blank]


@rule
def points_before_documents(body: dict, model: str) -> None:
    """A cache point directly after documents is moved before them, because Bedrock rejects it there."""
    for message in body["messages"]:
        moved: list[dict] = []
        for block in message["content"]:
            at = len(moved)
            while "cachePoint" in block and at > 0 and "document" in moved[at - 1]:
                at -= 1
            moved.insert(at, block)
        message["content"] = moved


@rule
def document_names(body: dict, model: str) -> None:
    """Document names are reduced to the characters that Bedrock's documentation allows."""
    for block in media(body):
        if "document" in block:
            name = block["document"]["name"]
            block["document"]["name"] = re.sub(r"[^A-Za-z0-9()\[\]-]+", " ", name)


@rule
def cited_text(body: dict, model: str) -> None:
    """Clients send cited text back without citations, for which OpenAI has no field."""
    for message in body["messages"]:
        plain: list[dict] = []
        for block in message["content"]:
            cited = block.get("citationsContent", {"content": [block]})
            plain.extend(cited["content"])
        message["content"] = plain


@rule
def results_as_text(body: dict, model: str) -> None:
    """OpenAI's tool results are text; JSON stays text except for families that require JSON."""
    for result in results(body):
        contents = result["content"]
        as_text = [{"text": json_text(c["json"])} if "json" in c else c for c in contents]
        result["content"] = as_text


@rule
def media_after_results(body: dict, model: str) -> None:
    """Documents and videos in tool results are moved after the results, because Nova rejects them."""
    if "nova" not in model:
        return
    for message in body["messages"]:
        moved = []
        for block in message["content"]:
            if "toolResult" in block:
                moved.extend(remove_media(block["toolResult"]))
        message["content"].extend(moved)


def remove_media(result: dict) -> list[dict]:
    """Removes documents and videos from a result and returns them with a text about their origin."""
    out = [content for content in result["content"] if content.keys() & {"document", "video"}]
    if not out:
        return []
    remaining = [content for content in result["content"] if content not in out]
    result["content"] = remaining or [{"text": "The output follows the results of this turn."}]
    return [{"text": f"Output of the tool call {result['toolUseId']}:"}, *out]


@rule
def schema_text(body: dict, model: str) -> None:
    """The response schema, which Bedrock takes as a string, is sent without white space."""
    if "outputConfig" in body:
        definition = body["outputConfig"]["textFormat"]["structure"]["jsonSchema"]
        schema = json.loads(definition["schema"])
        definition["schema"] = json.dumps(schema, separators=(",", ":"), ensure_ascii=False)


@rule
def thinking(body: dict, model: str) -> None:
    """Claude's `reasoning_config` is an older name of `thinking`."""
    fields = body.get("additionalModelRequestFields", {})
    if "anthropic" in model and "reasoning_config" in fields:
        fields["thinking"] = fields.pop("reasoning_config")


@rule
def limit_above_budget(body: dict, model: str) -> None:
    """Claude rejects a thinking budget without a higher `maxTokens`: the model's maximum is set."""
    fields = body.get("additionalModelRequestFields", {})
    if "budget_tokens" in fields.get("thinking", {}):
        limit = 8192 if "claude-3-7" in model else 64000
        body.setdefault("inferenceConfig", {}).setdefault("maxTokens", limit)


@rule
def tokens_of_reasoning(body: dict, model: str) -> None:
    """Claude's count of reasoning tokens is requested, for OpenAI's usage."""
    if "thinking" in body.get("additionalModelRequestFields", {}):
        paths = body.setdefault("additionalModelResponseFieldPaths", [])
        paths.append("/usage/output_tokens_details")
