"""Replays recorded traffic through the gateway, in both directions.

Usage: replay.py RECORDINGS GATEWAY SIMULATOR   (a folder and two programs)

Converts each recorded Converse request to an OpenAI request and sends it through the official SDK to
the gateway. The request that arrives at the simulator must be the recorded one, except for the
differences listed in differences.py, and the SDK must receive the complete recorded response, which
the simulator replays byte for byte. If the gateway's API cannot express the request, the response is
replayed to a substitute request. Prints the number of recordings that passed in both directions or
with the response only, the reasons, and the number of occurrences of each difference. Exits with
status 1 if one failed.
"""

from __future__ import annotations

import collections
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import openai
from openai.lib.streaming.chat import ChatCompletionStreamState

import expected
from differences import comparable, sent_instead, unequal
from parts import NotExpressible
from programs import start_all
from recording import Recording
from stand_in import stand_in
from recorded_response import parse_response

# Requests that the gateway rejects itself: part of the recorded message, and part of the gateway's.
REJECTED_BY_GATEWAY = {
    "This model doesn't support the s3Uri field": "this model does not read from S3",
    "document.source.type: Field required": "this model does not read from S3",
    "does not match the expected type image/png": "is not supported; supported formats: png",
}

# Request fields that are not arguments of OpenAI's client.
EXTENSIONS = {
    "thinking",
    "top_k",
    "guardrailConfig",
    "requestMetadata",
    "additionalModelRequestFields",
    "additionalModelResponseFieldPaths",
}

# Fields of the last chunk that OpenAI's client does not accumulate.
SENT_LAST = ("service_tier", "trace", "additional_model_response_fields")


class Wrong(Exception):
    """The gateway's behaviour is wrong."""


@dataclass
class Tally:
    """Counts the outcomes of the recordings."""

    both_ways: int = 0
    responses_only: int = 0
    rejected_by_gateway: int = 0
    reasons: collections.Counter = field(default_factory=collections.Counter)
    differences: collections.Counter = field(default_factory=collections.Counter)
    mismatches: list[str] = field(default_factory=list)

    def recordings(self) -> int:
        return self.both_ways + self.responses_only + self.rejected_by_gateway + len(self.mismatches)


def replay(recording: Recording, simulator, client, tally: Tally) -> None:
    """Replays a recording in both directions, or only its response."""
    try:
        request, reason = recording.request(), None
    except NotExpressible as error:
        request, reason = stand_in(recording), str(error)
    simulator.play(recording.file)
    error_message = check_response(recording, request, client)
    sent = simulator.converse_requests()
    if error_message and not sent:
        check_gateway_rejection(recording, error_message)
        tally.rejected_by_gateway += 1
    elif reason:
        tally.reasons[reason] += 1
        tally.responses_only += 1
    else:
        tally.differences.update(check_request(recording, sent))
        tally.both_ways += 1


def check_response(recording: Recording, request: dict, client) -> str | None:
    """Compares the client's response with the recorded one; returns the message of an error."""
    try:
        completion = send(client, request, recording.streamed)
    except openai.APIStatusError as error:
        if not recording.is_error() or not isinstance(error, recording.error_class()):
            raise Wrong(f"rejected with {error.status_code}: {error.message}") from error
        return error.message
    if recording.is_error():
        raise Wrong("a recorded error became a successful response")
    expected_result = expected.expected_completion(request, parse_response(recording.response))
    differences = list(unequal(vars(expected.of_completion(completion)), vars(expected_result)))
    if differences:
        raise Wrong("\n  ".join(["the response differs:", *differences]))
    return None


def check_gateway_rejection(recording: Recording, error_message: str) -> None:
    """A request that the gateway rejects itself must be one that Bedrock is known to reject."""
    expected_texts = (gateway_text for text, gateway_text in REJECTED_BY_GATEWAY.items() if text in recording.message())
    if not any(text in error_message for text in expected_texts):
        raise Wrong(f"rejected without a call to Bedrock: {error_message}")


def send(client: openai.OpenAI, request: dict, streamed: bool) -> dict:
    """The SDK's response, including fields that OpenAI does not have."""
    extensions = {key: value for key, value in request.items() if key in EXTENSIONS}
    arguments = {key: value for key, value in request.items() if key not in EXTENSIONS}
    create = client.chat.completions.create
    if not streamed:
        return create(**arguments, extra_body=extensions).model_dump()
    state, last = ChatCompletionStreamState(), {}
    options = {"include_usage": True}
    for chunk in create(**arguments, extra_body=extensions, stream=True, stream_options=options):
        state.handle_chunk(chunk)
        last.update({k: v for k, v in chunk.model_dump().items() if k in SENT_LAST})
    return state.current_completion_snapshot.model_dump() | last


def check_request(recording: Recording, sent: list[dict]) -> list[str]:
    """Compares the calls to Bedrock with the recorded request; returns the reasons for differences."""
    expected_result, reasons = sent_instead(recording.body, recording.model)
    # After a credentials error, the gateway reloads the credentials and retries once.
    times = 2 if recording.response["status"] == 403 else 1
    if len(sent) != times:
        raise Wrong(f"Bedrock was called {len(sent)} times")
    differences = [line for one in sent for line in unequal(comparable(one), comparable(expected_result))]
    if differences:
        raise Wrong("\n  ".join(["the request to Bedrock differs:", *differences]))
    return reasons


def main(recordings: Path, gateway: str, simulator_program: str) -> int:
    if not recordings.is_dir():
        print("replay: skipped, no recordings next to the repository")
        return 0
    tally = Tally()
    with tempfile.TemporaryDirectory() as home:
        processes, simulator, client = start_all(gateway, simulator_program, home)
        try:
            for file in sorted(recordings.glob("conv*.json")):
                try:
                    replay(Recording(file.resolve()), simulator, client, tally)
                except Exception as error:  # continue with the other recordings
                    tally.mismatches.append(f"{file.stem}: {type(error).__name__}: {error}")
        finally:
            for process in processes:
                process.kill()
    report(tally)
    return 1 if tally.mismatches or tally.both_ways == 0 else 0


def report(tally: Tally) -> None:
    """Prints the outcomes."""
    for mismatch in tally.mismatches:
        print(mismatch)
    print(
        f"replay: {tally.recordings()} recordings, {len(tally.mismatches)} failed; "
        f"{tally.both_ways} passed in both directions, {tally.rejected_by_gateway} were rejected by the "
        f"gateway as Bedrock had rejected them, {tally.responses_only} passed with the response only"
    )
    print("requests that the API cannot express:")
    for reason, count in tally.reasons.most_common():
        print(f"  {count:3} {reason}")
    print("intended differences of requests:")
    for reason, count in tally.differences.most_common():
        print(f"  {count:3} {reason}")


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2], sys.argv[3]))
