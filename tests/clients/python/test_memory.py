"""A gateway with 512 MiB, the memory limit of the Kubernetes manifests, survives any requests."""

import json
import struct
import threading
import zlib
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event

import httpx
import pytest

from conftest import bearer
from processes import Gateway, eventually
from simulated import HELLO, NOVA

MIB = 1 << 20
MEMORY = 512 * MIB
# Slightly less than the default `max_body`.
FULL = 31 * MIB

CONFIGURATION = """
[s3]
bucket = "outcrop-example"
path_style = true

[batches]
enabled = true
poll_interval = "20ms"

[fetch]
private_networks = true
allow_http = true
allowed_ports = [%d]
"""

MESSAGES = '{"model":"%s","messages":[' % NOVA


def repeated(head, entry, tail):
    """A body of the maximum size."""
    count = (FULL - len(head) - len(tail)) // (len(entry) + 1)
    return (head + ",".join([entry] * count) + tail).encode()


def hostile_bodies():
    user = '{"role":"user","content":[' 
    return [
        ("/chat/completions", repeated(MESSAGES, "{}", "]}")),
        ("/chat/completions", repeated(MESSAGES, '{"role":"user","content":"%s"}' % ("a" * 300), "]}")),
        ("/chat/completions", repeated(MESSAGES + user, '{"type":"text","text":"%s"}' % ("a" * 300), "]}]}")),
        ("/chat/completions", repeated(MESSAGES + user, "{}", "]}]}")),
        ("/chat/completions", repeated(MESSAGES + '],"tools":[', "{}", "]}")),
        ("/chat/completions", repeated(MESSAGES + '],"metadata":{', '"a%s":0' % ("b" * 25), "}}")),
        ("/chat/completions", repeated(MESSAGES + '],"odd":[', "0", "]}")),
        ("/embeddings", repeated('{"model":"cohere.embed-v4:0","input":[', "1", "]}")),
        ("/embeddings", repeated('{"model":"cohere.embed-v4:0","input":[', '"%s"' % ("a" * 40), "]}")),
        ("/responses/input_tokens", repeated('{"model":"%s","input":[' % NOVA, "{}", "]}")),
        ("/rerank", repeated('{"model":"cohere.rerank-v3-5:0","query":"a","documents":[', '"%s"' % ("a" * 40), "]}")),
        ("/moderations", repeated('{"input":[', "{}", "]}")),
    ]


def long_text():
    return repeated(MESSAGES + '{"role":"user","content":"', "a" * 1000, '"}]}')


def long_embeddings():
    """Valid texts, unlike those of the hostile bodies."""
    return repeated('{"model":"cohere.embed-v4:0","input":[', '"%s"' % ("word " * 4000), "]}")


def batch_file():
    """Lines of 8 MiB, which need more than 512 MiB if all are processed together."""
    lines = []
    for number in range(6):
        body = {"model": NOVA, "messages": [{"role": "user", "content": "word " * (8 * MIB // 5)}]}
        line = {"custom_id": str(number), "method": "POST", "url": "/v1/chat/completions", "body": body}
        lines.append(json.dumps(line))
    return "\n".join(lines).encode()


def pointing_to(address, count):
    parts = [{"type": "image_url", "image_url": {"url": f"{address}/{number}.gif"}} for number in range(count)]
    return {"model": NOVA, "messages": [{"role": "user", "content": parts}]}


class Files(BaseHTTPRequestHandler):
    """Serves an image of 15 MiB at every path."""

    image = b"GIF89a\x01\x00\x01\x00" + bytes(15 * MIB)

    def do_GET(self):
        self.send_response(200)
        self.send_header("content-type", "image/gif")
        self.send_header("content-length", str(len(self.image)))
        self.end_headers()
        try:
            self.wfile.write(self.image)
        except (BrokenPipeError, ConnectionResetError):
            # The gateway's memory limit ended the download.
            pass

    def log_message(self, *_):
        pass


@pytest.fixture
def site():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Files)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def png(side, color_type, pixel):
    """An image of one color."""

    def chunk(kind, data):
        checked = kind + data
        return struct.pack(">I", len(data)) + checked + struct.pack(">I", zlib.crc32(checked))

    header = struct.pack(">IIBBBBB", side, side, 8, color_type, 0, 0, 0)
    pixels = zlib.compress((b"\0" + pixel * side) * side, 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def test_512_mib_survive_any_mix_of_requests(running_simulator, simulator, tmp_path, site):
    port = site.server_address[1]
    gateway = Gateway(running_simulator.url, tmp_path, CONFIGURATION % port, memory=MEMORY)
    over = Event()

    def post(path, **body):
        # A rejection may arrive before the body is sent completely, and close the connection.
        try:
            reply = httpx.post(gateway.base_url + path, headers=bearer(), timeout=300, **body)
        except (httpx.WriteError, httpx.RemoteProtocolError, httpx.ReadError):
            return None
        return reply.status_code

    def health():
        responses = 0
        while not over.is_set():
            httpx.get(gateway.url + "/healthz", timeout=10).raise_for_status()
            responses += 1
        return responses

    def begin_batch():
        form = {"data": {"purpose": "batch"}, "files": {"file": ("in.jsonl", batch_file())}}
        file = httpx.post(gateway.base_url + "/files", headers=bearer(), timeout=300, **form).json()
        push = {"input_file_id": file["id"], "endpoint": "/v1/chat/completions", "completion_window": "24h"}
        batch = httpx.post(gateway.base_url + "/batches", headers=bearer(), json=push).json()
        return f"{gateway.base_url}/batches/{batch['id']}"

    def batch_is_over():
        batch = httpx.get(batch_address, headers=bearer()).json()
        return batch["status"] in ("completed", "failed") and batch

    image, mask = png(2048, 2, b"\0\0\0"), png(2048, 6, b"\0\0\0\0")
    form = {"model": "amazon.nova-canvas-v1:0", "prompt": "a cat"}
    files = {"image": ("a.png", image, "image/png"), "mask": ("b.png", mask, "image/png")}
    long_form = {"image": ("a.png", bytes(20 * MIB), "image/png")}
    upload = {"file": ("in.jsonl", bytes(9 * MIB))}
    pointing = pointing_to(f"http://127.0.0.1:{port}", 2)
    text, embeddings = long_text(), long_embeddings()
    batch_address = begin_batch()
    with ThreadPoolExecutor(32) as threads:
        healthy = threads.submit(health)
        sent = [threads.submit(post, path, content=body) for path, body in hostile_bodies()]
        sent += [threads.submit(post, "/chat/completions", content=text) for _ in range(5)]
        sent += [threads.submit(post, "/images/edits", data=form, files=files) for _ in range(10)]
        sent += [threads.submit(post, "/embeddings", content=embeddings) for _ in range(5)]
        sent += [threads.submit(post, "/images/edits", data=form, files=long_form) for _ in range(5)]
        sent += [threads.submit(post, "/files", data={"purpose": "batch"}, files=upload) for _ in range(20)]
        sent += [threads.submit(post, "/chat/completions", json=pointing) for _ in range(10)]
        try:
            statuses = {request.result() for request in sent}
        finally:
            over.set()
        assert healthy.result() > 0
    assert statuses <= {200, 400, 413, 502, 503, None}, statuses
    # Bedrock does not accept such requests.
    counts = eventually(batch_is_over)["request_counts"]
    assert counts["completed"] + counts["failed"] == 6, counts
    body = {"model": NOVA, "messages": HELLO}
    assert post("/chat/completions", json=body) == 200
    assert gateway.stop() == 0
    simulator.clear()
