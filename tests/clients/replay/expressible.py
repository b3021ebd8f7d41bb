"""A recorded Converse request as the OpenAI request that asks for the same."""

from __future__ import annotations

import base64
import json


class NotExpressible(Exception):
    """The recording holds something that OpenAI's request has no words for, or none yet."""


# Keys of a Converse request that are treated here; any other is a reason.
TREATED = {"messages", "system", "inferenceConfig", "toolConfig", "modelId"}

FINISH_REASONS = {
    "end_turn": "stop",
    "tool_use": "tool_calls",
    "max_tokens": "length",
    "stop_sequence": "stop",
    "guardrail_intervened": "content_filter",
    "content_filtered": "content_filter",
}


def openai_request(body: dict) -> dict:
    """The keyword arguments of `chat.completions.create`, but for the model."""
    for key, value in body.items():
        if key not in TREATED and value not in ({}, [], None):
            raise NotExpressible(key)
    request: dict = {"messages": []}
    system = [text_of(block, "system") for block in body.get("system", [])]
    if system:
        request["messages"].append({"role": "system", "content": one_or_parts(system)})
    for message in body.get("messages", []):
        request["messages"].extend(openai_messages(message))
    request.update(settings(body.get("inferenceConfig") or {}))
    if body.get("toolConfig"):
        request.update(tools(body["toolConfig"]))
    return request


def stand_in(tool_names: list[str]) -> dict:
    """A request without anything of the recording's but the tools that its answer calls."""
    request: dict = {"messages": [{"role": "user", "content": "Go on."}]}
    if tool_names:
        functions = [{"name": name, "parameters": {"type": "object"}} for name in tool_names]
        request["tools"] = [{"type": "function", "function": f} for f in functions]
    return request


def text_of(block: dict, place: str) -> str:
    if list(block) != ["text"]:
        raise NotExpressible(f"{place} {next(iter(block))}")
    return block["text"]


def one_or_parts(texts: list[str]):
    if len(texts) == 1:
        return texts[0]
    return [{"type": "text", "text": text} for text in texts]


def openai_messages(message: dict) -> list[dict]:
    if message["role"] == "assistant":
        return [assistant_message(message["content"])]
    messages, parts = [], []
    for block in message["content"]:
        kind = next(iter(block))
        if kind == "toolResult":
            messages.append(tool_message(block["toolResult"]))
        elif kind == "text":
            parts.append({"type": "text", "text": block["text"]})
        elif kind == "image":
            parts.append(image_part(block["image"]))
        else:
            raise NotExpressible(f"user {kind}")
    if parts:
        only_text = len(parts) == 1 and parts[0]["type"] == "text"
        content = parts[0]["text"] if only_text else parts
        messages.append({"role": "user", "content": content})
    return messages


def assistant_message(content: list[dict]) -> dict:
    texts, calls = [], []
    for block in content:
        kind = next(iter(block))
        if kind == "text":
            texts.append(block["text"])
        elif kind == "toolUse" and "type" not in block["toolUse"]:
            calls.append(tool_call(block["toolUse"]))
        else:
            raise NotExpressible(f"assistant {kind}")
    message: dict = {"role": "assistant", "content": one_or_parts(texts) if texts else None}
    if calls:
        message["tool_calls"] = calls
    return message


def tool_call(block: dict) -> dict:
    arguments = json.dumps(block["input"], ensure_ascii=False)
    function = {"name": block["name"], "arguments": arguments}
    return {"id": block["toolUseId"], "type": "function", "function": function}


def tool_message(block: dict) -> dict:
    if block.get("status", "success") != "success":
        raise NotExpressible("tool result status error")
    texts = [text_of(content, "tool result") for content in block["content"]]
    return {
        "role": "tool",
        "tool_call_id": block["toolUseId"],
        "content": one_or_parts(texts),
    }


def image_part(image: dict) -> dict:
    if "bytes" not in image["source"]:
        raise NotExpressible("image in S3")
    data = base64_text(image["source"]["bytes"])
    return {
        "type": "image_url",
        "image_url": {"url": f"data:image/{image['format']};base64,{data}"},
    }


def base64_text(data) -> str:
    """One recorder wrote bytes as a Node buffer instead of the base64 that was sent."""
    if isinstance(data, dict):
        return base64.b64encode(bytes(data["data"])).decode()
    return data


def settings(config: dict) -> dict:
    names = {"maxTokens": "max_tokens", "temperature": "temperature", "topP": "top_p"}
    request = {names[key]: value for key, value in config.items() if key in names}
    if config.get("stopSequences"):
        request["stop"] = config["stopSequences"]
    return request


def tools(config: dict) -> dict:
    request: dict = {"tools": []}
    for tool in config["tools"]:
        spec = tool.get("toolSpec")
        if spec is None:
            raise NotExpressible(f"tool {next(iter(tool))}")
        if spec.get("strict"):
            raise NotExpressible("strict tool")
        function = {"name": spec["name"], "parameters": spec["inputSchema"]["json"]}
        if "description" in spec:
            function["description"] = spec["description"]
        request["tools"].append({"type": "function", "function": function})
    choice = config.get("toolChoice")
    if choice:
        kind, value = next(iter(choice.items()))
        request["tool_choice"] = {
            "auto": "auto",
            "any": "required",
            "tool": {"type": "function", "function": {"name": value.get("name")}},
        }[kind]
    return request


def comparable(body: dict) -> dict:
    """A Converse request without what means the same as its absence: empty sections, the status
    `success`, and the border between turns of one role (which the gateway has to join)."""
    messages: list[dict] = []
    for message in body.get("messages", []):
        content = [comparable_block(block) for block in message["content"]]
        if messages and messages[-1]["role"] == message["role"]:
            messages[-1]["content"].extend(content)
        else:
            messages.append({"role": message["role"], "content": content})
    config = {k: v for k, v in (body.get("inferenceConfig") or {}).items() if v != []}
    result = {"messages": messages, "inferenceConfig": config, "system": body.get("system") or []}
    if body.get("toolConfig"):
        result["toolConfig"] = {
            "tools": [comparable_tool(tool) for tool in body["toolConfig"]["tools"]],
            "toolChoice": body["toolConfig"].get("toolChoice"),
        }
    return result


def comparable_block(block: dict) -> dict:
    if "toolResult" in block:
        result = {k: v for k, v in block["toolResult"].items() if k != "status"}
        return {"toolResult": result}
    if "image" in block and "bytes" in block["image"]["source"]:
        source = {"bytes": base64_text(block["image"]["source"]["bytes"])}
        return {"image": {"format": block["image"]["format"], "source": source}}
    return block


def comparable_tool(tool: dict) -> dict:
    spec = {k: v for k, v in tool["toolSpec"].items() if k != "strict"}
    # The order of a schema's keys is part of it: prompt caches compare bytes.
    spec["inputSchema"] = ordered(spec["inputSchema"])
    return {"toolSpec": spec}


def ordered(value):
    if isinstance(value, dict):
        return [(key, ordered(inner)) for key, inner in value.items()]
    if isinstance(value, list):
        return [ordered(inner) for inner in value]
    return value
