"""Replays recorded traffic of the Bedrock API through the gateway, byte for byte.

Usage: pass_through.py RECORDINGS GATEWAY   (a folder and a program)

Sends each recorded request to the gateway as a client of the Bedrock API does. The request that
arrives at a fake Bedrock must have the same method, path, body and Bedrock headers; the recorded
response that the fake returns must reach the client unchanged: status, headers and body, frame by
frame for streams. Prints the number of recordings that passed, and why others did not run. Exits
with status 1 if one failed.
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

# Recorded headers that must be forwarded unchanged.
KEPT_HEADERS = re.compile(r"^(accept|content-type|retry-after|x-amzn-requestid|x-amzn-errortype|x-amzn-bedrock-.*)$")

# Paths of bedrock-runtime; the gateway does not forward others.
RUNTIME = re.compile(r"^/(model|guardrail|guardrail-checks|async-invoke)(/|$)")

# Errors about the gateway's own credentials, which are not forwarded to clients.
CREDENTIALS = ("ExpiredToken", "UnrecognizedClient", "InvalidSignature", "MissingAuthenticationToken")

# ARNs and account ids in responses, which the gateway removes.
ACCOUNT = re.compile(rb"arn:aws[^\s\"]*|(?<!\d)\d{12}(?!\d)")

# Outcome of a recording with request and response.
BOTH_WAYS = "request and response"


class Different(Exception):
    """A request or response was not forwarded unchanged."""


class StandIn(http.server.ThreadingHTTPServer):
    """A fake Bedrock: responds to every request with `response`, and records the requests."""

    response: dict = {}

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
            # A lookup of an inference profile in the control plane; optional for the gateway.
            self.send_response_only(404)
            self.send_header("content-length", "0")
            self.end_headers()
            return
        self.server.requests.append(
            {"method": self.command, "path": self.path, "body": body, "headers": headers}
        )
        response = self.server.response
        self.send_response_only(response["status"])
        for name, value in response["headers"].items():
            self.send_header(name, value)
        if response["chunks"] is None:
            self.send_header("content-length", str(len(response["body"])))
            self.end_headers()
            self.wfile.write(response["body"])
            return
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for chunk in [*response["chunks"], b""]:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))

    do_GET = do_POST

    def log_message(self, *_):
        pass


def frames(body: bytes) -> list[bytes]:
    """Splits a stream into frames; their first four bytes are the length."""
    result = []
    while body:
        length = int.from_bytes(body[:4], "big")
        result.append(body[:length])
        body = body[length:]
    return result


def recorded_response(response: dict) -> dict:
    """The recorded response, with headers that recorders omitted."""
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
        counts["not bedrock-runtime"] += 1
        return
    stand_in.response = recorded_response(response)
    stand_in.requests.clear()
    has_body = request.get("body") is not None
    body = json.dumps(request["body"], ensure_ascii=False).encode() if has_body else b"{}"
    sent = kept_headers({name.lower(): value for name, value in request["headers"].items()})
    sent.setdefault("content-type", "application/json")
    connection = http.client.HTTPConnection(address, timeout=30)
    headers = {**sent, "authorization": f"Bearer {KEY}", "x-custom": "not forwarded"}
    connection.request(request["method"], request["path"], body, headers)
    reply = connection.getresponse()
    headers = {name.lower(): value for name, value in reply.getheaders()}
    received = {"status": reply.status, "headers": headers, "body": reply.read()}
    connection.close()
    check_request(stand_in.requests, request, sent, body)
    counts[check_response(stand_in.response, received, has_body)] += 1


def check_request(requests: list[dict], request: dict, sent: dict, body: bytes) -> None:
    for one in requests:
        arrived = kept_headers(one["headers"])
        # The gateway adds `accept` if the client does not send it.
        if "accept" not in sent:
            arrived.pop("accept", None)
        for part, recorded, forwarded in [
            ("method", request["method"], one["method"]),
            ("path", request["path"], one["path"]),
            ("body", body, one["body"]),
            ("headers", sent, arrived),
        ]:
            if recorded != forwarded:
                raise Different(f"request {part}: expected {recorded!r}, forwarded {forwarded!r}")
        if KEY in str(one["headers"]) or "x-custom" in one["headers"]:
            raise Different("the client's key or custom headers were forwarded to Bedrock")
    if not requests:
        raise Different("no request was forwarded")


def check_response(recorded: dict, received: dict, has_body: bool) -> str:
    if is_about_credentials(recorded):
        if (received["status"], received["headers"].get("x-amzn-errortype")) != (500, "InternalServerException"):
            raise Different(f"an error about the gateway's credentials has status {received['status']}")
        return "errors about the gateway's credentials, returned as its own error"
    if received["status"] != recorded["status"]:
        change = f"expected {recorded['status']}, received {received['status']}"
        raise Different(f"status: {change}: {received['body'][:200]}")
    headers = kept_headers(received["headers"])
    if headers != recorded["headers"]:
        raise Different(f"headers: expected {recorded['headers']}, received {headers}")
    if received["body"] != recorded["body"]:
        if recorded["status"] != 200 and ACCOUNT.search(recorded["body"]):
            return "errors, without the account"
        raise Different(f"body: expected {recorded['body'][:200]!r}, received {received['body'][:200]!r}")
    return BOTH_WAYS if has_body else "only the response: the request was not recorded"


def is_about_credentials(recorded: dict) -> bool:
    if recorded["status"] != 403:
        return False
    error_type = recorded["headers"].get("x-amzn-errortype", "") + str(recorded["body"][:200])
    # Some recordings lack the error type.
    words = (b"security token", b"signature expired", b"request signature")
    body = recorded["body"].lower()
    return any(name in error_type for name in CREDENTIALS) or any(word in body for word in words)


def main(recordings: Path, gateway: str) -> int:
    if not recordings.is_dir():
        print("pass-through: skipped, no recordings next to the repository")
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
                except Exception as error:  # continue with the other recordings
                    mismatches.append(f"{file.stem}: {type(error).__name__}: {error}")
        finally:
            process.kill()
    for mismatch in mismatches:
        print(mismatch)
    print(f"pass-through: {counts.total() + len(mismatches)} recordings, {len(mismatches)} failed")
    for outcome, count in counts.most_common():
        print(f"  {count:3} {outcome}")
    return 1 if mismatches or not counts[BOTH_WAYS] else 0


def start_gateway(gateway: str, bedrock: str, home: str) -> tuple:
    config = Path(home) / "outcrop.toml"
    # One attempt, so that recorded errors are returned at once.
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
