"""Programs of Debian packages, which apt verifies: unpacked into .tools/debian, not installed."""

import os
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from processes import REPOSITORY

FOLDER = REPOSITORY / ".tools/debian"

# With the proxies that the tests do not use.
ENVIRONMENT = dict(os.environ)

# What buildah loads and reads; other libraries are part of every Debian.
BUILDAH = ["buildah", "libgpgme11", "libassuan0", "libdevmapper1.02.1", "golang-github-containers-common"]
BUBBLEWRAP = ["bubblewrap"]
# What the program needs of the image's base.
BASE = ["libc6", "libgcc-s1", "ca-certificates"]


class Missing(pytest.skip.Exception):
    """What a test needs and cannot have on this machine: the test is skipped with the reason."""

    def __init__(self, reason):
        super().__init__(f"not run: {reason}")


def program(name, packages):
    """The path of an installed program, or of one that is unpacked here. Raises Missing."""
    installed = shutil.which(name)
    if installed:
        return Path(installed)
    root = unpack(name, packages)
    wrapper = root / "bin" / name
    if not wrapper.exists():
        libraries = ":".join(str(folder) for folder in (root / "root").glob("*/lib/*-linux-gnu"))
        libraries += "".join(f":{folder}" for folder in (root / "root").glob("lib/*-linux-gnu"))
        policy = root / ".config/containers/policy.json"
        policy.parent.mkdir(parents=True, exist_ok=True)
        policy.write_text('{"default": [{"type": "insecureAcceptAnything"}]}\n')
        wrapper.parent.mkdir(exist_ok=True)
        wrapper.write_text(
            "#!/bin/sh\n"
            f"export HOME={shlex.quote(str(root))} LD_LIBRARY_PATH={shlex.quote(libraries)}\n"
            f'exec {shlex.quote(str(root / "root/usr/bin" / name))} "$@"\n')
        wrapper.chmod(0o755)
    return wrapper


def buildah(scratch):
    """buildah, if it can make a container on this machine. Raises Missing."""
    path = program("buildah", BUILDAH)
    store = ["--root", scratch / "probe", "--runroot", scratch / "run", "--storage-driver", "vfs"]
    run = subprocess.run([path, *store, "from", "scratch"], capture_output=True, encoding="utf-8")
    if run.returncode != 0:
        raise Missing(f"buildah cannot make containers here: {run.stderr.strip()}")
    return path


def unpack(name, packages):
    """The folder of unpacked packages, in its folder `root`. Raises Missing."""
    folder = FOLDER / name
    if (folder / "root").is_dir():
        return folder
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        raise Missing(f"there is no {name}, and no apt-get to download it with")
    downloads = FOLDER / f"{name}.downloads"
    shutil.rmtree(downloads, ignore_errors=True)
    downloads.mkdir(parents=True)
    download = subprocess.run(
        ["apt-get", "download", "--quiet", *packages],
        cwd=downloads, env=ENVIRONMENT, capture_output=True, encoding="utf-8")
    if download.returncode != 0:
        raise Missing(f"there is no {name}, and apt-get cannot download it: {download.stderr.strip()}")
    for package in downloads.glob("*.deb"):
        subprocess.run(["dpkg-deb", "--extract", package, downloads / "root"], check=True)
        package.unlink()
    os.replace(downloads, folder)
    return folder


def sandbox(*arguments):
    """A command that isolates what follows it. Raises Missing."""
    bubblewrap = program("bwrap", BUBBLEWRAP)
    probe = [bubblewrap, "--unshare-all", "--dev-bind", "/", "/", "true"]
    forbidden = subprocess.run(probe, capture_output=True, encoding="utf-8")
    if forbidden.returncode != 0:
        raise Missing(f"namespaces are forbidden here: {forbidden.stderr.strip()}")
    return [bubblewrap, "--die-with-parent", *arguments]
