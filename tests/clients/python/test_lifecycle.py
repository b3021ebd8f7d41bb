"""Reload on SIGHUP, and graceful shutdown."""

import signal

import httpx

from conftest import connect
from processes import Gateway, eventually, fields_of
from simulated import HELLO, NOVA, fault, script, text


def test_sigterm_lets_streams_finish(running_simulator, simulator, tmp_path):
    gateway = Gateway(running_simulator.url, tmp_path, '[server]\ndrain_delay = "200ms"\n')
    assert httpx.get(gateway.url + "/healthz").status_code == 200
    assert httpx.get(gateway.url + "/readyz").status_code == 200
    simulator.push(script(text(*["word "] * 20), fault("drip", delay_ms=50)))
    with connect(gateway) as client:
        stream = client.chat.completions.create(model=NOVA, messages=HELLO, stream=True)
        first = next(stream)
        gateway.signal(signal.SIGTERM)
        chunks = [first, *stream]
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == "word " * 20
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert gateway.exit_code() == 0


def test_a_stream_exceeding_the_grace_period_gets_an_error(running_simulator, simulator, tmp_path):
    gateway = Gateway(running_simulator.url, tmp_path, '[server]\ndrain_delay = "10ms"\ngrace_period = "300ms"\n')
    simulator.push(script(text("Good ", "morning"), fault("stall", after_events=2)))
    body = {"model": NOVA, "messages": HELLO, "stream": True}
    headers = {"authorization": "Bearer sk-test-key-1"}
    with httpx.stream("POST", gateway.base_url + "/chat/completions", json=body, headers=headers) as response:
        lines = (line for line in response.iter_lines() if line.startswith("data: "))
        seen = [next(lines), next(lines)]
        gateway.signal(signal.SIGTERM)
        seen += lines
    assert '"error"' in seen[-1] and "[DONE]" not in seen[-1]
    assert gateway.exit_code() == 0
    eventually(lambda: simulator.status()["abandoned"] == 1)


def containing(words):
    """For `wait_for`: a line that contains these words."""
    return lambda line: words in line or None


def test_capabilities_are_reloaded_on_sighup(running_simulator, simulator, tmp_path):
    capabilities = tmp_path / "capabilities.toml"
    capabilities.write_text("")
    gateway = Gateway(running_simulator.url, tmp_path, f'[catalog]\ncapabilities = "{capabilities}"\n')
    with connect(gateway) as client:

        def sent():
            client.chat.completions.create(model=NOVA, messages=HELLO, extra_body={"top_k": 5})
            return simulator.last().get("additionalModelRequestFields")

        assert sent() == {"inferenceConfig": {"topK": 5}}
        capabilities.write_text('[[family]]\nname = "mine"\nids = ["amazon.nova-lite"]\ntop_k = ""\n')
        gateway.signal(signal.SIGHUP)
        gateway.wait_for(containing("configuration reloaded"))
        assert sent() is None
        # An invalid file is ignored.
        capabilities.write_text("[[family]]\nname = 1\n")
        gateway.signal(signal.SIGHUP)
        gateway.wait_for(containing("the previous one stays in use"))
        assert sent() is None
    assert gateway.stop() == 0


def reloads(gateway):
    """The entries of the log about reloads, with the number of the configuration or the error."""
    entries = (fields_of(line) for line in list(gateway.lines))
    return [entry for entry in entries if entry and "reload" in entry.get("message", "")]


def status_with(gateway, key):
    headers = {"authorization": f"Bearer {key}"}
    return httpx.get(gateway.base_url + "/models", headers=headers).status_code


def test_a_changed_file_is_applied_without_a_signal_and_without_an_interruption(running_simulator, simulator, tmp_path):
    gateway = Gateway(running_simulator.url, tmp_path, '[keys]\none = "sk-of-team-one"\n')
    file = tmp_path / "outcrop.toml"
    assert status_with(gateway, "sk-of-team-one") == 200
    simulator.push(script(text("Good ", "morning"), fault("stall", after_events=2)))
    with connect(gateway) as client:
        stream = client.chat.completions.create(model=NOVA, messages=HELLO, stream=True)
        next(stream)
        file.write_text('[keys]\ntwo = "sk-of-team-two"\n[log]\nlevel = "debug"\n')
        eventually(lambda: status_with(gateway, "sk-of-team-two") == 200)
        assert status_with(gateway, "sk-of-team-one") == 401
        # The stream was open all the time.
        assert simulator.status()["abandoned"] == 0
        stream.close()
    # The level of the log has changed, too.
    gateway.signal(signal.SIGHUP)
    gateway.wait_for(containing('"DEBUG"'))
    eventually(lambda: [entry.get("generation") for entry in reloads(gateway)] == [2, 3])
    assert gateway.stop() == 0


def test_a_file_with_mistakes_changes_nothing_and_all_are_reported(running_simulator, tmp_path):
    gateway = Gateway(running_simulator.url, tmp_path, '[keys]\none = "sk-of-team-one"\n')
    (tmp_path / "outcrop.toml").write_text('[keys]\ntwo = "short"\n[chat]\nmax_m = 1\n')
    gateway.signal(signal.SIGHUP)
    gateway.wait_for(containing("the previous one stays in use"))
    [entry] = reloads(gateway)
    assert entry["level"] == "ERROR"
    assert "2 mistakes" in entry["error"] and "keys.two" in entry["error"] and "chat.max_m" in entry["error"]
    assert status_with(gateway, "sk-of-team-one") == 200
    assert status_with(gateway, "short") == 401
    assert gateway.stop() == 0


def test_a_swapped_link_is_a_change_as_with_a_config_map(running_simulator, tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "keys.toml").write_text(f'[keys]\n{name} = "sk-of-team-{name}"\n')
    (tmp_path / "data").symlink_to("one")
    gateway = Gateway(running_simulator.url, tmp_path)
    (tmp_path / "outcrop.toml").unlink()
    (tmp_path / "outcrop.toml").symlink_to("data/keys.toml")
    eventually(lambda: status_with(gateway, "sk-of-team-one") == 200)
    (tmp_path / "new").symlink_to("two")
    (tmp_path / "new").replace(tmp_path / "data")
    eventually(lambda: status_with(gateway, "sk-of-team-two") == 200)
    assert status_with(gateway, "sk-of-team-one") == 401
    assert gateway.stop() == 0
