"""Measures the memory, time and file descriptors that hostile or faulty clients can use.

    python3 benches/hostile/measure.py target/dist/outcrop [another/outcrop ...]

Each case starts a new process of every binary, with a limit of 1,024 descriptors and the simulator
in the first binary's directory as upstream, and prints one row per measurement. Requires Linux
(memory is read from /proc) and only the standard library. Only the loopback interface is used.
"""

import argparse
import json
import os
import resource
import select
import socket
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.request
import zlib
from pathlib import Path

KEY = "sk-measure"
MODEL = "us.amazon.nova-2-lite-v1:0"
DESCRIPTORS = 1024
MIB = 1 << 20
LARGE_BODY = 31 * MIB


class Server:
    """A process that prints its listen address."""

    def __init__(self, command, environment, read_output=True, marker="listening"):
        self.output = subprocess.PIPE
        limits = lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (DESCRIPTORS, DESCRIPTORS))
        self.folder = tempfile.TemporaryDirectory()
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, preexec_fn=limits,
            cwd=self.folder.name, env={"PATH": os.environ["PATH"], "HOME": self.folder.name, **environment},
        )
        self.address = self._address(marker)
        if read_output:
            threading.Thread(target=self._drain, daemon=True).start()

    def _address(self, marker):
        for line in self.process.stdout:
            text = line.decode(errors="replace")
            if marker not in text:
                continue
            try:
                host = json.loads(text)["address"]
            except ValueError:
                host = text.split("http://")[-1].split()[0]
            name, port = host.strip("/\n").rsplit(":", 1)
            return name, int(port)
        raise SystemExit(f"{self.process.args[0]} did not start")

    def _drain(self):
        while self.process.stdout.read1(1 << 16):
            pass

    def memory(self, name):
        """`VmRSS` or `VmHWM` in MiB; None if the process has ended."""
        try:
            status = Path(f"/proc/{self.process.pid}/status").read_text()
        except OSError:
            return None
        for line in status.splitlines():
            if line.startswith(name):
                return int(line.split()[1]) / 1024
        return None

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def alive(self):
        return self.process.poll() is None

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.folder.cleanup()


def start_gateway(binary, simulator, configuration="", read_output=True):
    file = tempfile.NamedTemporaryFile("w", suffix=".toml", delete=False)
    file.write(configuration + '\n[log]\nformat = "json"\n')
    file.close()
    environment = {
        "AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_ENDPOINT_URL": "http://%s:%d" % simulator.address, "OUTCROP_API_KEYS": KEY,
    }
    command = [str(binary), "serve", "--config", file.name, "--listen", "127.0.0.1:0"]
    server = Server(command, environment, read_output)
    os.unlink(file.name)
    post(server, "/v1/chat/completions", chat("hello"))
    return server


def start_simulator(binary, *options):
    command = [str(binary), "--listen", "127.0.0.1:0", "--any-credentials", "--journal", "0", *options]
    return Server(command, {}, marker="http://")


def chat(text, **more):
    return json.dumps({"model": MODEL, "messages": [{"role": "user", "content": text}], **more}).encode()


def post(server, path, body, content_type="application/json", timeout=60):
    """Returns the status code, or the name of the exception."""
    headers = {"content-type": content_type, "authorization": f"Bearer {KEY}"}
    request = urllib.request.Request("http://%s:%d%s" % (*server.address, path), body, headers)
    try:
        with urllib.request.urlopen(request, timeout=timeout) as response:
            response.read()
            return response.status
    except urllib.error.HTTPError as error:
        error.read()
        return error.code
    except OSError as error:
        return type(getattr(error, "reason", error)).__name__


def healthz(server, timeout=20):
    """Duration of a health check in seconds; None if it failed."""
    begin = time.monotonic()
    try:
        with socket.create_connection(server.address, timeout) as connection:
            connection.settimeout(timeout)
            connection.sendall(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
            return time.monotonic() - begin if b" 200 " in connection.recv(4096) else None
    except OSError:
        return None


def repeated(head, item, tail, size):
    count = max(1, (size - len(head) - len(tail)) // (len(item) + 1))
    return (head + ",".join([item] * count) + tail).encode()


def shapes(size):
    """Bodies of about `size` bytes that contain as many small values as possible."""
    start = '{"model":"%s",' % MODEL
    user = start + '"messages":[{"role":"user","content":'
    call = start + '"messages":[{"role":"assistant",'
    yield "messages", "/v1/chat/completions", repeated(start + '"messages":[', "{}", "]}", size)
    yield "parts", "/v1/chat/completions", repeated(user + "[", "{}", "]}]}", size)
    yield "tools", "/v1/chat/completions", repeated(user + '"a"}],"tools":[', "{}", "]}", size)
    yield "tool_calls", "/v1/chat/completions", repeated(call + '"tool_calls":[', "{}", "]}]}", size)
    yield "functions", "/v1/chat/completions", repeated(user + '"a"}],"functions":[', "{}", "]}", size)
    yield "thinking_blocks", "/v1/chat/completions", repeated(call + '"thinking_blocks":[', "{}", "]}]}", size)
    yield "stop", "/v1/chat/completions", repeated(user + '"a"}],"stop":[', '""', "]}", size)
    yield "unknown keys", "/v1/chat/completions", repeated(user + '"a"}],"x":[', "0", "]}", size)
    yield "schema", "/v1/chat/completions", repeated(
        user + '"a"}],"tools":[{"type":"function","function":{"name":"f","parameters":{"enum":[', "0", "]}}}]}", size)
    yield "embedding texts", "/v1/embeddings", repeated(
        '{"model":"amazon.titan-embed-text-v2:0","input":[', '""', "]}", size)
    yield "embedding tokens", "/v1/embeddings", repeated(
        '{"model":"amazon.titan-embed-text-v2:0","input":[', "[]", "]}", size)
    yield "Responses items", "/v1/responses/input_tokens", repeated(start + '"input":[', "{}", "]}", size)
    yield "Responses tools", "/v1/responses/input_tokens", repeated(start + '"input":"a","tools":[', "{}", "]}", size)
    yield "moderation inputs", "/v1/moderations", repeated('{"input":[', "{}", "]}", size)
    yield "rerank documents", "/v1/rerank", repeated(
        '{"model":"cohere.rerank-v3-5:0","query":"a","documents":[', "{}", "]}", size)
    yield "prompts", "/v1/completions", repeated(start + '"prompt":[', '""', "]}", size)
    yield "logit_bias", "/v1/chat/completions", (user + '"a"}],"logit_bias":{' + ",".join(
        f'"{number}":0' for number in range(size // 11)) + "}}").encode()
    yield "metadata", "/v1/chat/completions", (user + '"a"}],"metadata":{' + ",".join(
        f'"{number}":""' for number in range(size // 12)) + "}}").encode()


def amplification(binary, simulator):
    worst = {}
    for name, path, body in shapes(MIB):
        server = start_gateway(binary, simulator)
        before = server.memory("VmHWM")
        status = post(server, path, body)
        worst[name] = ((server.memory("VmHWM") or 0) - before, status)
        server.stop()
    name = max(worst, key=lambda key: worst[key][0])
    rows = [("1 MiB of `{}` messages: additional memory", "%.0f MiB" % worst["messages"][0])]
    rows.append((f"1 MiB of the worst of {len(worst)} shapes: additional memory", "%.0f MiB (%s)" % (worst[name][0], name)))
    server = start_gateway(binary, simulator)
    peaks = []
    for name, path, body in shapes(LARGE_BODY):
        status = post(server, path, body)
        peak = server.memory("VmHWM")
        if not server.alive() or peak is None:
            rows.append(("31 MiB shapes, one after another", f"process died at {name}"))
            break
        peaks.append(peak)
        if peak > 4096:
            rows.append(("31 MiB shapes, one after another", f"measurement stopped at {peak:.0f} MiB ({name})"))
            break
    else:
        rows.append(("31 MiB shapes, one after another: peak", "%.0f MiB" % max(peaks)))
    server.stop()
    return rows


def bodies_together(binary, simulator):
    body = chat("word " * (LARGE_BODY // 5))
    server = start_gateway(binary, simulator)
    before = server.memory("VmHWM")
    post(server, "/v1/chat/completions", body)
    rows = [("one text of 31 MiB: additional memory", "%.0f MiB" % (server.memory("VmHWM") - before))]
    statuses, slowest, over = [], [0.0], threading.Event()

    def probe():
        while not over.is_set():
            took = healthz(server)
            slowest[0] = max(slowest[0], took if took is not None else 20.0)
            time.sleep(0.01)

    prober = threading.Thread(target=probe)
    prober.start()
    senders = [threading.Thread(target=lambda: statuses.append(
        post(server, "/v1/chat/completions", body))) for _ in range(5)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    over.set()
    prober.join()
    rows.append(("five at once: peak memory", "%.0f MiB, statuses %s" % (
        server.memory("VmHWM"), " ".join(map(str, sorted(statuses, key=str))))))
    rows.append(("slowest /healthz during these", "%.0f ms" % (slowest[0] * 1000)))
    server.stop()
    return rows


def png(side):
    chunk = lambda kind, data: (
        len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big"))
    header = side.to_bytes(4, "big") * 2 + bytes([8, 6, 0, 0, 0])
    pixels = zlib.compress(bytes((1 + 4 * side) * side), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def form(fields):
    body = b""
    for name, filename, value in fields:
        file = f'; filename="{filename}"\r\ncontent-type: image/png' if filename else ""
        body += f'--x\r\ncontent-disposition: form-data; name="{name}"{file}\r\n\r\n'.encode() + value + b"\r\n"
    return body + b"--x--\r\n"


def masks(binary, simulator):
    image = png(2048)
    body = form([("model", None, b"amazon.nova-canvas-v1:0"), ("prompt", None, b"a"),
                 ("image", "a.png", image), ("mask", "b.png", image)])
    server = start_gateway(binary, simulator)
    before = server.memory("VmHWM")
    send = lambda: post(server, "/v1/images/edits", body, "multipart/form-data; boundary=x")
    send()
    rows = [(f"a form of {len(body) >> 10} KiB with a mask: additional memory",
             "%.1f MiB" % (server.memory("VmHWM") - before))]
    senders = [threading.Thread(target=send) for _ in range(16)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    rows.append(("sixteen of them at once: additional memory", "%.0f MiB" % (server.memory("VmHWM") - before)))
    server.stop()
    return rows


def request_bytes(body, path="/v1/chat/completions"):
    head = (f"POST {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {KEY}\r\n"
            f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n")
    return head.encode() + body


def slow_readers(binary, simulator, clients=300, patience=10):
    settings = "[server]\nwrite_timeout = \"3s\"\n"
    try:
        server = start_gateway(binary, simulator, settings)
    except SystemExit:
        # An older binary without this setting.
        server = start_gateway(binary, simulator)
    idle = server.memory("VmRSS")
    connections = []
    for _ in range(clients):
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(server.address)
        connection.sendall(request_bytes(chat("hello", stream=True)))
        connections.append(connection)
    time.sleep(1)
    held = server.memory("VmRSS") - idle
    time.sleep(patience)
    open_connections = count_established(server)
    rows = [(f"{clients} streams that are not read: additional memory", "%.0f MiB" % held)]
    rows.append((f"their connections {patience} s later (write_timeout 3 s)", str(open_connections)))
    for connection in connections:
        connection.close()
    server.stop()
    return rows


def count_established(server):
    port = "%04X" % server.address[1]
    rows = Path("/proc/net/tcp").read_text().splitlines()[1:]
    fields = [row.split() for row in rows]
    return sum(row[1].endswith(":" + port) and row[3] == "01" for row in fields)


def heads(binary, simulator):
    server = start_gateway(binary, simulator)
    connection = socket.create_connection(server.address)
    connection.settimeout(2)
    sent = 0
    connection.sendall(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n")
    try:
        # Stop at the response: the gateway drains the rest, so that the response arrives.
        while sent < 4 * MIB and not select.select([connection], [], [], 0)[0]:
            sent += connection.send(b"x-filler: " + b"a" * 1000 + b"\r\n")
            time.sleep(0.0005)
    except OSError:
        pass
    rows = [("bytes of a head read before it is rejected", "%d KiB" % (sent >> 10))]
    connection.close()
    connection = socket.create_connection(server.address)
    connection.sendall(b"GET /healthz HTTP/1.1\r\n")
    connection.settimeout(20)
    begin = time.monotonic()
    try:
        connection.recv(1)
        rows.append(("timeout of an incomplete head", "%.0f s" % (time.monotonic() - begin)))
    except OSError:
        rows.append(("timeout of an incomplete head", "more than 20 s"))
    server.stop()
    return rows


def idle_connections(binary, simulator, clients=1100):
    server = start_gateway(binary, simulator)
    connections = []
    for _ in range(clients):
        connection = socket.socket()
        connection.settimeout(1)
        try:
            connection.connect(server.address)
        except OSError:
            break
        connections.append(connection)
    time.sleep(1)
    took = healthz(server, 5)
    status = post(server, "/v1/chat/completions", chat("hello"), timeout=5)
    rows = [(f"{clients} idle connections, {DESCRIPTORS} descriptors: /healthz",
             "no response in 5 s" if took is None else "%.0f ms" % (took * 1000))]
    rows.append(("with them, a chat request", str(status)))
    for connection in connections:
        connection.close()
    server.stop()
    return rows


def unread_log(binary, simulator, requests=3000):
    server = start_gateway(binary, simulator, read_output=False)
    done = 0
    for _ in range(requests):
        if post(server, "/v1/chat/completions", chat("hello"), timeout=3) != 200:
            break
        done += 1
    server.stop()
    return [(f"requests of {requests} served while the log is not read", str(done))]


CASES = {
    "amplification": (amplification, []),
    "bodies": (bodies_together, []),
    "masks": (masks, []),
    "readers": (slow_readers, ["--response-bytes", "8000000", "--deltas", "8000"]),
    "heads": (heads, []),
    "idle": (idle_connections, []),
    "log": (unread_log, []),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binaries", nargs="+", type=Path)
    parser.add_argument("--case", action="append", choices=CASES, help="run only this case; repeatable")
    arguments = parser.parse_args()
    binaries = [binary.resolve() for binary in arguments.binaries]
    resource.setrlimit(resource.RLIMIT_NOFILE, (8192, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    for name in arguments.case or CASES:
        case, options = CASES[name]
        simulator = start_simulator(binaries[0].parent / "bedrock-simulator", *options)
        columns = [case(binary, simulator) for binary in binaries]
        simulator.stop()
        for row in zip(*columns):
            print("| %s | %s |" % (row[0][0], " | ".join(value for _, value in row)), flush=True)


if __name__ == "__main__":
    main()
