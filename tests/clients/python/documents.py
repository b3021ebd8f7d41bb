"""The examples in README.md and docs/."""

import os
import re
import subprocess

from processes import REPOSITORY

README = REPOSITORY / "README.md"

# The address in the examples.
PRINTED = "http://127.0.0.1:8080/v1"


def run_client_example(name, interpreter, demo, folder):
    """Runs the example for a client, as it is printed but for the address."""
    code = client_example(name).replace(PRINTED.removesuffix("/v1"), demo.base_url.removesuffix("/v1"))
    environment = {"HOME": str(folder), "PATH": os.environ["PATH"]}
    run = subprocess.run(
        [*interpreter, code], cwd=folder, env=environment, capture_output=True, encoding="utf-8", timeout=60
    )
    assert run.returncode == 0, run.stderr
    assert "You said: “Hello!”" in run.stdout


def client_example(name):
    """The code for a client under "Use it with" in README.md."""
    section = README.read_text().split("\n## Use it with\n")[1].split("\n## ")[0]
    match = re.search(rf"^\*\*{re.escape(name)}\*\*.*?^```\w+\n(.*?)^```$", section, re.M | re.S)
    assert match, f"README.md has no example for {name}"
    return match[1]


def configurations():
    """The TOML examples for Outcrop, each with the file that it is in."""
    files = [README, *sorted((REPOSITORY / "docs").glob("**/*.md"))]
    return [
        (file.relative_to(REPOSITORY).as_posix(), block)
        for file in files
        for block in re.findall(r"^```toml\n(.*?)^```$", file.read_text(), re.M | re.S)
        # Codex is configured in TOML, too; tests/clients/node runs it.
        if "model_provider" not in block
    ]
