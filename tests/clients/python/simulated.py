"""Client of the simulated Bedrock: scripted responses, and received requests."""

import base64
import json

import httpx

from processes import Process, eventually, simulator_address

NOVA = "amazon.nova-lite-v1:0"
CLAUDE = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
# No native structured output, but supports forced tool calls.
OPUS = "us.anthropic.claude-opus-4-7"
NOVA_2 = "us.amazon.nova-2-lite-v1:0"
# Accepts images, documents, videos and audio.
NOVA_OMNI = "amazon.nova-2-omni-v1:0"

# One pixel.
PNG = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
# An empty PDF, audio and video file, in base64.
PDF = base64.b64encode(b"%PDF-1.4\n%%EOF\n").decode()
WAV = base64.b64encode(b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0").decode()
MP4 = base64.b64encode(b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom").decode()

HELLO = [{"role": "user", "content": "Good morning, mountain"}]


class Simulator(Process):
    """A running bedrock-simulator."""

    def __init__(self, folder, launcher=()):
        super().__init__("bedrock-simulator", "--listen", "127.0.0.1:0", folder=folder, launcher=launcher)
        self.url = self.wait_for(simulator_address)
        self._http = httpx.Client(base_url=self.url)

    def push(self, *scripts):
        """Queues scripts for the next calls."""
        self._http.post("/_simulator/scripts", json=list(scripts)).raise_for_status()

    def control_jobs(self, **settings):
        """Sets the outcome of the next batch job, or whether jobs stay in progress."""
        self._http.post("/_simulator/jobs", json=settings).raise_for_status()

    def requests(self):
        """All requests, oldest first."""
        return self._http.get("/_simulator/requests").raise_for_status().json()

    def clear(self):
        """Resets scripts, requests and counts."""
        self._http.delete("/_simulator").raise_for_status()

    def status(self):
        return self._http.get("/_simulator/status").raise_for_status().json()

    def received(self):
        """The model requests, oldest first."""
        requests = self._http.get("/_simulator/requests").raise_for_status().json()
        return [request for request in requests if request["model"]]

    def last(self):
        """The body of the last model request."""
        return self.received()[-1]["body_json"]

    def last_in_order(self):
        """The same, with every object as a list of its members in their order."""
        body = base64.b64decode(self.received()[-1]["body_base64"])
        return json.loads(body, object_pairs_hook=list)

    def wait_until_abandoned(self, count=1):
        """Waits until the gateway has cancelled `count` calls and none is in flight."""
        eventually(lambda: self.status()["abandoned"] >= count and self.status()["open_calls"] == 0)

    def wait_until_call_is_open(self):
        eventually(lambda: self.status()["open_calls"] > 0)


def script(response=None, *faults, times=1, **more):
    """A script; without `response` the simulator generates one."""
    return {"response": response or {"kind": "echo"}, "faults": list(faults), "times": times, **more}


def text(*deltas, **more):
    """A response whose stream has these deltas."""
    return {"kind": "text", "text": "".join(deltas), "deltas": list(deltas), **more}


def error(status, code, message="ordered", **more):
    """An error in AWS's format."""
    return {"kind": "error", "status": status, "code": code, "message": message, **more}


def raw(status, headers, body):
    """A response with these bytes."""
    encoded = base64.b64encode(body.encode()).decode()
    return {"kind": "raw", "status": status, "headers": headers, "body_base64": encoded}


def converse(*content, stop_reason="end_turn", usage=None, **more):
    """A Converse response; streams get it as events."""
    body = {
        "output": {"message": {"role": "assistant", "content": list(content)}},
        "stopReason": stop_reason,
        "usage": {"inputTokens": 10, "outputTokens": 5, "totalTokens": 15, **(usage or {})},
        "metrics": {"latencyMs": 1},
        **more,
    }
    return {"kind": "converse", "body": body}


def calling(*calls, before=()):
    """A response that calls tools, given as id, name and input, after the blocks in `before`."""
    blocks = [
        {"toolUse": {"toolUseId": call_id, "name": name, "input": tool_input}} for call_id, name, tool_input in calls
    ]
    return converse(*before, *blocks, stop_reason="tool_use")


def events(*pairs):
    """A stream with these events."""
    return {"kind": "events", "events": [{"type": name, "payload": payload} for name, payload in pairs]}


def fault(kind, **more):
    return {"kind": kind, **more}
