"""Usage records while the disk of the store is full: a small file system of the gateway's own."""

import errno
import subprocess
from pathlib import Path

import httpx
import pytest

from conftest import bearer
from processes import Gateway, eventually, fields_of
from simulated import HELLO, NOVA

# A mount namespace, in which the user may mount a file system.
NAMESPACE = ["unshare", "--map-root-user", "--mount"]
MOUNT = 'mount -t tmpfs -o size=8m none "$0" && exec "$@"'

LOST = "usage records lost: neither the store nor the spool had room"


@pytest.fixture(scope="module", autouse=True)
def namespaces():
    """Without them, there is no disk that may be filled."""
    tried = subprocess.run([*NAMESPACE, "true"], capture_output=True, encoding="utf-8")
    if tried.returncode != 0:
        pytest.skip(f"user namespaces are not available: {tried.stderr.strip()}")


class SmallDisk:
    """A gateway whose store is on a file system of 8 MiB."""

    def __init__(self, simulator_url, folder, spool):
        mount = folder / "disk"
        mount.mkdir()
        configuration = (
            f'[store]\npath = "{mount}/outcrop.db"\n[usage]\nenabled = true\nspool_path = "{spool}"\n'
        )
        launcher = [*NAMESPACE, "sh", "-c", MOUNT, mount]
        self.gateway = Gateway(simulator_url, folder, configuration, launcher=launcher)
        # The directory as the gateway sees it.
        self.root = Path(f"/proc/{self.gateway.pid}/root")
        self._filler = self.root / mount.relative_to("/") / "filler"
        self._http = httpx.Client(base_url=self.gateway.base_url, headers=bearer(), timeout=30)
        self.sent = 0

    def fill(self):
        with open(self._filler, "wb", buffering=0) as filler:
            for block in (1 << 20, 1 << 12, 1):
                with pytest.raises(OSError) as error:
                    while True:
                        filler.write(bytes(block))
                assert error.value.errno == errno.ENOSPC

    def free(self):
        self._filler.unlink()

    def send(self):
        self._http.post("/chat/completions", json={"model": NOVA, "messages": HELLO}).raise_for_status()
        self.sent += 1

    def stored(self):
        return self._http.get("/usage").raise_for_status().json()["total"]["requests"]

    def lines(self, message):
        entries = [fields_of(line) for line in list(self.gateway.lines)]
        return [entry for entry in entries if entry and entry.get("message") == message]


@pytest.fixture
def small_disk(running_simulator, tmp_path):
    started = []

    def start(spool):
        disk = SmallDisk(running_simulator.url, tmp_path, spool)
        started.append(disk)
        disk.send()
        eventually(lambda: disk.stored() == 1)
        disk.fill()
        return disk

    yield start
    for disk in started:
        assert disk.gateway.stop() == 0


def test_with_a_spool_on_another_disk_no_record_is_lost(small_disk, tmp_path):
    spool = tmp_path / "spool"
    disk = small_disk(spool)

    def is_spooled():
        disk.send()
        return spool.is_dir() and any(spool.iterdir())

    eventually(is_spooled)
    failed = "usage records cannot be stored; they wait in the spool until they can"
    line = disk.gateway.wait_for(lambda line: line if failed in line else None)
    assert "database or disk is full" in line
    disk.free()
    eventually(lambda: disk.stored() == disk.sent)
    disk.gateway.wait_for(lambda line: "usage records can be stored again" in line or None)


def test_with_a_spool_on_the_same_disk_requests_go_on_and_the_loss_is_logged(small_disk, tmp_path):
    spool = tmp_path / "disk" / "spool"
    disk = small_disk(spool)

    def losses():
        disk.send()
        return disk.lines(LOST)

    eventually(lambda: len(losses()) >= 3)
    # Attempts to write to the full disk leave nothing behind.
    seen = disk.root / spool.relative_to("/")
    assert not seen.exists() or [file.stat().st_size for file in seen.iterdir()] in ([], [0])
    disk.free()
    disk.send()
    eventually(lambda: disk.stored() + losses_of(disk) == disk.sent)


def losses_of(disk):
    return disk.lines(LOST)[-1]["records_since_start"]
