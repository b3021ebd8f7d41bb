"""What requests used and cost is stored: through kill -9, SIGTERM, and times without a store."""

import csv
import io
import json
import re
import signal
import sqlite3
import subprocess
import threading
import time
from pathlib import Path

import httpx
import pytest

from conftest import bearer, connect
from processes import BINARIES, PATIENCE, Gateway, admin_address, eventually
from simulated import HELLO, NOVA, fault, script, text

# What a crash may lose: the records of 250 ms, and of a transaction, which goes to the spool after two
# seconds.
MAX_LOSS = 0.25 + 2.0


class Stored:
    """Gateways with the same store, and the commands on it."""

    def __init__(self, simulator_url, folder):
        self.folder = folder
        self.path = folder / "outcrop.db"
        self.configuration = ""
        self._simulator_url = simulator_url

    def start(self):
        configuration = f'[store]\npath = "{self.path}"\n[usage]\nenabled = true\n'
        return Gateway(self._simulator_url, self.folder, configuration + self.configuration)

    def command(self, *arguments):
        command = [BINARIES / "outcrop", "usage", *arguments]
        if not (self.folder / "outcrop.toml").exists():
            (self.folder / "outcrop.toml").write_text(f'[store]\npath = "{self.path}"\n')
        return subprocess.run(command, cwd=self.folder, capture_output=True, encoding="utf-8", env={})

    def show(self, *arguments):
        shown = self.command("show", "--json", *arguments)
        assert shown.returncode == 0, shown.stderr
        return json.loads(shown.stdout)

    def requests(self):
        return sum(row["requests"] for row in self.show())

    def assert_sums_are_those_of_the_records(self):
        with sqlite3.connect(self.path) as database:
            sums = "COUNT(*), SUM(cost), SUM(input_tokens), SUM(output_tokens)"
            (records,) = database.execute(f"SELECT {sums} FROM usage_records")
            sums = sums.replace("COUNT(*)", "SUM(requests)")
            for table in ("usage_hourly", "usage_daily"):
                (rollup,) = database.execute(f"SELECT {sums} FROM {table}")
                assert rollup == records, table


@pytest.fixture
def stored(running_simulator, tmp_path):
    return Stored(running_simulator.url, tmp_path)


def complete(http, stream=False):
    body = {"model": NOVA, "messages": HELLO, "stream": stream}
    http.post("/chat/completions", json=body).raise_for_status()


def client_of(gateway):
    return httpx.Client(base_url=gateway.base_url, headers=bearer(), timeout=30)


class Load(threading.Thread):
    """Sends requests until the gateway is gone; knows when each response was complete."""

    def __init__(self, gateway):
        super().__init__(daemon=True)
        self._gateway = gateway
        self.completed = []

    def run(self):
        with client_of(self._gateway) as http:
            try:
                while True:
                    complete(http)
                    self.completed.append(time.monotonic())
            except httpx.TransportError:
                return


def test_a_killed_gateway_loses_no_more_than_stated(stored):
    gateway = stored.start()
    loads = [Load(gateway) for _ in range(4)]
    for load in loads:
        load.start()
    eventually(stored.path.exists)
    started = time.monotonic()
    # Longer than what may be lost. Commands work on the store meanwhile.
    while time.monotonic() < started + 2 * MAX_LOSS:
        stored.show("--by", "day,key")
        assert stored.command("export", "--records").returncode == 0
    killed = time.monotonic()
    gateway.signal(signal.SIGKILL)
    gateway.exit_code()
    for load in loads:
        load.join()
    completed = [at for load in loads for at in load.completed]
    kept = stored.requests()
    lost = len(completed) - kept
    print(f"{len(completed)} responses, {lost} records lost")
    assert kept >= sum(at < killed - MAX_LOSS for at in completed) > 0
    stored.assert_sums_are_those_of_the_records()


def test_sigterm_loses_no_record_of_an_open_stream(stored, simulator):
    gateway = stored.start()
    simulator.push(*[script(text(*["word "] * 10), fault("drip", delay_ms=20))] * 20)
    with connect(gateway) as client:
        streams = [client.chat.completions.create(model=NOVA, messages=HELLO, stream=True) for _ in range(20)]
        for stream in streams:
            next(stream)
        gateway.signal(signal.SIGTERM)
        for stream in streams:
            assert [*stream][-1].choices[0].finish_reason == "stop"
    assert gateway.exit_code() == 0
    (row,) = stored.show("--by", "team,model")
    assert (row["team"], row["model"], row["requests"]) == (None, NOVA, 20)
    assert row["input_tokens"] > 0 and row["output_tokens"] > 0 and row["cost_usd"] > 0
    stored.assert_sums_are_those_of_the_records()


def test_records_wait_in_the_spool_while_there_is_no_store(stored):
    # As if the disk were not mounted.
    stored.path.mkdir()
    gateway = stored.start()
    with client_of(gateway) as http:
        for _ in range(3):
            complete(http)
    spool = stored.folder / "outcrop.db.spool"
    eventually(lambda: spool.is_dir() and any(spool.iterdir()))
    # The next process continues, also after a crash.
    gateway.signal(signal.SIGKILL)
    gateway.exit_code()
    stored.path.rmdir()
    again = stored.start()
    with client_of(again) as http:
        complete(http)
    eventually(lambda: not any(spool.iterdir()))
    assert again.stop() == 0
    assert stored.requests() == 4
    stored.assert_sums_are_those_of_the_records()


def test_records_wait_in_the_spool_while_the_store_is_locked(stored):
    spool = stored.folder / "outcrop.db.spool"
    gateway = stored.start()
    with client_of(gateway) as http:
        complete(http)
        eventually(lambda: stored.path.exists() and stored.requests() == 1)
        with sqlite3.connect(stored.path, isolation_level=None) as database:
            # A lock that is not released, as by a disk that does not respond.
            database.execute("BEGIN IMMEDIATE")
            complete(http)
            eventually(lambda: spool.is_dir() and any(spool.iterdir()))
            complete(http)
            database.execute("ROLLBACK")
        eventually(lambda: stored.requests() == 3)
    assert gateway.stop() == 0
    stored.assert_sums_are_those_of_the_records()


def test_a_corrupted_store_is_reported_and_requests_go_on(stored):
    stored.path.write_bytes(b"not a database" * 1000)
    gateway = stored.start()
    with client_of(gateway) as http:
        complete(http)
    error = gateway.wait_for(lambda line: line if "usage records cannot be stored" in line else None)
    assert "outcrop.db" in error and "file is not a database" in error and "backup" in error
    assert gateway.stop() == 0
    shown = stored.command("show")
    assert shown.returncode == 1
    assert "file is not a database" in shown.stderr and "restore the file from a backup" in shown.stderr


def test_exports_have_the_same_rows_in_each_format(stored):
    gateway = stored.start()
    with client_of(gateway) as http:
        complete(http)
        complete(http, stream=True)
    assert gateway.stop() == 0
    records = [json.loads(line) for line in stored.command("export", "--records", "--format", "jsonl").stdout.splitlines()]
    assert [record["stream"] for record in records] == [False, True]
    table = list(csv.DictReader(io.StringIO(stored.command("export", "--records").stdout)))
    assert [row["id"] for row in table] == [record["id"] for record in records]
    assert float(table[0]["cost_usd"]) == records[0]["cost_usd"] > 0
    (day,) = csv.DictReader(io.StringIO(stored.command("export").stdout))
    assert day["requests"] == "2" and day["model"] == NOVA and day["key"] == "key-1"
    (focus,) = csv.DictReader(io.StringIO(stored.command("export", "--format", "focus").stdout))
    assert focus["BilledCost"] == day["cost_usd"] and focus["ServiceName"] == "Amazon Bedrock"
    assert NOVA in stored.command("show").stdout
    assert stored.command("show", "--from", "2020-01-01", "--to", "2020-01-31", "--json").stdout.strip() == "[]"
    assert "such as 2026-11-22" in stored.command("show", "--from", "yesterday").stderr


def test_a_command_without_a_store_creates_none(stored):
    shown = stored.command("show")
    assert shown.returncode == 1 and "no such file" in shown.stderr
    assert not stored.path.exists()


def test_a_million_records_are_exported_in_bounded_memory(stored):
    # The command creates the tables.
    stored.path.touch()
    assert stored.show() == []
    with sqlite3.connect(stored.path) as database:
        database.execute(
            """INSERT INTO usage_records (
                   at, id, day, caller, caller_name, team, route, upstream, stream, model_requested, model_id,
                   request_bytes, client_retries, input_tokens, output_tokens, estimated, cost, priced, status,
                   outcome, guardrail_intervened, attempts, failed_attempts,
                   throttled_attempts, duration_ms, withheld_tool_calls, undelivered_events)
               WITH RECURSIVE numbers(n) AS (VALUES(0) UNION ALL SELECT n + 1 FROM numbers WHERE n < 999999)
               SELECT 1795341600000 + n, printf('req_%032x', n), '2026-11-22', 'key_1', 'agents', 'search',
                   '/v1/chat/completions', 'converse', 0, 'gpt-4o', 'us.amazon.nova-2-lite-v1:0', 1000, 0, 700, 50,
                   0, 123456, 1, 200, 'completed', 0, 1, 0, 0, 900, 0, 0 FROM numbers"""
        )
    command = [BINARIES / "outcrop", "usage", "export", "--records"]
    export = subprocess.Popen(command, cwd=stored.folder, stdout=subprocess.PIPE, env={})
    lines = peak = 0
    for chunk in iter(lambda: export.stdout.read(1 << 20), b""):
        lines += chunk.count(b"\n")
        peak = max(peak, peak_memory(export.pid))
    assert export.wait(PATIENCE) == 0
    assert lines == 1_000_001
    assert 0 < peak < 96 << 10, f"{peak >> 10} MiB"


def peak_memory(pid):
    """The peak of the resident memory in KiB; 0 once the process has ended. What `wait4` returns also
    counts the memory of the process that started it."""
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"^VmHWM:\s+(\d+) kB$", status, re.M)
    return int(found[1]) if found else 0


def test_usage_is_shown_and_exported_through_the_admin_api(stored):
    token = "an-admin-token-of-operators"
    stored.configuration = f'[admin]\nlisten = "127.0.0.1:0"\ntoken = "{token}"\n'
    gateway = stored.start()
    with client_of(gateway) as http:
        for _ in range(3):
            complete(http)
    eventually(lambda: stored.path.exists() and stored.requests() == 3)
    url = "http://" + gateway.wait_for(admin_address)

    def remote(*arguments):
        command = [BINARIES / "outcrop", "usage", *arguments, "--url", url]
        environment = {"OUTCROP_ADMIN_TOKEN": token}
        run = subprocess.run(command, cwd="/", capture_output=True, encoding="utf-8", env=environment)
        assert run.returncode == 0, run.stderr
        return run.stdout

    for arguments in (
        ["show"], ["show", "--json"], ["show", "--by", "day,user,key,model", "--from", "2026-01-01"],
        ["export"], ["export", "--records"], ["export", "--format", "jsonl"], ["export", "--format", "focus"],
    ):
        printed = remote(*arguments)
        assert printed == stored.command(*arguments).stdout and printed, arguments
    gateway.stop()
