"""The packages under test: the debug program without symbols, in every package."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import debian
import pytest
from processes import BINARIES, REPOSITORY


@pytest.fixture(scope="session", autouse=True)
def no_proxies():
    for name in list(os.environ):
        if name.lower() in ("http_proxy", "https_proxy", "all_proxy"):
            del os.environ[name]


@pytest.fixture(scope="session")
def program(tmp_path_factory):
    """The program as it is packaged."""
    stripped = tmp_path_factory.mktemp("program") / "outcrop"
    if shutil.which("strip"):
        subprocess.run(["strip", "-o", stripped, BINARIES / "outcrop"], check=True)
    else:
        shutil.copy(BINARIES / "outcrop", stripped)
    return stripped


@pytest.fixture(scope="session")
def packages(program, tmp_path_factory):
    """The folder that scripts/package has written, with an image if this machine can have buildah."""
    folder = tmp_path_factory.mktemp("packages")
    try:
        scratch = tmp_path_factory.mktemp("base")
        buildah = debian.buildah(scratch)
        base = base_image(buildah, scratch, "amd64")
        pack(program, folder, "--base", base, buildah=buildah)
    except debian.Missing:
        pack(program, folder)
    return folder


@pytest.fixture(scope="session")
def buildah(tmp_path_factory):
    return debian.buildah(tmp_path_factory.mktemp("buildah"))



def base_image(buildah, scratch, architecture):
    """Makes a stand-in for the base image out of Debian's packages; returns buildah's name of it."""
    root = debian.unpack("base", debian.BASE) / "root"
    shutil.rmtree(root / "usr/share/doc", ignore_errors=True)
    certificates = root / "etc/ssl/certs/ca-certificates.crt"
    certificates.parent.mkdir(parents=True, exist_ok=True)
    sources = sorted((root / "usr/share/ca-certificates/mozilla").glob("*.crt"))
    certificates.write_bytes(b"".join(source.read_bytes() for source in sources))

    def run(*arguments):
        store = ["--root", scratch / "store", "--runroot", scratch / "run", "--storage-driver", "vfs"]
        return subprocess.check_output([buildah, *store, *arguments], stderr=subprocess.STDOUT, encoding="utf-8")

    container = run("from", "scratch").strip()
    # The content is this machine's; nothing runs in images for others.
    run("config", "--arch", architecture, container)
    run("add", "--quiet", container, root, "/")
    name = f"oci:{scratch}/layout:base"
    run("commit", "--quiet", container, name)
    return name


def pack(program, folder, *arguments, buildah=None, cwd=None):
    """Runs scripts/package; without `buildah` it finds none."""
    path = [str(Path(buildah).parent)] if buildah else []
    path += [place for place in os.environ["PATH"].split(":") if not Path(place, "buildah").exists()]
    return subprocess.run(
        [sys.executable, REPOSITORY / "scripts/package", program, folder, *arguments],
        check=True, capture_output=True, encoding="utf-8", cwd=cwd, env={**os.environ, "PATH": ":".join(path)})
