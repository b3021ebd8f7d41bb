"""`outcrop demo` out of a package: starts it, asks for a stream, and ends it."""

import json
import os
import signal
from contextlib import contextmanager
from pathlib import Path

import httpx
from processes import Process, demo_base_url


def streams_and_ends(program, folder):
    """The demo of `program` streams a completion and exits with 0 after SIGTERM."""
    with running([program], folder) as demo:
        assert "You said" in streamed(demo.base_url)


@contextmanager
def running(command, folder, sandboxed=False):
    """The demo, with its base URL. SIGTERM ends it, and goes to the program itself if it is `sandboxed`."""
    demo = Process(*command, "demo", "--listen", "127.0.0.1:0", folder=folder)
    try:
        demo.base_url = demo.wait_for(demo_base_url)
        yield demo
    finally:
        receiver = child_of(demo) if sandboxed else demo.pid
        os.kill(receiver, signal.SIGTERM)
        # A second signal skips the time in which load balancers notice the first.
        demo.wait_for(lambda line: "draining" in line or None)
        os.kill(receiver, signal.SIGTERM)
    assert demo.exit_code() == 0, demo.lines


def child_of(process):
    [child] = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return int(child)


def streamed(base_url):
    """The text of a streamed completion, which has to end with [DONE]."""
    messages = [{"role": "user", "content": "Hello!"}]
    request = {"model": "gpt-4o", "stream": True, "max_tokens": 8, "messages": messages}
    text, ended = "", False
    with httpx.stream("POST", f"{base_url}/chat/completions", json=request, timeout=30) as response:
        response.raise_for_status()
        for line in response.iter_lines():
            ended |= line == "data: [DONE]"
            if line.startswith("data: {"):
                for choice in json.loads(line[6:])["choices"]:
                    text += choice["delta"].get("content") or ""
    assert ended
    return text
