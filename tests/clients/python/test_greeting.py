"""The greeting of `outcrop serve`, which is only printed on a terminal."""

import os
import pty
import re
import shlex
import subprocess
import threading

import pytest

from processes import API_KEY, BINARIES, PATIENCE, eventually


class Terminal:
    """`outcrop serve` on a pseudo terminal."""

    def __init__(self, simulator, folder, **environment):
        ours, theirs = pty.openpty()
        self._text = ""
        self._ours = ours
        self._process = subprocess.Popen(
            [BINARIES / "outcrop", "serve", "--listen", "127.0.0.1:0"],
            cwd=folder,
            env={
                "HOME": str(folder),
                "PATH": os.environ["PATH"],
                "AWS_REGION": "us-east-1",
                "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
                "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
                "AWS_ENDPOINT_URL": simulator.url,
                **environment,
            },
            stdin=subprocess.DEVNULL,
            stdout=theirs,
            stderr=theirs,
        )
        os.close(theirs)
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        while True:
            try:
                read = os.read(self._ours, 4096)
            except OSError:
                # The process has closed the terminal.
                return
            self._text += read.decode()

    def find(self, pattern):
        """Waits for `pattern` and returns its first group."""
        return eventually(lambda: re.search(pattern, self._text))[1]

    @property
    def lines(self):
        return self._text.replace("\r", "").split("\n")

    def stop(self):
        self._process.terminate()
        return self._process.wait(PATIENCE)


@pytest.mark.parametrize("keys", ["", API_KEY])
def test_the_printed_first_call_works(running_simulator, tmp_path, keys):
    # An empty variable means no keys.
    terminal = Terminal(running_simulator, tmp_path, OUTCROP_API_KEYS=keys)
    base_url = terminal.find(r"export OPENAI_BASE_URL=(http://127\.0\.0\.1:\d+/v1) OPENAI_API_KEY=")
    assert terminal.find(r"Amazon Bedrock \((\S+)\) on http") == "us-east-1"
    assert int(terminal.find(r"(\d+) models available")) > 10
    assert terminal.find("API keys are (required|not set)") == ("required" if keys else "not set")
    command = terminal.find(r"(curl http.*}')")
    assert command.startswith(f"curl {base_url}/chat/completions ")
    environment = {"PATH": os.environ["PATH"], "OPENAI_API_KEY": keys}
    response = subprocess.run(["sh", "-c", command], env=environment, capture_output=True, encoding="utf-8", timeout=60)
    assert '"object":"chat.completion"' in response.stdout, shlex.quote(command) + response.stdout
    # The request is one line in the log.
    terminal.find(r"(200 POST /v1/chat/completions \S+ \d+\+\d+ tok )")
    assert terminal.stop() == 0


def test_no_greeting_is_printed_without_a_terminal(gateway):
    eventually(lambda: any("listening" in line for line in gateway.lines))
    assert all(line.startswith("{") for line in gateway.lines), gateway.lines
