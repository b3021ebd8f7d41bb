"""The listener for operators, as Prometheus and operators use it."""

import json
import signal

import httpx
import openai

from conftest import connect
from processes import Gateway, admin_address, eventually
from simulated import HELLO, NOVA, fault, script, text
from test_keys import Commands

LISTEN = '[admin]\nlisten = "127.0.0.1:0"\n[server]\ndrain_delay = "0s"\n'


def admin_of(gateway):
    return "http://" + gateway.wait_for(admin_address)


def samples(admin):
    """The values of all series of a scrape."""
    text = httpx.get(admin + "/metrics").raise_for_status().text
    lines = [line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#")]
    return {series: float(value) for series, value in lines}


def total(admin, name, *labels):
    """The sum of a metric over the series with these labels."""
    found = [
        value
        for series, value in samples(admin).items()
        if series.split("{")[0] == name and all(label in series for label in labels)
    ]
    return sum(found)


def test_metrics_are_scraped_until_the_last_stream_has_ended(running_simulator, simulator, tmp_path):
    gateway = Gateway(running_simulator.url, tmp_path, LISTEN)
    admin = admin_of(gateway)
    with connect(gateway) as client:
        client.chat.completions.create(model=NOVA, messages=HELLO)
        simulator.push(script(text(*["word "] * 30), fault("drip", delay_ms=50)))
        stream = client.chat.completions.create(model=NOVA, messages=HELLO, stream=True)
        next(stream)
        assert total(admin, "outcrop_open_streams") == 1
        assert total(admin, "outcrop_requests_in_flight") == 1
        gateway.signal(signal.SIGTERM)
        gateway.wait_for(lambda line: "no longer accepting" in line or None)
        # Clients are no longer accepted, operators are.
        assert total(admin, "outcrop_open_streams") == 1
        assert httpx.get(admin + "/healthz").status_code == 200
        for _ in stream:
            pass
    assert gateway.exit_code() == 0


def test_metrics_count_what_a_client_did(running_simulator, tmp_path):
    gateway = Gateway(running_simulator.url, tmp_path, LISTEN)
    admin = admin_of(gateway)
    with connect(gateway) as client:
        used = client.chat.completions.create(model=NOVA, messages=HELLO).usage
    requests = ("outcrop_requests_total", f'model="{NOVA}"', 'status_class="2xx"')
    assert total(admin, *requests) == 1
    assert total(admin, "outcrop_tokens_total", 'kind="input"') == used.prompt_tokens
    assert total(admin, "outcrop_tokens_total", 'kind="output"') == used.completion_tokens
    assert total(admin, "outcrop_cost_usd_total") > 0
    assert total(admin, "process_resident_memory_bytes") > 1_000_000
    gateway.stop()


TOKEN = "an-admin-token-of-operators"


def with_token(folder):
    """A configuration with an admin token and a store."""
    return LISTEN.replace("[admin]\n", f'[admin]\ntoken = "{TOKEN}"\n') + f'[store]\npath = "{folder}/outcrop.db"\n'


def admin_client(gateway):
    headers = {"authorization": f"Bearer {TOKEN}"}
    return httpx.Client(base_url=admin_of(gateway) + "/admin/v1", headers=headers)


def test_operators_reload_and_audit_with_tokens(running_simulator, tmp_path):
    configuration = with_token(tmp_path)
    gateway = Gateway(running_simulator.url, tmp_path, configuration)
    with admin_client(gateway) as client:
        new = {"name": "auditor", "scope": "read"}
        reader = client.post("/tokens", json=new).raise_for_status().json()["token"]

        (tmp_path / "outcrop.toml").write_text(configuration + '[models]\nfast = "amazon.nova-lite-v1:0"\n')
        reloaded = client.post("/reload").raise_for_status().json()
        assert reloaded["generation"] >= 2
        shown = client.get("/configuration").raise_for_status().json()
        assert shown["configuration"]["models"] == {"fast": "amazon.nova-lite-v1:0"}
        assert shown["configuration"]["admin"]["token"] == "***"
        (tmp_path / "outcrop.toml").write_text("[models]\nfast = 1\n")
        refused = client.post("/reload")
        assert refused.status_code == 409
        assert "models.fast" in refused.json()["error"]["message"]
        assert client.get("/configuration").json()["reload"]["error"] is not None

        client.headers["authorization"] = f"Bearer {reader}"
        assert client.post("/drain").status_code == 403
        actions = [entry["action"] for entry in client.get("/audit").json()["data"]]
        assert actions == ["gateway.reload", "token.create"]
    gateway.stop()


def test_changes_by_commands_are_in_the_audit_log(running_simulator, tmp_path):
    gateway = Gateway(running_simulator.url, tmp_path, with_token(tmp_path))
    command = Commands(tmp_path)
    command("teams", "create", "research")
    command("teams", "update", "research", "--rpm", "60")
    key = command.json("keys", "create", "--team", "research", "--name", "notebook")
    for change in (["update", "--rpm", "30"], ["rotate", "--overlap", "0s"], ["revoke"]):
        command("keys", change[0], key["id"], *change[1:])
    command("teams", "delete", "research")
    headers = {"authorization": f"Bearer {TOKEN}"}
    text = httpx.get(admin_of(gateway) + "/admin/v1/audit", headers=headers).raise_for_status().text
    entries = json.loads(text)["data"][::-1]
    assert [entry["action"] for entry in entries] == [
        "team.create", "team.update", "key.create", "key.update", "key.rotate", "key.revoke", "team.delete",
    ]
    assert entries[3]["subject"] == key["id"]
    assert entries[3]["after"]["allowance"] == {"requests_per_minute": 30}
    assert key["key"] not in text
    gateway.stop()


def test_an_operator_manages_teams_and_keys_over_http(running_simulator, tmp_path):
    configuration = with_token(tmp_path) + "[teams.of-file]\nrequests_per_minute = 600\n"
    gateway = Gateway(running_simulator.url, tmp_path, configuration)
    with admin_client(gateway) as admin:
        new = {"name": "research", "budgets": [{"usd": "100", "per": "month"}], "user": {"requests_per_minute": 600}}
        admin.post("/teams", json=new).raise_for_status()
        new = {"name": "notebook", "team": "research", "user": "ann", "allowance": {"allowed_models": ["*nova*"]}}
        created = admin.post("/keys", json=new).raise_for_status().json()
        path = f"/keys/{created['id']}"

        def hello(key):
            # A budget whose sums are not read yet is a 503, which clients send again.
            with connect(gateway, api_key=key).with_options(max_retries=3) as client:
                return client.chat.completions.create(model=NOVA, messages=HELLO)

        def refused_with(error, key):
            def is_refused():
                try:
                    return not hello(key)
                except error:
                    return True

            return eventually(is_refused)

        # The key works at once; after a rotation with overlap, both do.
        assert hello(created["key"])
        rotated = admin.post(f"{path}/rotate", json={"overlap_seconds": 3600}).raise_for_status().json()
        assert hello(rotated["key"]) and hello(created["key"])
        # A change of what the key may use refuses the next call within a second.
        changed = admin.patch(path, json={"allowance": {"allowed_models": ["*claude*"], "requests_per_minute": 600}})
        assert changed.raise_for_status().json()["allowance"]["requests_per_minute"] == 600
        refused_with(openai.PermissionDeniedError, rotated["key"])
        admin.patch(path, json={"allowance": None}).raise_for_status()
        eventually(lambda: not_refused(hello, rotated["key"]))

        admin.post(f"{path}/revoke").raise_for_status()
        for key in (created["key"], rotated["key"]):
            refused_with(openai.AuthenticationError, key)
        assert [key["id"] for key in admin.get("/keys?team=research&revoked=true").json()["data"]] == [created["id"]]

        # What the key was used for is known by its id, also after a rotation.
        def served():
            rows = admin.get(f"/usage?by=team,key,model&key={created['id']}").raise_for_status().json()["data"]
            # A refused request has a row, too.
            return [row for row in rows if row["model"] == NOVA and row["cost_usd"] > 0]

        [used] = eventually(served)
        assert (used["team"], used["key_name"]) == ("research", "notebook")
        days = admin.get("/usage/export?format=jsonl").raise_for_status().text.splitlines()
        assert created["id"] in [json.loads(day)["key"] for day in days]
        [budget] = admin.get("/budgets?team=research").json()["data"]
        assert budget["limit_usd"] == 100 and 0 < budget["spent_usd"] < budget["left_usd"]

        owned = admin.patch("/teams/of-file", json={"requests_per_minute": 1})
        assert owned.status_code == 409
        assert "`[teams.of-file]`" in owned.json()["error"]["message"]
        audit = admin.get("/audit").raise_for_status().text
        log = "\n".join(gateway.lines)
        for key in (created["key"], rotated["key"]):
            assert key not in audit and key not in log
    gateway.stop()


def not_refused(hello, key):
    try:
        return hello(key)
    except openai.PermissionDeniedError:
        return None
