"""A request in the place of one that cannot be expressed, or was not recorded."""

from __future__ import annotations

from recording import Recording
from recorded_response import response_events

# Models of requests that were not recorded: only Claude signs its reasoning, and several of the
# other answers have `<thinking>` in their text, as Nova 1 writes it.
SIGNING_MODEL = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
OTHER_MODEL = "amazon.nova-lite-v1:0"


def stand_in(recording: Recording) -> dict:
    """Some request that the recorded answer can be an answer to."""
    request: dict = {
        "model": recording.model if recording.body else OTHER_MODEL,
        "messages": [{"role": "user", "content": "Go on."}],
    }
    if recording.is_refusal():
        return request
    completion = response_events(recording.response)
    if not recording.body and any(is_signed(block) for block in completion.blocks):
        request["model"] = SIGNING_MODEL
    names = called(completion.blocks)
    if names:
        functions = [{"name": name, "parameters": {"type": "object"}} for name in names]
        request["tools"] = [{"type": "function", "function": f} for f in functions]
    if completion.trace:
        request["guardrailConfig"] = recording.body["guardrailConfig"]
    if completion.response_fields:
        request["additionalModelResponseFieldPaths"] = ["/stop_sequence"]
    if completion.service_tier:
        request["service_tier"] = "auto"
    return request


def called(blocks: list[dict]) -> list[str]:
    """The client's tools that an answer calls, each once."""
    calls = [block["toolUse"] for block in blocks if "toolUse" in block]
    return list({c["name"]: None for c in calls if c.get("type") != "server_tool_use"})


def is_signed(block: dict) -> bool:
    return "signature" in block.get("reasoningContent", {}).get("reasoningText", {})
