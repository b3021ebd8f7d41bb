"""Replays the recorded traffic through the whole gateway, in both directions.

Usage: replay.py RECORDINGS GATEWAY SIMULATOR   (a folder and two programs)

The OpenAI request made from each recorded Converse request goes through the official SDK to the
gateway; what arrives at the simulator has to be the recorded request, but for the differences that
differences.py states, and the recorded answer, played back byte for byte, has to reach the SDK's
types whole. Where the gateway's API has no words for the request, the answer is played back to a
request that stands in for it. Prints how many passed in both directions and with their answers
alone, why, and how often each difference was met. Exits 1 where one failed.
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
from recorded_response import response_events

# What the gateway refuses by itself, by what the recorded refusals hold, and in which words.
REFUSED_BY_THE_GATEWAY = {
    "This model doesn't support the s3Uri field": "this model reads nothing from S3",
    "document.source.type: Field required": "this model reads nothing from S3",
    "does not match the expected type image/png": "by its bytes, this is none of png",
}

# Members of a request that OpenAI's client has no argument for.
EXTENSIONS = {
    "thinking",
    "top_k",
    "guardrailConfig",
    "requestMetadata",
    "additionalModelRequestFields",
    "additionalModelResponseFieldPaths",
}

# Members of a stream's last chunk that OpenAI's client does not put together.
SENT_LAST = ("service_tier", "trace", "additional_model_response_fields")


class Wrong(Exception):
    """The gateway did something else than it has to."""


@dataclass
class Tally:
    """What came of the recordings."""

    both_ways: int = 0
    responses_only: int = 0
    refused_here: int = 0
    reasons: collections.Counter = field(default_factory=collections.Counter)
    differences: collections.Counter = field(default_factory=collections.Counter)
    mismatches: list[str] = field(default_factory=list)

    def recordings(self) -> int:
        return self.both_ways + self.responses_only + self.refused_here + len(self.mismatches)


def replay(recording: Recording, simulator, client, tally: Tally) -> None:
    """Plays a recording in both directions, or its answer alone."""
    try:
        request, reason = recording.request(), None
    except NotExpressible as matched:
        request, reason = stand_in(recording), str(matched)
    simulator.play(recording.file)
    refusal = check_response(recording, request, client)
    sent = simulator.converse_requests()
    if refusal and not sent:
        check_gateway_rejection(recording, refusal)
        tally.refused_here += 1
    elif reason:
        tally.reasons[reason] += 1
        tally.responses_only += 1
    else:
        tally.differences.update(check_request(recording, sent))
        tally.both_ways += 1


def check_response(recording: Recording, request: dict, client) -> str | None:
    """The client has to be told what Bedrock answered. Gives the message of a refusal."""
    try:
        completion = send(client, request, recording.streamed)
    except openai.APIStatusError as error:
        if not recording.is_refusal() or not isinstance(error, recording.refusal()):
            raise Wrong(f"refused with {error.status_code}: {error.message}") from error
        return error.message
    if recording.is_refusal():
        raise Wrong("a recorded refusal was answered as if it were none")
    expected_result = expected.expected_completion(request, response_events(recording.response))
    matched = list(unequal(vars(expected.of_completion(completion)), vars(expected_result)))
    if matched:
        raise Wrong("\n  ".join(["the client is told something else:", *matched]))
    return None


def check_gateway_rejection(recording: Recording, refusal: str) -> None:
    """What was not asked has to be something that Bedrock is known to refuse."""
    refusal_kind = (gateway_code for text, gateway_code in REFUSED_BY_THE_GATEWAY.items() if text in recording.message())
    if not any(gateway_code in refusal for gateway_code in refusal_kind):
        raise Wrong(f"refused without asking Bedrock: {refusal}")


def send(client: openai.OpenAI, request: dict, streamed: bool) -> dict:
    """The answer as the SDK has it, with what came beside OpenAI's own members."""
    extensions = {key: value for key, value in request.items() if key in EXTENSIONS}
    refusal_kind = {key: value for key, value in request.items() if key not in EXTENSIONS}
    create = client.chat.completions.create
    if not streamed:
        return create(**refusal_kind, extra_body=extensions).model_dump()
    state, last = ChatCompletionStreamState(), {}
    options = {"include_usage": True}
    for chunk in create(**refusal_kind, extra_body=extensions, stream=True, stream_options=options):
        state.handle_chunk(chunk)
        last.update({k: v for k, v in chunk.model_dump().items() if k in SENT_LAST})
    return state.current_completion_snapshot.model_dump() | last


def check_request(recording: Recording, sent: list[dict]) -> list[str]:
    """Bedrock has to be asked what was recorded. Gives the reasons of the differences."""
    expected_result, reasons = sent_instead(recording.body, recording.model)
    # Credentials that were refused are fetched anew, and the request is asked once more.
    times = 2 if recording.response["status"] == 403 else 1
    if len(sent) != times:
        raise Wrong(f"Bedrock was asked {len(sent)} times")
    matched = [line for one in sent for line in unequal(comparable(one), comparable(expected_result))]
    if matched:
        raise Wrong("\n  ".join(["Bedrock was asked something else:", *matched]))
    return reasons


def main(recordings: Path, gateway: str, simulator_program: str) -> int:
    if not recordings.is_dir():
        print("replay: did not run, the recordings are not beside the repository")
        return 0
    tally = Tally()
    with tempfile.TemporaryDirectory() as home:
        processes, simulator, client = start_all(gateway, simulator_program, home)
        try:
            for file in sorted(recordings.glob("conv*.json")):
                try:
                    replay(Recording(file.resolve()), simulator, client, tally)
                except Exception as error:  # every recording is told of, whatever happens
                    tally.mismatches.append(f"{file.stem}: {type(error).__name__}: {error}")
        finally:
            for process in processes:
                process.kill()
    tell(tally)
    return 1 if tally.mismatches or tally.both_ways == 0 else 0


def tell(tally: Tally) -> None:
    """Prints what came of the recordings."""
    for mismatch in tally.mismatches:
        print(mismatch)
    print(
        f"replay: {tally.recordings()} recordings, {len(tally.mismatches)} failed; "
        f"{tally.both_ways} passed in both directions, {tally.refused_here} were refused by the "
        f"gateway as Bedrock had refused them, {tally.responses_only} passed with their answers "
        "alone"
    )
    print("requests that could not be expressed:")
    for reason, count in tally.reasons.most_common():
        print(f"  {count:3} {reason}")
    print("requests in which the gateway is right to ask for something else:")
    for reason, count in tally.differences.most_common():
        print(f"  {count:3} {reason}")


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2], sys.argv[3]))
