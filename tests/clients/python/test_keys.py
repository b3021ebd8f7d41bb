"""`outcrop teams` and `outcrop keys`, on the store of a running gateway and through its admin API."""

import json
import os
import subprocess

import httpx
import openai
import pytest

from conftest import connect
from processes import API_KEY, BINARIES, PATIENCE, Gateway, Process, admin_address, eventually, fields_of
from simulated import CLAUDE, HELLO, NOVA


ADMIN_TOKEN = "an-admin-token-of-operators"


class Commands:
    """Commands with the configuration and the working directory of a gateway."""

    def __init__(self, folder):
        self._folder = folder
        self._target = ["--config", str(folder / "outcrop.toml")]
        # Without OUTCROP_API_KEYS: a command needs none.
        self._environment = {"HOME": str(folder), "PATH": os.environ["PATH"]}

    def run(self, *arguments):
        return subprocess.run(
            [BINARIES / "outcrop", *arguments, *self._target],
            cwd=self._folder,
            env=self._environment,
            capture_output=True,
            encoding="utf-8",
            timeout=PATIENCE,
        )

    def __call__(self, *arguments):
        """The text that a command prints."""
        finished = self.run(*arguments)
        assert finished.returncode == 0, finished.stderr
        return finished.stdout

    def json(self, *arguments):
        return json.loads(self(*arguments, "--json"))

    def refused(self, *arguments, code=1):
        """The message of a command that fails."""
        finished = self.run(*arguments)
        assert finished.returncode == code, finished.stdout + finished.stderr
        assert finished.stdout == ""
        return finished.stderr


class RemoteCommands(Commands):
    """Commands on the admin API of a gateway, as from another machine: without its files."""

    def __init__(self, folder, url, token=ADMIN_TOKEN):
        folder.mkdir()
        super().__init__(folder)
        self._target = ["--url", url]
        self._environment["OUTCROP_ADMIN_TOKEN"] = token


def admin_url(gateway):
    return "http://" + gateway.wait_for(admin_address)


@pytest.fixture
def gateway_with_store(running_simulator, tmp_path):
    configuration = f'[store]\npath = "{tmp_path}/keys.db"\n[teams.of-file]\nrequests_per_minute = 600\n'
    configuration += f'[admin]\nlisten = "127.0.0.1:0"\ntoken = "{ADMIN_TOKEN}"\n'
    gateway = Gateway(running_simulator.url, tmp_path, configuration)
    yield gateway
    assert gateway.stop() == 0


@pytest.fixture(params=["store", "url"])
def outcrop(request, gateway_with_store, tmp_path):
    """Commands on the store of a gateway, and on its admin API."""
    if request.param == "store":
        return Commands(tmp_path)
    return RemoteCommands(tmp_path / "elsewhere", admin_url(gateway_with_store))


def say_hello(client, model=NOVA):
    return client.chat.completions.create(model=model, messages=HELLO).choices[0].message.content


def test_a_key_lives_from_its_creation_to_its_end_while_the_gateway_runs(gateway_with_store, outcrop):
    outcrop("teams", "create", "research", "--rpm", "600", "--models", "*nova*,*claude*")
    created = outcrop.json(
        "keys", "create", "--team", "research", "--name", "first", "--user", "ann", "--models", "*nova*",
        "--rpm", "300", "--budget-usd", "5", "--budget-per", "day", "--expires", "2999-01-01", "--tag", "cost=42",
    )
    assert created["id"].startswith("key_") and created["key"].startswith("sk-oc-")
    assert created["team"] == "research" and created["allowance"]["requests_per_minute"] == 300

    # A budget whose sums are not read yet is a 503, which clients send again.
    with connect(gateway_with_store, api_key=created["key"]).with_options(max_retries=3) as old:
        # The first request may come before the gateway has looked for new keys.
        assert say_hello(old)
        with pytest.raises(openai.PermissionDeniedError):
            say_hello(old, CLAUDE)
        rotated = outcrop.json("keys", "rotate", created["id"], "--overlap", "1h")
        assert rotated["id"] == created["id"] and rotated["previous"]["prefix"] == created["prefix"]
        with connect(gateway_with_store, api_key=rotated["key"]) as new:
            for client in (old, new, old, new):
                assert say_hello(client)
            outcrop("keys", "revoke", "first")
            for client in (old, new):

                def is_refused(client=client):
                    try:
                        return not say_hello(client)
                    except openai.AuthenticationError as error:
                        return error.code == "invalid_api_key"

                eventually(is_refused)
    # The log has the caller, and no key.
    log = "\n".join(gateway_with_store.lines)
    assert created["key"] not in log and rotated["key"] not in log
    # Keys of the configuration work as before.
    with connect(gateway_with_store) as client:
        assert say_hello(client)


def test_lists_are_tables_without_secrets(outcrop):
    outcrop("teams", "create", "research", "--tpm", "100000")
    text = outcrop("keys", "create", "--team", "research", "--name", "for people")
    (key,) = [line.strip() for line in text.splitlines() if line.startswith("  sk-oc-")]
    listed = outcrop("keys", "list")
    columns = listed.splitlines()[0].split()
    assert columns[:3] == ["ID", "NAME", "TEAM"]
    shown = outcrop("keys", "show", "for people")
    for text in (listed, shown, json.dumps(outcrop.json("keys", "list")), json.dumps(outcrop.json("teams", "list"))):
        assert key not in text and key[20:40] not in text
    assert f"{key[:14]}..." in listed and f"{key[:14]}..." in shown
    teams = {team["name"]: team for team in outcrop.json("teams", "list")}
    assert teams["of-file"]["owner"] == "configuration" and teams["of-file"]["requests_per_minute"] == 600
    assert teams["research"]["owner"] == "store" and teams["research"]["tokens_per_minute"] == 100000
    outcrop("teams", "update", "research", "--tpm", "none", "--rpm", "5")
    outcrop("teams", "update", "research", "--user", "ann", "--max-concurrent", "2")
    shown = outcrop("teams", "show", "research")
    assert "requests per minute" in shown and "tokens per minute" not in shown
    assert "ann: concurrent requests" in shown


def test_mistakes_are_refused_with_the_remedy(gateway_with_store, tmp_path):
    outcrop = Commands(tmp_path)
    outcrop("teams", "create", "research")
    outcrop("keys", "create", "--team", "research", "--name", "one")
    for arguments, code, words in [
        (["teams", "create", "of-file"], 1, "set by the configuration"),
        (["teams", "delete", "of-file"], 1, "change `[teams.of-file]` there"),
        (["teams", "delete", "research"], 1, "revoke those that `outcrop keys list --team research` shows"),
        (["keys", "create", "--team", "absent", "--name", "two"], 1, "there is no team `absent`"),
        (["keys", "create", "--name", "one"], 1, "choose another name"),
        (["keys", "create", "--name", "two", "--rpm", "0"], 2, "a whole number from 1"),
        (["keys", "create", "--name", "two", "--expires", "2020-01-01"], 2, "in the future"),
        (["keys", "create", "--name", "two", "--expires", "tomorrow"], 2, "write a date such as"),
        (["keys", "create", "--name", "two", "--guardrail", "absent"], 2, "`[guardrails.NAME]`"),
        (["keys", "create", "--name", "two", "--budget-usd", "1e3"], 2, "an amount in dollars"),
        (["keys", "revoke", "absent"], 1, "there is no key `absent`"),
        (["keys", "rotate", "one", "--overlap", "soon"], 2, "write a duration such as"),
    ]:
        assert words in outcrop.refused(*arguments, code=code)


def test_commands_print_the_same_through_the_admin_api(gateway_with_store, tmp_path):
    local = Commands(tmp_path)
    # The gateway has a key of the environment, which it shows, too.
    local._environment["OUTCROP_API_KEYS"] = API_KEY
    remote = RemoteCommands(tmp_path / "elsewhere", admin_url(gateway_with_store))
    remote("teams", "create", "research", "--rpm", "60")
    remote("keys", "create", "--team", "research", "--name", "one", "--tpm", "1000", "--expires", "2999-01-01")
    # What one argument changes leaves the rest as it is.
    remote("keys", "update", "one", "--rpm", "5", "--tag", "cost=42")
    remote("teams", "update", "research", "--each-user", "--budget-usd", "5")
    remote("budgets", "set", "--team", "research", "--usd", "500.25", "--per", "month")
    remote("budgets", "set", "--key", "one", "--usd", "9", "--per", "day", "--soft")
    remote("budgets", "increase", "--team", "research", "--usd", "1", "--until", "2999-01-01")
    for command in (
        ["teams", "list"], ["teams", "show", "research"], ["keys", "list"], ["keys", "show", "one"],
        ["keys", "list", "--team", "research", "--all"], ["teams", "show", "of-file"],
        ["budgets", "list"], ["budgets", "list", "--team", "research"], ["budgets", "list", "--key", "one"],
    ):
        assert remote(*command) == local(*command), command
        assert remote.json(*command) == local.json(*command), command
    shown = remote.json("keys", "show", "one")
    budget = {"usd": "9", "per": "day", "hard": False}
    assert shown["allowance"] == {"requests_per_minute": 5, "tokens_per_minute": 1000, "budgets": [budget]}
    assert shown["tags"] == {"cost": "42"} and shown["expires_at"].startswith("2999")
    for arguments, code, words in [
        (["teams", "create", "of-file"], 1, "`[teams.of-file]`"),
        (["teams", "delete", "research"], 1, "has 1 active keys"),
        (["keys", "create", "--name", "one"], 1, "choose another name"),
        (["keys", "create", "--name", "two", "--expires", "2020-01-01"], 2, "in the future"),
        (["keys", "show", "absent"], 1, "there is no key `absent`"),
    ]:
        assert words in remote.refused(*arguments, code=code)
    actors = [entry["actor"] for entry in audit(gateway_with_store)]
    assert actors == ["token of the configuration"] * 7

    url = admin_url(gateway_with_store)
    for folder, url, token, code, words in [
        ("a", url, "", 2, "set OUTCROP_ADMIN_TOKEN"),
        ("b", url, "oc-admin-not-this-one", 1, "the admin token is unknown"),
        ("c", gateway_with_store.url, ADMIN_TOKEN, 1, "write the address of `[admin] listen`"),
        ("d", "http://127.0.0.1:1", ADMIN_TOKEN, 1, "127.0.0.1:1"),
        ("e", "http://outcrop.example.com", ADMIN_TOKEN, 2, "would not be encrypted"),
    ]:
        message = RemoteCommands(tmp_path / folder, url, token).refused("keys", "list", code=code)
        assert words in message and (not token or token not in message)


def audit(gateway):
    headers = {"authorization": f"Bearer {ADMIN_TOKEN}"}
    return httpx.get(admin_url(gateway) + "/admin/v1/audit", headers=headers).raise_for_status().json()["data"]


def serve(simulator, folder, configuration, listen="127.0.0.1:0"):
    """`outcrop serve` without OUTCROP_API_KEYS."""
    (folder / "outcrop.toml").write_text(configuration)
    environment = {
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        "AWS_ENDPOINT_URL": simulator.url,
    }
    return Process("outcrop", "serve", "--listen", listen, folder=folder, environment=environment)


def test_a_key_in_the_store_is_enough_to_serve_other_machines(running_simulator, tmp_path):
    configuration = '[server]\ncors_origins = ["*"]\n'
    closed = serve(running_simulator, tmp_path, configuration, "0.0.0.0:0")
    assert closed.exit_code() == 2
    output = "\n".join(closed.lines)
    assert "is reachable from other machines" in output and "server.cors_origins" in output
    assert "outcrop keys create" in output

    created = Commands(tmp_path).json("keys", "create", "--name", "one")
    gateway = serve(running_simulator, tmp_path, configuration, "0.0.0.0:0")
    address = gateway.wait_for(lambda line: (fields_of(line) or {}).get("address"))
    base_url = f"http://127.0.0.1:{address.rpartition(':')[2]}/v1"
    assert httpx.get(base_url + "/models").status_code == 401
    with openai.OpenAI(base_url=base_url, api_key=created["key"], max_retries=0) as client:
        assert say_hello(client)
    assert gateway.stop() == 0


def test_a_damaged_store_is_reported_and_configured_keys_go_on(running_simulator, tmp_path):
    (tmp_path / "keys.db").write_text("this is not a database, whatever else it may be")
    configuration = f'[store]\npath = "{tmp_path}/keys.db"\n'
    closed = serve(running_simulator, tmp_path, configuration)
    assert closed.exit_code() == 1
    output = "\n".join(closed.lines)
    assert "cannot read keys from the store" in output and "keys.db" in output and "restore a backup" in output

    gateway = Gateway(running_simulator.url, tmp_path, configuration)
    assert "keys.db" in Commands(tmp_path).refused("keys", "list")
    gateway.wait_for(lambda line: "known keys stay valid" in line or None)
    with connect(gateway, api_key=API_KEY) as client:
        assert say_hello(client)
    assert gateway.stop() == 0
