"""Runs the programs under test as processes, on free ports."""

import json
import os
import re
import resource
import signal
import subprocess
import threading
import time
from pathlib import Path

import httpx

REPOSITORY = Path(__file__).resolve().parents[3]
BINARIES = REPOSITORY / os.environ.get("CARGO_TARGET_DIR", "target") / "debug"

API_KEY = "sk-test-key-1"

# Timeout of starts, stops and conditions, in seconds.
PATIENCE = 30.0


class Process:
    """A running program; its output is read continuously. `launcher` is a command that runs it."""

    def __init__(self, program, *arguments, folder, environment=None, memory=None, launcher=()):
        self.lines = []
        self._arrived = threading.Condition()
        self._ended = False
        binary = BINARIES / program
        if not binary.exists():
            raise FileNotFoundError(f"{binary} does not exist; build it with `cargo build --workspace`")
        self._process = subprocess.Popen(
            [*launcher, binary, *arguments],
            # An empty home: no AWS profile, outcrop.toml or proxy of this machine.
            cwd=folder,
            env={"HOME": str(folder), "PATH": os.environ["PATH"], **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            preexec_fn=memory and (lambda: limit_memory(memory)),
        )
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self._process.stdout:
            with self._arrived:
                self.lines.append(line.rstrip("\n"))
                self._arrived.notify_all()
        with self._arrived:
            self._ended = True
            self._arrived.notify_all()

    def wait_for(self, parse):
        """The first result of `parse` that is not None, over the lines of output."""
        deadline = time.monotonic() + PATIENCE
        seen = 0
        with self._arrived:
            while True:
                for line in self.lines[seen:]:
                    parsed = parse(line)
                    if parsed is not None:
                        return parsed
                seen = len(self.lines)
                if self._ended or not self._arrived.wait(deadline - time.monotonic()):
                    output = "\n".join(self.lines)
                    raise AssertionError(f"no line of the output matches:\n{output}")

    @property
    def pid(self):
        return self._process.pid

    def signal(self, number):
        self._process.send_signal(number)

    def stop(self):
        """Sends SIGINT, like ctrl-C, and returns the exit code."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
        return self.exit_code()

    def exit_code(self):
        try:
            return self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            raise


class Gateway(Process):
    """`outcrop serve` with a simulator as Bedrock."""

    def __init__(self, simulator_url, folder, configuration="", memory=None, launcher=()):
        file = Path(folder) / "outcrop.toml"
        file.write_text(configuration)
        environment = {
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
            "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            "AWS_ENDPOINT_URL": simulator_url,
            "OUTCROP_API_KEYS": API_KEY,
        }
        super().__init__(
            "outcrop", "serve", "--config", str(file), "--listen", "127.0.0.1:0",
            folder=folder, environment=environment, memory=memory, launcher=launcher,
        )
        self.url = "http://" + self.wait_for(listening_address)
        self.base_url = self.url + "/v1"
        # Listing models completes the gateway's own calls to Bedrock.
        headers = {"authorization": f"Bearer {API_KEY}"}
        httpx.get(self.base_url + "/models", headers=headers).raise_for_status()

    def request_lines(self):
        """The log entries of completed requests."""
        entries = [fields_of(line) for line in list(self.lines)]
        return [entry for entry in entries if entry and entry.get("message") == "request"]


def limit_memory(size):
    """Like `ulimit -d`, which unlike `ulimit -v` does not count reserved but unused memory."""
    resource.setrlimit(resource.RLIMIT_DATA, (size, size))


def listening_address(line):
    fields = fields_of(line)
    return fields.get("address") if fields and fields.get("message") == "listening" else None


def admin_address(line):
    """The address of the listener for operators."""
    fields = fields_of(line)
    return fields.get("address") if fields and fields.get("message") == "listening for operators" else None


def fields_of(line):
    """The message and fields of a JSON log line; None for other lines."""
    if not line.startswith("{"):
        return None
    entry = json.loads(line)
    return {**entry, **entry.get("fields", {})}


def simulator_address(line):
    match = re.fullmatch(r"listening on (http://\S+)", line)
    return match and match[1]


def demo_base_url(line):
    match = re.search(r"listening on (http://\S+/v1)", line)
    return match and match[1]


def eventually(check):
    """Calls `check` until it returns a true value, and returns that value."""
    deadline = time.monotonic() + PATIENCE
    while True:
        value = check()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError("the condition did not become true")
        time.sleep(0.01)
