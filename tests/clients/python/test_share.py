"""The chapter "Share it" of README.md works as it is printed, but for the ports."""

import csv
import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import openai
import pytest

from documents import README
from processes import BINARIES, PATIENCE, eventually

PRINTED_PORTS = ["8080", "8081", "8082"]


def free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [str(one.getsockname()[1]) for one in sockets]
    for one in sockets:
        one.close()
    return ports


@pytest.fixture
def chapter(tmp_path):
    """The blocks of the chapter: programs are written into the folder, commands are returned."""
    text = README.read_text().split("\n## Share it\n")[1].split("\n## ")[0]
    for printed, port in zip(PRINTED_PORTS, free_ports(len(PRINTED_PORTS)), strict=True):
        text = text.replace(f":{printed}", f":{port}").replace(f"http.server {printed}", f"http.server {port}")
        text = text.replace("outcrop demo ", f"outcrop demo --listen 127.0.0.1:{port} ") if printed == "8080" else text
    commands = []
    for language, block in re.findall(r"^```(\w+)\n(.*?)^```$", text, re.M | re.S):
        if language == "python":
            name = re.match(r"# (\S+\.py)\n", block)[1]
            (tmp_path / name).write_text(block)
        else:
            commands.append(block)
    return commands


class Shell:
    """A shell that runs blocks of commands one after the other, with what they start."""

    def __init__(self, folder):
        python = Path(sys.executable).parent
        path = os.pathsep.join([str(BINARIES.resolve()), str(python), os.environ["PATH"]])
        self.folder = folder
        self.environment = {"HOME": str(folder), "PATH": path}
        self.started = []

    def run(self, block):
        run = subprocess.Popen(
            ["bash", "-euo", "pipefail", "-c", f"{block}\ntrue"],
            cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", start_new_session=True,
        )
        self.started.append(run)
        output, _ = run.communicate(timeout=2 * PATIENCE)
        assert run.returncode == 0, output
        return output

    def start(self, block):
        """Runs a block that leaves programs running."""
        with open(self.folder / "started.log", "a") as log:
            run = subprocess.Popen(
                ["bash", "-euo", "pipefail", "-c", f"{block}\nwait"],
                cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL,
                stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
            )
        self.started.append(run)

    def stop(self):
        for run in self.started:
            if run.poll() is None:
                os.killpg(run.pid, signal.SIGTERM)
                run.wait(PATIENCE)


@pytest.fixture
def shell(tmp_path):
    shell = Shell(tmp_path)
    yield shell
    shell.stop()


def answers(url):
    try:
        return httpx.get(url).status_code < 500 or None
    except httpx.TransportError:
        return None


def test_the_chapter_leads_from_nothing_to_teams_limits_budgets_and_spend(chapter, shell, tmp_path):
    create, provide, serve, call, report = chapter
    shell.run(create)
    jwks_url = re.search(r'jwks_url = "(.*?)"', create)[1]
    shell.start(provide)
    eventually(lambda: answers(jwks_url))
    shell.start(serve)
    callers = (tmp_path / "callers.py").read_text()
    base_url = re.search(r'base_url="(.*?)"', callers)[1]
    admin_url = re.search(r"http://\S+/metrics", report)[0]
    for url in (base_url.removesuffix("/v1") + "/healthz", admin_url):
        eventually(lambda url=url: answers(url))

    tokens, budget, model = shell.run(call).splitlines()
    assert tokens.startswith("429 rate_limit_exceeded") and "2000" in tokens, tokens
    assert budget.startswith("429 insufficient_quota") and "budget" in budget, budget
    assert model.startswith("403 model_access_denied") and "research" in model, model

    # Records are written within a moment.
    eventually(lambda: len(shell.run("outcrop usage show --by team,model").splitlines()) >= 3 or None)
    rows = json.loads(shell.run("outcrop usage show --by team,model --json"))
    spent = {row["team"]: float(row["cost_usd"]) for row in rows if row["model"] == "gpt-4o"}
    assert spent["research"] > 0 and 0 < spent["support"] <= 0.005, rows
    printed = shell.run(report)
    assert "outcrop_requests_total" in printed and "support" in printed, printed
    exported = list(csv.DictReader(io.StringIO((tmp_path / "usage.csv").read_text())))
    assert {row["team"] for row in exported} >= {"research", "support"}, exported

    # Both keys of the rotation work.
    keys = [json.loads((tmp_path / name).read_text())["key"] for name in ("notebook.json", "notebook-2.json")]
    assert keys[0] != keys[1]
    for key in keys:
        with openai.OpenAI(base_url=base_url, api_key=key, max_retries=0) as client:
            eventually(lambda client=client: accepted(client))


def accepted(client):
    """Whether the key is known: its limit may be reached."""
    try:
        client.models.list()
    except openai.AuthenticationError:
        return None
    return True
