"""The examples in README.md and docs/ work as they are printed."""

import os
import subprocess
import sys

import pytest

from documents import configurations, run_client_example
from processes import BINARIES

# What the examples take from the environment.
ENVIRONMENT = {
    "NIGHTLY_KEY": "sk-a-key-of-nightly-jobs",
    "OUTCROP_SEAL_KEY": "CQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQk=",
    "TEAM_A_KEY": "sk-a-key-of-team-a",
    "TEAM_C_KEY": "sk-a-key-of-team-c",
    "TEAM_C_SECRET": "a-secret-of-at-least-32-characters",
    "WEBHOOK_SECRET": "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
}

# Examples may use a guardrail that another example defines.
GUARDRAIL = """
[guardrails.no-secrets]
identifier = "abcd1234efgh"
version = "1"
"""


@pytest.mark.parametrize(
    ("client", "interpreter"),
    [("openai-python", [sys.executable, "-c"]), ("boto3", [sys.executable, "-c"]), ("curl", ["bash", "-c"])],
)
def test_the_example_for_a_client_runs(client, interpreter, demo, tmp_path):
    run_client_example(client, interpreter, demo, tmp_path)


@pytest.mark.parametrize(("file", "text"), configurations(), ids=lambda value: value.replace("\n", " ")[:40])
def test_a_configuration_example_is_valid(file, text, tmp_path):
    if "no-secrets" in text and "[guardrails.no-secrets]" not in text:
        text += GUARDRAIL
    configuration = tmp_path / "outcrop.toml"
    configuration.write_text(text)
    (tmp_path / "prices.toml").touch()
    run = subprocess.run(
        [BINARIES / "outcrop", "check", "--offline", "--config", configuration],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], **ENVIRONMENT},
        capture_output=True,
        encoding="utf-8",
        timeout=60,
    )
    assert run.returncode == 0, f"{file}: {run.stdout}{run.stderr}"
