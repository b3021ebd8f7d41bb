"""The npm packages, installed by npm from a registry on this machine."""

import base64
import hashlib
import json
import os
import signal
import subprocess
import tarfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from demo import child_of, streams_and_ends
from processes import Process, demo_base_url


class Registry(ThreadingHTTPServer):
    """A registry with the packages of a folder, and versions for other systems without a file."""

    def __init__(self, folder):
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.files = {f"/{file.name}": file.read_bytes() for file in folder.glob("*.tgz")}
        self.downloads = []
        versions = {}
        for name, content in self.files.items():
            manifest = manifest_of(folder / name[1:])
            integrity = "sha512-" + base64.b64encode(hashlib.sha512(content).digest()).decode()
            manifest["dist"] = {"tarball": self.url + name, "integrity": integrity}
            versions[manifest["version"]] = manifest
        [self.latest] = [version for version in versions if "-" not in version]
        for alias in versions[self.latest]["optionalDependencies"]:
            _, system, cpu = alias.split("-")
            version = f"{self.latest}-{system}-{cpu}"
            dist = {"tarball": f"{self.url}/absent-{system}-{cpu}.tgz"}
            absent = {"name": "outcrop", "version": version, "os": [system], "cpu": [cpu], "dist": dist}
            versions.setdefault(version, absent)
        self.document = {"name": "outcrop", "dist-tags": {"latest": self.latest}, "versions": versions}
        Thread(target=self.serve_forever, daemon=True).start()


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        registry = self.server
        if self.path == "/outcrop":
            content = json.dumps(registry.document).encode()
        else:
            registry.downloads.append(self.path)
            content = registry.files.get(self.path)
        self.send_response(200 if content else 404)
        self.send_header("content-length", str(len(content or b"")))
        self.end_headers()
        self.wfile.write(content or b"")

    def log_message(self, *arguments):
        pass


def manifest_of(package):
    with tarfile.open(package) as archive:
        return json.load(archive.extractfile("package/package.json"))


@pytest.fixture(scope="module")
def registry(packages):
    with Registry(packages) as registry:
        yield registry
        registry.shutdown()


@pytest.fixture(scope="module")
def folder(registry, tmp_path_factory):
    folder = tmp_path_factory.mktemp("npm")
    (folder / "package.json").write_text("{}")
    npm = ["npm", "install", "outcrop", "--ignore-scripts", "--no-audit", "--no-fund",
           f"--registry={registry.url}", f"--cache={folder}/cache"]
    run = subprocess.run(npm, cwd=folder, capture_output=True, encoding="utf-8")
    assert run.returncode == 0, run.stderr
    return folder


@pytest.fixture(scope="module")
def command(folder):
    return folder / "node_modules/.bin/outcrop"


def test_npm_downloads_only_the_package_for_this_system(folder, registry):
    assert sorted(registry.downloads) == sorted(registry.files)


def test_no_package_has_an_install_script(packages):
    for package in packages.glob("*.tgz"):
        assert "scripts" not in manifest_of(package)


def test_the_demo_streams_and_ends_with_the_signal(command, tmp_path):
    streams_and_ends(command, tmp_path)


def test_the_exit_code_is_the_programs(command, tmp_path):
    process = Process(command, "check", "--offline", "--config", "absent.toml", folder=tmp_path)
    assert process.exit_code() == 2


def test_a_signal_that_ends_the_program_ends_the_command(command, tmp_path):
    process = Process(command, "demo", "--listen", "127.0.0.1:0", folder=tmp_path)
    process.wait_for(demo_base_url)
    os.kill(child_of(process), signal.SIGKILL)
    assert process.exit_code() == -signal.SIGKILL


def test_a_system_without_a_package_gets_a_sentence(folder, command, tmp_path):
    [package] = (folder / "node_modules").glob("outcrop-*")
    hidden = package.rename(folder / "hidden")
    try:
        process = Process(command, "demo", folder=tmp_path)
        assert process.exit_code() == 1
        assert "the package for this system" in process.wait_for(lambda line: line)
    finally:
        hidden.rename(package)
