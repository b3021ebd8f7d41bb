"""Replays the recorded traffic through the whole gateway, in both directions.

Usage: replay.py RECORDINGS GATEWAY SIMULATOR   (a folder and two programs)

The OpenAI request made from each recorded Converse request goes through the official SDK to the
gateway; what arrives at the simulator has to be the recorded request, and the recorded answer,
played back byte for byte, has to reach the SDK's types whole. Where the request cannot be said in
OpenAI's terms, the answer is played back to a request that stands in for it. Prints how many passed
and how many could not be expressed, with the reasons. Exits 1 where one failed.
"""

from __future__ import annotations

import collections
import json
import os
import subprocess
import sys
import tempfile
import threading
import urllib.parse
import urllib.request
from pathlib import Path

import openai
from openai.lib.streaming.chat import ChatCompletionStreamState

import expected
from expressible import NotExpressible, comparable, openai_request, stand_in

KEY = "sk-replay-0001"
STATUS_CLASSES = {
    "The provided model identifier is invalid.": openai.NotFoundError,
    "This model version has reached the end of its life": openai.NotFoundError,
    "The security token included in the request is invalid.": openai.InternalServerError,
    "Signature expired": openai.InternalServerError,
}


class Simulator:
    """The simulator's orders over HTTP."""

    def __init__(self, url: str):
        self.url = url

    def call(self, method: str, path: str, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}{path}", data=data, method=method)
        with urllib.request.urlopen(request, timeout=30) as response:
            content = response.read()
        return json.loads(content) if content else None

    def play(self, file: Path) -> None:
        self.call("DELETE", "/_simulator")
        script = {"times": 0, "answer": {"kind": "recording", "file": str(file)}}
        self.call("POST", "/_simulator/scripts", script)

    def converse_requests(self) -> list[dict]:
        received = self.call("GET", "/_simulator/requests")
        chats = [r for r in received if (r["operation"] or "").startswith("converse")]
        return [r["body_json"] for r in chats]


def start(command: list[str], environment: dict[str, str], address_of) -> tuple:
    """Starts a program and waits for the line in which it says where it listens."""
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    for line in process.stdout:
        address = address_of(line)
        if address:
            # What it prints from now on is read by nobody; a full pipe must not stop it.
            drain = threading.Thread(target=collections.deque, args=(process.stdout, 0))
            drain.daemon = True
            drain.start()
            return process, address
    raise SystemExit(f"{command[0]} ended before it listened: {process.wait()}")


def start_all(gateway: str, simulator: str, home: str):
    flags = ["--listen", "127.0.0.1:0", "--any-credentials"]
    plain = {"HOME": home, "PATH": os.environ["PATH"]}
    simulated, url = start(
        [simulator, *flags], plain, lambda line: line.partition("listening on ")[2].strip()
    )
    config = Path(home) / "outcrop.toml"
    # One attempt, so that recorded errors are heard at once.
    config.write_text("[retry]\nattempts = 1\n")
    environment = plain | {
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        "AWS_ENDPOINT_URL": url,
        "OUTCROP_API_KEYS": KEY,
        "OUTCROP_CONFIG": str(config),
    }

    def listening(line: str):
        entry = json.loads(line)
        return entry.get("address") if entry.get("message") == "listening" else None

    command = [gateway, "serve", "--listen", "127.0.0.1:0"]
    served, address = start(command, environment, listening)
    client = openai.OpenAI(base_url=f"http://{address}/v1", api_key=KEY, max_retries=0)
    return (simulated, served), Simulator(url), client


def ask(client: openai.OpenAI, request: dict, streamed: bool):
    if not streamed:
        return client.chat.completions.create(**request)
    state = ChatCompletionStreamState()
    options = {"include_usage": True}
    for chunk in client.chat.completions.create(**request, stream=True, stream_options=options):
        state.handle_chunk(chunk)
    return state.current_completion_snapshot


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

    def stand_in(self) -> dict:
        """Some request that the recorded answer can be an answer to."""
        request = stand_in(expected.tool_names(self.response))
        # Where the request was not recorded, neither was its model.
        request["model"] = self.model if self.body else "amazon.nova-lite-v1:0"
        return request


def replay(recording: Recording, request: dict, both_ways: bool, simulator, client) -> str | None:
    """What went wrong, or nothing."""
    body, response = recording.body, recording.response
    streamed = recording.streamed
    simulator.play(recording.file)
    try:
        completion = ask(client, request, streamed)
    except openai.APIStatusError as error:
        return refused(error, response)
    failed = response["status"] != 200 or is_exception(response)
    if failed:
        return "an error recording was answered as if it were none"
    sent = simulator.converse_requests()
    asked_well = not both_ways or comparable(sent[0]) == comparable(body)
    if len(sent) != 1 or not asked_well:
        return f"Bedrock was asked something else:\n{json.dumps(sent)[:1500]}"
    if streamed:
        wanted = expected.of_stream(response["events"])
    else:
        wanted = expected.of_whole(response["body_json"])
    got = expected.of_completion(completion)
    return None if got == wanted else f"got    {got}\nwanted {wanted}"


def is_exception(response: dict) -> bool:
    events = response.get("events") or []
    return any(":exception-type" in event["headers"] for event in events)


def refused(error: openai.APIStatusError, response: dict) -> str | None:
    """A recorded refusal has to come as the right class; any other is wrong."""
    if response["status"] == 200 and not is_exception(response):
        return f"refused with {error.status_code}: {error.message}"
    message = (response.get("body_json") or {}).get("message", "")
    wanted = next(
        (kind for text, kind in STATUS_CLASSES.items() if text in message), openai.BadRequestError
    )
    if not isinstance(error, wanted):
        return f"{type(error).__name__} in the place of {wanted.__name__}: {error.message}"
    return None


def main(recordings: Path, gateway: str, simulator_program: str) -> int:
    if not recordings.is_dir():
        print("replay: did not run, the recordings are not beside the repository")
        return 0
    passed, answers, reasons, failures = 0, 0, collections.Counter(), []
    with tempfile.TemporaryDirectory() as home:
        processes, simulator, client = start_all(gateway, simulator_program, home)
        try:
            for file in sorted(recordings.glob("conv*.json")):
                recording = Recording(file.resolve())
                try:
                    request, both_ways = recording.request(), True
                except NotExpressible as reason:
                    reasons[str(reason)] += 1
                    request, both_ways = recording.stand_in(), False
                try:
                    wrong = replay(recording, request, both_ways, simulator, client)
                except Exception as error:  # every recording is told of, whatever happens
                    wrong = f"{type(error).__name__}: {error}"
                if wrong is None:
                    passed += both_ways
                    answers += not both_ways
                else:
                    failures.append(f"{file.stem}: {wrong}")
        finally:
            for process in processes:
                process.kill()
    for failure in failures:
        print(failure)
    beyond = sum(reasons.values())
    print(
        f"replay: {passed + answers + len(failures)} recordings, {len(failures)} failed; "
        f"{passed} passed in both directions; {beyond} requests could not be expressed, and of "
        f"those {answers} passed with their answers alone:"
    )
    for reason, count in reasons.most_common():
        print(f"  {count:3} {reason}")
    return 1 if failures or passed == 0 else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2], sys.argv[3]))
