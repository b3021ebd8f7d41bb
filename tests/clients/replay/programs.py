"""Starts the gateway and the simulator as processes."""

from __future__ import annotations

import collections
import json
import os
import subprocess
import threading
import urllib.request
from pathlib import Path

import openai

KEY = "sk-replay-0001"

# Guardrails that recorded requests use.
GUARDRAILS = ("5zwrmdlsra2e", "guardrail1234", "v9kpg6yrwhs2", "xbgw7g293v7o")


class Simulator:
    """Client of the simulator's control API."""

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
        script = {"times": 0, "response": {"kind": "recording", "file": str(file)}}
        self.call("POST", "/_simulator/scripts", script)

    def converse_requests(self) -> list[dict]:
        received = self.call("GET", "/_simulator/requests")
        chats = [r for r in received if (r["operation"] or "").startswith("converse")]
        return [r["body_json"] for r in chats]


def start(command: list[str], environment: dict[str, str], address_of) -> tuple:
    """Starts a program and waits until it prints its listen address."""
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    for line in process.stdout:
        address = address_of(line)
        if address:
            # Drain its output: a full pipe would block it.
            drain = threading.Thread(target=collections.deque, args=(process.stdout, 0))
            drain.daemon = True
            drain.start()
            return process, address
    raise SystemExit(f"{command[0]} ended before it listened: {process.wait()}")


def start_all(gateway: str, simulator: str, home: str):
    """Both processes, a client of the simulator's control API, and a client of the gateway."""
    flags = ["--listen", "127.0.0.1:0", "--any-credentials", "--foreign-signatures", "--any-model"]
    flags += [f"--guardrail={name}" for name in GUARDRAILS]
    plain = {"HOME": home, "PATH": os.environ["PATH"]}
    simulated, url = start(
        [simulator, *flags], plain, lambda line: line.partition("listening on ")[2].strip()
    )
    config = Path(home) / "outcrop.toml"
    # One attempt, so that recorded errors are returned at once.
    config.write_text("[retry]\nmax_attempts = 1\n")
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
    # Recorded requests contain their own cache points.
    client = openai.OpenAI(
        base_url=f"http://{address}/v1",
        api_key=KEY,
        max_retries=0,
        default_headers={"x-outcrop-cache": "off"},
    )
    return (simulated, served), Simulator(url), client
