"""Converts a recorded Converse request to the equivalent OpenAI request."""

from __future__ import annotations

import json

from parts import NotExpressible, json_text, add_cache_control, parts, text_or_parts, text_part

# Fields with the same name in Converse and in the gateway's extensions.
SAME_NAME = ("guardrailConfig", "additionalModelResponseFieldPaths", "requestMetadata")

# Supported keys of a Converse request; any other makes it not expressible.
TREATED = {
    "messages",
    "system",
    "inferenceConfig",
    "toolConfig",
    "modelId",
    "additionalModelRequestFields",
    "outputConfig",
    "serviceTier",
    *SAME_NAME,
}


def openai_request(body: dict) -> dict:
    """The fields of the OpenAI request, without the model."""
    for key, value in body.items():
        if key not in TREATED and value not in ({}, [], None):
            raise NotExpressible(key)
    request: dict = {"messages": []}
    system = parts(body.get("system") or [], "system")
    if system:
        request["messages"].append({"role": "system", "content": text_or_parts(system)})
    for message in body.get("messages", []):
        request["messages"].extend(openai_messages(message))
    request.update(settings(body.get("inferenceConfig") or {}))
    if body.get("toolConfig"):
        request.update(tools(body["toolConfig"]))
    request.update(provider_fields(body.get("additionalModelRequestFields") or {}))
    if body.get("outputConfig"):
        request["response_format"] = response_format(body["outputConfig"])
    if body.get("serviceTier"):
        request["service_tier"] = body["serviceTier"]["type"]
    request.update((key, body[key]) for key in SAME_NAME if key in body)
    return request


def openai_messages(message: dict) -> list[dict]:
    if message["role"] == "assistant":
        return [assistant_message(message["content"])]
    messages: list[dict] = []
    rest = []
    for block in message["content"]:
        if "toolResult" in block:
            messages.append(tool_message(block["toolResult"]))
        elif "cachePoint" in block and messages and not rest:
            add_cache_control(messages, block["cachePoint"])
        else:
            rest.append(block)
    if rest:
        messages.append({"role": "user", "content": text_or_parts(parts(rest, "user"))})
    return messages


def assistant_message(content: list[dict]) -> dict:
    texts, calls, thoughts = [], [], []
    for block in content:
        kind = next(iter(block))
        if kind == "text":
            texts.append(text_part(block["text"]))
        elif kind == "citationsContent":
            # Citations are in the annotations, which clients do not send back.
            texts.extend(text_part(cited["text"]) for cited in block[kind]["content"])
        elif kind == "toolUse":
            calls.append(tool_call(block["toolUse"]))
        elif kind == "reasoningContent":
            thoughts.append(thinking_block(block["reasoningContent"]))
        else:
            raise NotExpressible(f"assistant {kind}")
    message: dict = {"role": "assistant", "content": text_or_parts(texts) if texts else None}
    if calls:
        message["tool_calls"] = calls
    if thoughts:
        message["thinking_blocks"] = thoughts
    return message


def thinking_block(block: dict) -> dict:
    if "redactedContent" in block:
        return {"type": "redacted_thinking", "data": block["redactedContent"]}
    text = block["reasoningText"]
    thinking = {"type": "thinking", "thinking": text["text"]}
    if "signature" in text:
        thinking["signature"] = text["signature"]
    return thinking


def tool_call(block: dict) -> dict:
    if block.get("type") == "server_tool_use":
        raise NotExpressible("a call of a server tool")
    function = {"name": block["name"], "arguments": json_text(block["input"])}
    return {"id": block["toolUseId"], "type": "function", "function": function}


def tool_message(block: dict) -> dict:
    message = {
        "role": "tool",
        "tool_call_id": block["toolUseId"],
        "content": text_or_parts(parts(block["content"], "tool result")),
    }
    if block.get("status") == "error":
        message["is_error"] = True
    return message


def settings(config: dict) -> dict:
    names = {"maxTokens": "max_tokens", "temperature": "temperature", "topP": "top_p"}
    request = {names[key]: value for key, value in config.items() if key in names}
    if config.get("stopSequences"):
        request["stop"] = config["stopSequences"]
    return request


def tools(config: dict) -> dict:
    request: dict = {"tools": []}
    for tool in config["tools"]:
        if "cachePoint" in tool:
            add_cache_control(request["tools"], tool["cachePoint"])
        elif tool.get("systemTool", {}).get("name") == "nova_grounding":
            request["web_search_options"] = {}
        elif "systemTool" in tool:
            # Web search is the only server tool that the gateway has a field for.
            raise NotExpressible(f"tool {tool['systemTool']['name']}")
        else:
            request["tools"].append({"type": "function", "function": function(tool["toolSpec"])})
    choice = config.get("toolChoice")
    if choice:
        kind, value = next(iter(choice.items()))
        request["tool_choice"] = {
            "auto": "auto",
            "any": "required",
            "tool": {"type": "function", "function": {"name": value.get("name")}},
        }[kind]
    return request


def function(spec: dict) -> dict:
    result = {"name": spec["name"], "parameters": spec["inputSchema"]["json"]}
    result.update((key, spec[key]) for key in ("description", "strict") if key in spec)
    return result


def provider_fields(fields: dict) -> dict:
    """The model's native fields, as OpenAI fields if they exist."""
    request: dict = {}
    others = {}
    for key, value in fields.items():
        if key == "top_k":
            request["top_k"] = value
        elif key == "inferenceConfig" and list(value) == ["topK"]:
            request["top_k"] = value["topK"]
        elif key == "reasoningConfig" and value.get("type") == "enabled":
            request["reasoning_effort"] = value["maxReasoningEffort"]
        elif key == "reasoning_config" and isinstance(value, str):
            request["reasoning_effort"] = value
        elif key in ("thinking", "reasoning_config"):
            request["thinking"] = value
        else:
            others[key] = value
    if others:
        request["additionalModelRequestFields"] = others
    return request


def response_format(config: dict) -> dict:
    definition = config["textFormat"]["structure"]["jsonSchema"]
    schema = {"name": definition["name"], "schema": json.loads(definition["schema"])}
    if "description" in definition:
        schema["description"] = definition["description"]
    return {"type": "json_schema", "json_schema": schema}
