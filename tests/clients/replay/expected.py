"""The expected chat completion of a recorded response."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from differences import ordered
from recorded_response import RecordedResponse, arguments

FINISH_REASONS = {
    "end_turn": "stop",
    "tool_use": "tool_calls",
    "max_tokens": "length",
    "stop_sequence": "stop",
    "guardrail_intervened": "content_filter",
    "content_filtered": "content_filter",
}


@dataclass
class ExpectedCompletion:
    """The comparable parts of a completion, recorded or received from the gateway."""

    text: str = ""
    reasoning: str = ""
    thinking_blocks: list[dict] = field(default_factory=list)
    annotations: list[dict] = field(default_factory=list)
    citations: list[dict] = field(default_factory=list)
    calls: list[tuple[str, str, object]] = field(default_factory=list)
    finish_reason: str | None = None
    usage: dict[str, int] = field(default_factory=dict)
    trace: dict | None = None
    response_fields: dict | None = None
    service_tier: str | None = None


def expected_completion(request: dict, response: RecordedResponse) -> ExpectedCompletion:
    """The completion that `request` must get."""
    result = ExpectedCompletion(usage=usage(response.usage))
    for block in response.blocks:
        add_block(result, block, request["model"])
    result.finish_reason = finish_reason(response.stop_reason, bool(result.calls))
    if request.get("guardrailConfig", {}).get("trace") == "enabled":
        result.trace = response.trace
    if request.get("additionalModelResponseFieldPaths"):
        result.response_fields = response.response_fields
    if "service_tier" in request:
        result.service_tier = response.service_tier or "default"
    return result


def add_block(result: ExpectedCompletion, block: dict, model: str) -> None:
    (kind, value), *_ = block.items()
    if kind == "text":
        reasoning, text = split_tags(value, model)
        result.reasoning += reasoning
        result.text += text
    elif kind == "reasoningContent":
        add_reasoning(result, value, model)
    elif kind == "citationsContent":
        add_cited(result, value)
    elif kind == "toolUse" and value.get("type") != "server_tool_use":
        call = (value["toolUseId"], value["name"], ordered(value.get("input", {})))
        result.calls.append(call)


def split_tags(text: str, model: str) -> tuple[str, str]:
    """Splits reasoning in tags from the text."""
    if re.search(r"amazon\.nova-(micro|lite|pro|premier)", model):
        # Nova 1, conv-nova-7215dbb8; white space around the section is removed.
        matched = re.match(r"\s*<thinking>(.*?)(</thinking>\s*|$)", text, re.DOTALL)
        return (matched[1], text[matched.end() :]) if matched else ("", text)
    if "kimi-k2-thinking" in model:
        # Its reasoning has its own block; the text may contain a stray tag,
        # conv-moonshot-25df26ca.
        return "", re.sub(r"^\s*<think>\s*", "", text)
    return "", text


def add_reasoning(result: ExpectedCompletion, block: dict, model: str) -> None:
    if "redactedContent" in block:
        data = block["redactedContent"]
        result.thinking_blocks.append({"type": "redacted_thinking", "data": data})
        return
    text = block["reasoningText"]["text"]
    # Nova 2 redacts its reasoning, conv-nova-e80b8b52.
    if not ("amazon.nova-2" in model and text.startswith("[REDACTED]")):
        result.reasoning += text
    if "signature" in block["reasoningText"]:
        signature = block["reasoningText"]["signature"]
        thinking = {"type": "thinking", "thinking": text, "signature": signature}
        result.thinking_blocks.append(thinking)


def add_cited(result: ExpectedCompletion, block: dict) -> None:
    start = len(result.text)
    result.text += "".join(cited["text"] for cited in block.get("content", []))
    span = {"start_index": start, "end_index": len(result.text)}
    for citation in block["citations"]:
        source = web_source(citation)
        if source:
            annotation = {"type": "url_citation", "url_citation": source | span}
            result.annotations.append(annotation)
        else:
            result.citations.append({"citation": citation} | span)


def web_source(citation: dict) -> dict | None:
    """URL and title of a web source; None for other sources."""
    location = citation["location"]
    title = citation.get("title", "")
    if "web" in location:
        return {"url": location["web"]["url"], "title": title or location["web"].get("domain", "")}
    if "searchResultLocation" in location and "://" in citation.get("source", ""):
        return {"url": citation["source"], "title": title}
    return None


def finish_reason(stop_reason: str, has_calls: bool) -> str:
    if stop_reason in ("end_turn", "tool_use"):
        return "tool_calls" if has_calls else "stop"
    return FINISH_REASONS[stop_reason]


def usage(counts: dict) -> dict[str, int]:
    """Usage as counted by OpenAI: prompt tokens include cache reads and writes. No recorded response
    counts reasoning tokens."""
    read = counts.get("cacheReadInputTokens", 0)
    written = counts.get("cacheWriteInputTokens", 0)
    prompt = counts["inputTokens"] + read + written
    return {
        "prompt_tokens": prompt,
        "completion_tokens": counts["outputTokens"],
        "total_tokens": prompt + counts["outputTokens"],
        "cached_tokens": read,
        "cache_write_tokens": written,
        "reasoning_tokens": 0,
    }


def of_completion(completion: dict) -> ExpectedCompletion:
    """The completion that the SDK received or accumulated."""
    choice, used = completion["choices"][0], completion["usage"]
    message = choice["message"]
    prompt, written = used["prompt_tokens_details"], used["completion_tokens_details"]
    counts = ("prompt_tokens", "completion_tokens", "total_tokens")
    return ExpectedCompletion(
        text=message["content"] or "",
        reasoning=message.get("reasoning_content") or "",
        thinking_blocks=placed(message.get("thinking_blocks")),
        annotations=placed(message.get("annotations")),
        citations=placed(message.get("bedrock_citations")),
        calls=[call(listed) for listed in message.get("tool_calls") or []],
        finish_reason=choice["finish_reason"],
        usage={key: used[key] for key in counts}
        | {key: prompt[key] for key in ("cached_tokens", "cache_write_tokens")}
        | {"reasoning_tokens": written["reasoning_tokens"]},
        trace=completion.get("trace"),
        response_fields=completion.get("additional_model_response_fields"),
        service_tier=completion.get("service_tier"),
    )


def call(listed: dict) -> tuple[str, str, object]:
    function = listed["function"]
    return listed["id"], function["name"], ordered(arguments(function["arguments"]))


def placed(listed: list[dict] | None) -> list[dict]:
    """A list without the stream indexes of its items."""
    listed = listed or []
    assert all(item.get("index", at) == at for at, item in enumerate(listed)), listed
    return [{k: v for k, v in item.items() if k != "index"} for item in listed]
