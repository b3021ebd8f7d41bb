"""The programs under test as real processes, on ports that the system picks."""

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

# How long anything may take to start, to stop or to become true; never waited for in full.
PATIENCE = 30.0


class Process:
    """A running program whose output is read as it comes."""

    def __init__(self, program, *arguments, folder, environment=None, memory=None):
        self.lines = []
        self._arrived = threading.Condition()
        self._ended = False
        binary = BINARIES / program
        if not binary.exists():
            raise FileNotFoundError(f"{binary} is not there; build it with `cargo build --workspace`")
        self._process = subprocess.Popen(
            [binary, *arguments],
            # Nothing of this machine's settings gets in: no profile, no outcrop.toml, no proxy.
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
        """The first thing that `wanted` makes of a line."""
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
                    raise AssertionError(f"the line that was waited for did not come:\n{output}")

    def signal(self, number):
        self._process.send_signal(number)

    def stop(self):
        """Ends it as ctrl-C does, and gives its exit code."""
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
    """`outcrop serve` in front of a simulator."""

    def __init__(self, simulator_url, folder, configuration="", memory=None):
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
            folder=folder, environment=environment, memory=memory,
        )
        self.url = "http://" + self.wait_for(listening_address)
        self.base_url = self.url + "/v1"
        # From here on no call of the gateway's own is under way: it has listed the models.
        headers = {"authorization": f"Bearer {API_KEY}"}
        httpx.get(self.base_url + "/models", headers=headers).raise_for_status()

    def request_lines(self):
        """The log lines of requests that are over."""
        entries = [fields_of(line) for line in list(self.lines)]
        return [entry for entry in entries if entry and entry.get("message") == "request"]


def limit_memory(size):
    """What `ulimit -d` does: unlike `ulimit -v` it leaves out what is reserved and not written to."""
    resource.setrlimit(resource.RLIMIT_DATA, (size, size))


def listening_address(line):
    fields = fields_of(line)
    return fields.get("address") if fields and fields.get("message") == "listening" else None


def fields_of(line):
    """The message and the fields of a JSON log line, in one object."""
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
    """The first true value of `check`, which is asked again and again for a while."""
    deadline = time.monotonic() + PATIENCE
    while True:
        value = check()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError("what was waited for did not become true")
        time.sleep(0.01)
