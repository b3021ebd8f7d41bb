"""A recorded exchange with Bedrock."""

from __future__ import annotations

import json
import urllib.parse
from pathlib import Path

import openai

from expressible import openai_request
from parts import NotExpressible

# Recorded refusals, by what their messages hold; any other is the request's fault.
REFUSALS = {
    "The provided model identifier is invalid.": openai.NotFoundError,
    "This model version has reached the end of its life": openai.NotFoundError,
    "The security token included in the request is invalid.": openai.InternalServerError,
    "Signature expired": openai.InternalServerError,
}


class Recording:
    """One recorded exchange."""

    def __init__(self, file: Path):
        recording = json.loads(file.read_text())
        path = recording["request"]["path"].split("?")[0].split("/")
        self.file = file
        self.model = urllib.parse.unquote("/".join(path[2:-1]))
        self.streamed = path[-1] == "converse-stream"
        self.body = recording["request"].get("body")
        self.response = recording["response"]

    def request(self) -> dict:
        """The OpenAI request that asks for the same."""
        if self.body is None:
            raise NotExpressible("the request was not recorded")
        return openai_request(self.body) | {"model": self.model}

    def is_refusal(self) -> bool:
        """Whether the answer is an error, also one that was heard within a stream."""
        events = self.response.get("events") or []
        broken = any(":exception-type" in event["headers"] for event in events)
        return self.response["status"] != 200 or broken

    def message(self) -> str:
        """What a refusal says."""
        bodies = [event["payload"] for event in self.response.get("events") or []]
        bodies.append(self.response.get("body_json") or {})
        return next((body["message"] for body in bodies if "message" in body), "")

    def refusal(self) -> type[openai.APIStatusError]:
        """The error that the client has to see."""
        refusal_kind = (kind for text, kind in REFUSALS.items() if text in self.message())
        return next(refusal_kind, openai.BadRequestError)
