"""No telemetry: in a network with nothing but loopback, the gateway misses nothing.

The system counts each packet that has no route. Zero after a start, a stream and an end means that
the gateway has not even tried to reach another machine.
"""

import os
import subprocess
import sys
from pathlib import Path

import debian
import pytest

HERE = Path(__file__).parent


@pytest.mark.parametrize("command", ["demo", "serve"])
def test_the_gateway_calls_no_other_machine(program, tmp_path, command):
    assert attempts(program, tmp_path, command) == 0


def test_an_attempt_would_be_counted(program, tmp_path):
    assert attempts(program, tmp_path, "download") > 0


def attempts(program, folder, command):
    """How many packets had no route while silence.py ran."""
    sandbox = debian.sandbox("--unshare-net", "--dev-bind", "/", "/")
    script = [sys.executable, HERE / "silence.py", command, program, folder]
    environment = {**os.environ, "PYTHONPATH": f"{HERE}:{HERE.parent}/clients/python"}
    run = subprocess.run([*sandbox, *script], env=environment, capture_output=True, encoding="utf-8")
    assert run.returncode == 0, run.stdout + run.stderr
    return int(run.stdout.split()[-1])
