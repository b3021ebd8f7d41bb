"""A recorded exchange with Bedrock."""

from __future__ import annotations

import json
import urllib.parse
from pathlib import Path

import openai

from expressible import openai_request
from parts import NotExpressible

# Error classes of recorded errors, by part of the message; the default is BadRequestError.
ERROR_CLASSES = {
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
        """The equivalent OpenAI request."""
        if self.body is None:
            raise NotExpressible("the request was not recorded")
        return openai_request(self.body) | {"model": self.model}

    def is_error(self) -> bool:
        """Whether the response is an error, including one within a stream."""
        events = self.response.get("events") or []
        broken = any(":exception-type" in event["headers"] for event in events)
        return self.response["status"] != 200 or broken

    def message(self) -> str:
        """The error message."""
        bodies = [event["payload"] for event in self.response.get("events") or []]
        bodies.append(self.response.get("body_json") or {})
        return next((body["message"] for body in bodies if "message" in body), "")

    def error_class(self) -> type[openai.APIStatusError]:
        """The error class that the client must raise."""
        error_classes = (error_class for text, error_class in ERROR_CLASSES.items() if text in self.message())
        return next(error_classes, openai.BadRequestError)
