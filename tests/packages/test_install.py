"""install.sh, with the releases on a server of this machine."""

import functools
import os
import shutil
import subprocess
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from processes import REPOSITORY

SHELLS = ["dash", "bash"]


class Handler(SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


@pytest.fixture(scope="module")
def releases(packages, tmp_path_factory):
    """A folder with releases, and its address: `latest`, `v1.0.0`, and two that are damaged."""
    folder = tmp_path_factory.mktemp("releases")
    [archive] = packages.glob("*.tar.gz")
    for name in ("latest/download", "download/v1.0.0", "download/v1.0.1", "download/v1.0.2"):
        (folder / name).mkdir(parents=True)
        shutil.copy(packages / "SHA256SUMS", folder / name)
        (folder / name / archive.name).symlink_to(archive)
    damaged = folder / "download/v1.0.1" / archive.name
    damaged.unlink()
    content = bytearray(archive.read_bytes())
    content[len(content) // 2] ^= 1
    damaged.write_bytes(content)
    sums = folder / "download/v1.0.2/SHA256SUMS"
    sums.write_text("".join(line for line in sums.read_text().splitlines(True) if ".tar.gz" not in line))
    handler = functools.partial(Handler, directory=folder)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(params=SHELLS)
def install(request, releases, tmp_path):
    """Runs install.sh in a shell, as `curl … | sh` does, with an empty home."""
    shell = shutil.which(request.param)
    if shell is None:
        pytest.skip(f"there is no {request.param}")

    def run(**environment):
        environment = {"HOME": str(tmp_path), "PATH": os.environ["PATH"], "OUTCROP_RELEASES": releases, **environment}
        with open(REPOSITORY / "install.sh") as script:
            return subprocess.run([shell], stdin=script, env=environment, capture_output=True, encoding="utf-8")

    return run


def test_the_latest_release_is_installed_without_root(install, program, tmp_path):
    run = install()
    assert run.returncode == 0, run.stderr
    installed = tmp_path / ".local/bin/outcrop"
    assert installed.read_bytes() == program.read_bytes()
    assert os.access(installed, os.X_OK)
    assert "is not in PATH" in run.stdout
    assert [path.name for path in installed.parent.iterdir()] == ["outcrop"]


def test_a_version_and_a_folder_can_be_chosen(install, tmp_path):
    run = install(OUTCROP_VERSION="1.0.0", OUTCROP_BIN=str(tmp_path / "with space"))
    assert run.returncode == 0, run.stderr
    assert (tmp_path / "with space/outcrop").exists()
    assert "cannot download" in install(OUTCROP_VERSION="9.9.9").stderr


@pytest.mark.parametrize("version", ["1.0.1", "1.0.2"], ids=["a changed byte", "no checksum"])
def test_without_the_right_checksum_nothing_is_installed(install, tmp_path, version):
    run = install(OUTCROP_VERSION=version)
    assert run.returncode == 1
    assert "the checksum is wrong; nothing was installed" in run.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("system, outcome", [
    ("Darwin arm64", "cannot download"),
    ("Linux riscv64", "there is no package for Linux on riscv64"),
    ("FreeBSD x86_64", "there is no package for FreeBSD on x86_64"),
])
def test_other_systems_get_their_package_or_a_sentence(install, tmp_path, system, outcome):
    kernel, machine = system.split()
    stubs = tmp_path / "stubs"
    stubs.mkdir()
    (stubs / "uname").write_text(f'#!/bin/sh\ncase "$1" in -s) echo {kernel} ;; -m) echo {machine} ;; esac\n')
    (stubs / "uname").chmod(0o755)
    run = install(PATH=f"{stubs}:{os.environ['PATH']}")
    assert run.returncode == 1
    assert outcome in run.stderr
    assert not (tmp_path / ".local").exists()


def test_the_script_stays_short_enough_to_be_read():
    assert len((REPOSITORY / "install.sh").read_text().splitlines()) < 80
