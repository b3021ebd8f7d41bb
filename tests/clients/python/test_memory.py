"""A gateway that has 512 MiB, as a pod of the shipped size has, outlives whatever it is sent."""

import struct
import zlib
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import httpx

from conftest import bearer
from processes import Gateway
from simulated import HELLO, NOVA

MIB = 1 << 20
MEMORY = 512 * MIB
# A little less than the default `max_body`.
FULL = 31 * MIB

MESSAGES = '{"model":"%s","messages":[' % NOVA


def repeated(head, entry, tail):
    """A body of the full size."""
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


def png(side, color_type, pixel):
    """A picture of one color."""

    def chunk(kind, data):
        checked = kind + data
        return struct.pack(">I", len(data)) + checked + struct.pack(">I", zlib.crc32(checked))

    header = struct.pack(">IIBBBBB", side, side, 8, color_type, 0, 0, 0)
    pixels = zlib.compress((b"\0" + pixel * side) * side, 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def test_512_mib_survive_any_mix_of_requests(running_simulator, simulator, tmp_path):
    gateway = Gateway(running_simulator.url, tmp_path, memory=MEMORY)
    over = Event()

    def post(path, **body):
        # A refusal may come before all of the body is sent, and ends the connection.
        try:
            reply = httpx.post(gateway.base_url + path, headers=bearer(), timeout=300, **body)
        except (httpx.WriteError, httpx.RemoteProtocolError, httpx.ReadError):
            return None
        return reply.status_code

    def health():
        answers = 0
        while not over.is_set():
            httpx.get(gateway.url + "/healthz", timeout=10).raise_for_status()
            answers += 1
        return answers

    picture, mask = png(2048, 2, b"\0\0\0"), png(2048, 6, b"\0\0\0\0")
    form = {"model": "amazon.nova-canvas-v1:0", "prompt": "a cat"}
    files = {"image": ("a.png", picture, "image/png"), "mask": ("b.png", mask, "image/png")}
    text = long_text()
    with ThreadPoolExecutor(32) as threads:
        healthy = threads.submit(health)
        sent = [threads.submit(post, path, content=body) for path, body in hostile_bodies()]
        sent += [threads.submit(post, "/chat/completions", content=text) for _ in range(5)]
        sent += [threads.submit(post, "/images/edits", data=form, files=files) for _ in range(10)]
        try:
            statuses = {request.result() for request in sent}
        finally:
            over.set()
        assert healthy.result() > 0
    assert statuses <= {200, 400, 413, 502, 503, None}, statuses
    body = {"model": NOVA, "messages": HELLO}
    assert post("/chat/completions", json=body) == 200
    assert gateway.stop() == 0
    simulator.clear()
