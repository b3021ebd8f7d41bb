"""Reload on SIGHUP, and graceful shutdown."""

import signal

import httpx

from conftest import connect
from processes import Gateway, eventually
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
        gateway.wait_for(containing("prices of models reloaded"))
        assert sent() is None
        # An invalid file is ignored.
        capabilities.write_text("[[family]]\nname = 1\n")
        gateway.signal(signal.SIGHUP)
        gateway.wait_for(containing("the previous ones stay in use"))
        assert sent() is None
    assert gateway.stop() == 0
