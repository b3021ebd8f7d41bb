"""The listener for operators, as Prometheus and operators use it."""

import signal

import httpx

from conftest import connect
from processes import Gateway, fields_of
from simulated import HELLO, NOVA, fault, script, text

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
    simulator.push(script(text(*["word "] * 30), fault("drip", delay_ms=50)))
    with connect(gateway) as client:
        client.chat.completions.create(model=NOVA, messages=HELLO)
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
