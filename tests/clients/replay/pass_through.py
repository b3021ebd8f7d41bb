"""Replays the recorded traffic of Bedrock's own API through the gateway, byte by byte.

Usage: pass_through.py RECORDINGS GATEWAY   (a folder and a program)

Each recorded request goes to the gateway as a client of Bedrock's API sends it. What arrives at a
stand-in for Bedrock has to have the same method, path, body and the same headers of Bedrock's; what
the stand-in answers, the recorded bytes, has to reach the client as it was: status, headers, and the
body, of streams frame by frame. Prints how many passed, and why others could not. Exits 1 where one
failed.
"""

from __future__ import annotations

import base64
import collections
import http.client
import http.server
import json
import os
import re
import sys
import tempfile
import threading
from pathlib import Path

from programs import KEY, start

# Headers of the recorded traffic that both sides have to see as they were.
KEPT_HEADERS = re.compile(r"^(accept|content-type|retry-after|x-amzn-requestid|x-amzn-errortype|x-amzn-bedrock-.*)$")

# The runtime's paths; others are of services that do not pass.
RUNTIME = re.compile(r"^/(model|guardrail|guardrail-checks|async-invoke)(/|$)")

# Errors of the gateway's own credentials, which no client is told of.
CREDENTIALS = ("ExpiredToken", "UnrecognizedClient", "InvalidSignature", "MissingAuthenticationToken")

# What stands in an answer that names an account, which the gateway takes out.
ACCOUNT = re.compile(rb"arn:aws[^\s\"]*|(?<!\d)\d{12}(?!\d)")


class Different(Exception):
    """Something did not arrive as it was."""


class StandIn(http.server.ThreadingHTTPServer):
    """Answers every request with the bytes that are to be answered, and keeps what it was asked."""

    completion: dict = {}

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.requests: list[dict] = []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        if not RUNTIME.match(self.path):
            # The gateway asks the control plane what profiles are of; nobody has to know.
            self.send_response_only(404)
            self.send_header("content-length", "0")
            self.end_headers()
            return
        self.server.requests.append(
            {"method": self.command, "path": self.path, "body": body, "headers": headers}
        )
        completion = self.server.completion
        self.send_response_only(completion["status"])
        for name, value in completion["headers"].items():
            self.send_header(name, value)
        if completion["chunks"] is None:
            self.send_header("content-length", str(len(completion["body"])))
            self.end_headers()
            self.wfile.write(completion["body"])
            return
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for chunk in [*completion["chunks"], b""]:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))

    do_GET = do_POST

    def log_message(self, *_):
        pass


def frames(body: bytes) -> list[bytes]:
    """A stream cut at its frames, whose length stands in their first four bytes."""
    matched = []
    while body:
        length = int.from_bytes(body[:4], "big")
        matched.append(body[:length])
        body = body[length:]
    return matched


def recorded_response(response: dict) -> dict:
    """What Bedrock answered, with what recorders left out put back."""
    headers = {k.lower(): v for k, v in response["headers"].items() if KEPT_HEADERS.match(k.lower())}
    streamed = bool(response.get("events"))
    kind = "application/vnd.amazon.eventstream" if streamed else "application/json"
    headers.setdefault("content-type", kind)
    body = base64.b64decode(response["body_base64"])
    chunks = frames(body) if streamed else None
    return {"status": response["status"], "headers": headers, "body": body, "chunks": chunks}


def kept_headers(headers: dict) -> dict:
    return {name: value for name, value in headers.items() if KEPT_HEADERS.match(name)}


def replay(recording: dict, stand_in: StandIn, address: str, counts: collections.Counter) -> None:
    request, response = recording["request"], recording["response"]
    if not RUNTIME.match(request["path"]):
        counts["not of the runtime's API"] += 1
        return
    stand_in.completion = recorded_response(response)
    stand_in.requests.clear()
    has_body = request.get("body") is not None
    body = json.dumps(request["body"], ensure_ascii=False).encode() if has_body else b"{}"
    sent = kept_headers({name.lower(): value for name, value in request["headers"].items()})
    sent.setdefault("content-type", "application/json")
    connection = http.client.HTTPConnection(address, timeout=30)
    headers = {**sent, "authorization": f"Bearer {KEY}", "x-custom": "stays here"}
    connection.request(request["method"], request["path"], body, headers)
    completion = connection.getresponse()
    response_events = {"status": completion.status, "headers": {k.lower(): v for k, v in completion.getheaders()}, "body": completion.read()}
    connection.close()
    check_request(stand_in.requests, request, sent, body)
    counts[check_response(stand_in.completion, response_events, has_body)] += 1


def check_request(requests: list[dict], request: dict, sent: dict, body: bytes) -> None:
    for one in requests:
        arrived = kept_headers(one["headers"])
        # Bedrock is told what is wanted also where the client does not say.
        if "accept" not in sent:
            arrived.pop("accept", None)
        for what, was, is_now in [
            ("method", request["method"], one["method"]),
            ("path", request["path"], one["path"]),
            ("body", body, one["body"]),
            ("headers", sent, arrived),
        ]:
            if was != is_now:
                raise Different(f"the {what} that arrives is {is_now!r} and was {was!r}")
        if KEY in str(one["headers"]) or "x-custom" in one["headers"]:
            raise Different("what the client is known by went on to Bedrock")
    if not requests:
        raise Different("nothing arrived")


def check_response(gateway_response: dict, response_events: dict, has_body: bool) -> str:
    error_type = gateway_response["headers"].get("x-amzn-errortype", "") + str(gateway_response["body"][:200])
    if gateway_response["status"] == 403 and any(name in error_type for name in CREDENTIALS) or is_about_credentials(gateway_response):
        if response_events["status"] != 500 or response_events["headers"].get("x-amzn-errortype") != "InternalServerException":
            raise Different(f"refused credentials of the gateway's are told as {told['status']}")
        return "errors of the gateway's own credentials, told as its fault"
    if response_events["status"] != gateway_response["status"]:
        raise Different(f"the status is {told['status']} and was {answered['status']}: {told['body'][:200]}")
    if kept_headers(response_events["headers"]) != gateway_response["headers"]:
        raise Different(f"the headers are {kept(told['headers'])} and were {answered['headers']}")
    if response_events["body"] != gateway_response["body"]:
        if gateway_response["status"] != 200 and ACCOUNT.search(gateway_response["body"]):
            return "errors, without what names the account"
        raise Different(f"the body is {told['body'][:200]!r} and was {answered['body'][:200]!r}")
    return "both ways" if has_body else "the answer alone: the request was not recorded"


def is_about_credentials(gateway_response: dict) -> bool:
    """Some recordings lack the header that names the error."""
    body_text = gateway_response["body"].lower()
    words = (b"security token", b"signature expired", b"request signature")
    return gateway_response["status"] == 403 and any(word in body_text for word in words)


def main(recordings: Path, gateway: str) -> int:
    if not recordings.is_dir():
        print("pass-through: did not run, the recordings are not beside the repository")
        return 0
    counts: collections.Counter = collections.Counter()
    mismatches = []
    stand_in = StandIn()
    with tempfile.TemporaryDirectory() as home:
        process, address = start_gateway(gateway, stand_in.url(), home)
        try:
            for file in sorted(recordings.glob("*.json")):
                try:
                    replay(json.loads(file.read_text()), stand_in, address, counts)
                except Exception as error:  # every recording is told of, whatever happens
                    mismatches.append(f"{file.stem}: {type(error).__name__}: {error}")
        finally:
            process.kill()
    for mismatch in mismatches:
        print(mismatch)
    print(f"pass-through: {counts.total() + len(mismatches)} recordings, {len(mismatches)} failed")
    for outcome, count in counts.most_common():
        print(f"  {count:3} {outcome}")
    return 1 if mismatches or not counts["both ways"] else 0


def start_gateway(gateway: str, bedrock: str, home: str) -> tuple:
    config = Path(home) / "outcrop.toml"
    # One attempt, so that recorded errors are heard at once.
    config.write_text('[retry]\nmax_attempts = 1\n[catalog]\nlist = "configured"\n')
    environment = {
        "HOME": home,
        "PATH": os.environ["PATH"],
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        "AWS_ENDPOINT_URL": bedrock,
        "OUTCROP_API_KEYS": KEY,
        "OUTCROP_CONFIG": str(config),
    }

    def listening(line: str):
        entry = json.loads(line)
        return entry.get("address") if entry.get("message") == "listening" else None

    return start([gateway, "serve", "--listen", "127.0.0.1:0"], environment, listening)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2]))
