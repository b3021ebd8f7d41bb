"""The listener for operators, as Prometheus and operators use it."""

import json
import signal

import httpx

from conftest import connect
from processes import Gateway, fields_of
from simulated import HELLO, NOVA, fault, script, text
from test_keys import Commands

LISTEN = '[admin]\nlisten = "127.0.0.1:0"\n[server]\ndrain_delay = "0s"\n'


def admin_address(line):
    fields = fields_of(line)
    return fields.get("address") if fields and fields.get("message") == "listening for operators" else None


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


def test_operators_reload_and_audit_with_tokens(running_simulator, tmp_path):
    configuration = LISTEN.replace("[admin]\n", f'[admin]\ntoken = "{TOKEN}"\n') + f'[store]\npath = "{tmp_path}/outcrop.db"\n'
    gateway = Gateway(running_simulator.url, tmp_path, configuration)
    with httpx.Client(base_url=admin_of(gateway) + "/admin/v1") as client:
        client.headers["authorization"] = f"Bearer {TOKEN}"
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
    configuration = LISTEN.replace("[admin]\n", f'[admin]\ntoken = "{TOKEN}"\n') + f'[store]\npath = "{tmp_path}/outcrop.db"\n'
    gateway = Gateway(running_simulator.url, tmp_path, configuration)
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
