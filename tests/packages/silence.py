"""Runs the gateway in a network with nothing but loopback, for test_silence.py.

Prints how many packets had no route.
"""

import sys
from pathlib import Path

import httpx
from demo import running, streamed
from processes import API_KEY, Gateway
from simulated import Simulator

PUBLIC_IMAGE = {"type": "image_url", "image_url": {"url": "https://1.1.1.1/lake.png"}}


def main(command, program, folder):
    before = without_route()
    if command == "demo":
        with running([program], folder) as demo:
            assert "You said" in streamed(demo.base_url)
    else:
        simulator = Simulator(folder)
        gateway = Gateway(simulator.url, folder)
        status = chat(gateway, "Hello!" if command == "serve" else [PUBLIC_IMAGE])
        assert (status == 200) == (command == "serve"), status
        assert gateway.stop() == 0
        assert simulator.stop() == 0
    print(without_route() - before)


def chat(gateway, content):
    request = {"model": "us.amazon.nova-2-lite-v1:0", "messages": [{"role": "user", "content": content}]}
    headers = {"authorization": f"Bearer {API_KEY}"}
    return httpx.post(f"{gateway.base_url}/chat/completions", json=request, headers=headers, timeout=30).status_code


def without_route():
    """The kernel's count of packets for which there was no route, in this network."""
    names, values = (line.split() for line in Path("/proc/net/snmp").read_text().splitlines()[:2])
    return int(dict(zip(names, values))["OutNoRoutes"])


main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
