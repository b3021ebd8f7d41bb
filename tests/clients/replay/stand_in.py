"""A substitute for a request that cannot be expressed or was not recorded."""

from __future__ import annotations

from recording import Recording
from recorded_response import parse_response

# Models for requests that were not recorded: only Claude signs its reasoning, and several of the
# other responses have `<thinking>` in their text, like Nova 1's.
SIGNING_MODEL = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
OTHER_MODEL = "amazon.nova-lite-v1:0"


def stand_in(recording: Recording) -> dict:
    """A request to which the recorded response is a valid response."""
    request: dict = {
        "model": recording.model if recording.body else OTHER_MODEL,
        "messages": [{"role": "user", "content": "Go on."}],
    }
    if recording.is_error():
        return request
    response = parse_response(recording.response)
    if not recording.body and any(is_signed(block) for block in response.blocks):
        request["model"] = SIGNING_MODEL
    names = called(response.blocks)
    if names:
        functions = [{"name": name, "parameters": {"type": "object"}} for name in names]
        request["tools"] = [{"type": "function", "function": f} for f in functions]
    if response.trace:
        request["guardrailConfig"] = recording.body["guardrailConfig"]
    if response.response_fields:
        request["additionalModelResponseFieldPaths"] = ["/stop_sequence"]
    if response.service_tier:
        request["service_tier"] = "auto"
    return request


def called(blocks: list[dict]) -> list[str]:
    """The client tools that a response calls, without duplicates."""
    calls = [block["toolUse"] for block in blocks if "toolUse" in block]
    return list({c["name"]: None for c in calls if c.get("type") != "server_tool_use"})


def is_signed(block: dict) -> bool:
    return "signature" in block.get("reasoningContent", {}).get("reasoningText", {})
