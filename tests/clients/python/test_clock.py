"""A month's end under load, and a clock that jumps: the system's clock as the gateway sees it is set."""

import os
import subprocess
import threading
import time
from datetime import UTC, datetime

import httpx
import pytest

from conftest import bearer
from processes import Gateway, eventually
from simulated import HELLO, NOVA, Simulator

# Adds the seconds in the file CLOCK_OFFSET to the time of day; other clocks stay as they are.
LIBRARY = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static volatile long *offset;

__attribute__((constructor)) static void map_offset(void) {
    int file = open(getenv("CLOCK_OFFSET"), O_RDONLY);
    offset = mmap(NULL, sizeof(long), PROT_READ, MAP_SHARED, file, 0);
    close(file);
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
    int result = real(clock, now);
    if (clock == CLOCK_REALTIME && offset) now->tv_sec += *offset;
    return result;
}
"""

CONFIGURATION = """
[usage]
enabled = true
[organization]
budgets = [{ usd = "1000", per = "month" }]
"""

NOVEMBER = datetime(2026, 11, 30, 23, 59, 30, tzinfo=UTC)
DECEMBER = datetime(2026, 12, 1, 0, 0, 30, tzinfo=UTC)


class Clock:
    """The time of day of the processes that are started with `launcher`."""

    def __init__(self, folder):
        self._file = folder / "offset"
        self._file.write_bytes(bytes(8))
        source, library = folder / "clock.c", folder / "clock.so"
        source.write_text(LIBRARY)
        subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
        self.launcher = ["env", f"LD_PRELOAD={library}", f"CLOCK_OFFSET={self._file}"]

    def set(self, moment):
        offset = int(moment.timestamp() - time.time())
        descriptor = os.open(self._file, os.O_WRONLY)
        os.pwrite(descriptor, offset.to_bytes(8, "little", signed=True), 0)
        os.close(descriptor)


class Load(threading.Thread):
    """Sends requests until it is stopped."""

    def __init__(self, gateway):
        super().__init__(daemon=True)
        self._url = gateway.base_url
        self._stopped = threading.Event()
        self.statuses = []

    def run(self):
        with httpx.Client(base_url=self._url, headers=bearer(), timeout=30) as http:
            while not self._stopped.is_set():
                response = http.post("/chat/completions", json={"model": NOVA, "messages": HELLO})
                self.statuses.append(response.status_code)

    def stop(self):
        self._stopped.set()
        self.join()


@pytest.fixture
def clock(tmp_path):
    return Clock(tmp_path)


def test_a_months_end_under_load_and_a_clock_that_jumps(clock, tmp_path):
    clock.set(NOVEMBER)
    simulator = Simulator(tmp_path, launcher=clock.launcher)
    configuration = f'[store]\npath = "{tmp_path}/outcrop.db"\n{CONFIGURATION}'
    gateway = Gateway(simulator.url, tmp_path, configuration, launcher=clock.launcher)
    with httpx.Client(base_url=gateway.base_url, headers=bearer(), timeout=30) as http:

        def get(path):
            return http.get(path).raise_for_status().json()

        def spent():
            (organization,) = get("/key")["allowances"]
            (limits,) = organization["limits"]
            (budget,) = limits["remaining"]["budgets"]
            return float(budget["spent_usd"])

        def costs():
            """What the records of each month have cost."""
            rows = get("/usage?from=2026-11-01&to=2027-12-31")["data"]
            months = {}
            for row in rows:
                months[row["day"][:7]] = months.get(row["day"][:7], 0) + row["cost_usd"]
            return months, sum(row["requests"] for row in rows)

        loads = [Load(gateway) for _ in range(4)]
        for load in loads:
            load.start()

        def sent():
            return sum(len(load.statuses) for load in loads)

        eventually(lambda: sent() >= 40)
        for moment in (DECEMBER, NOVEMBER, DECEMBER):
            clock.set(moment)
            before = sent()
            eventually(lambda: sent() >= before + 40)
        for load in loads:
            load.stop()
        assert {status for load in loads for status in load.statuses} == {200}
        eventually(lambda: costs()[1] == sent())
        months, _ = costs()
        assert set(months) == {"2026-11", "2026-12"}
        total = sum(months.values())
        december = spent()
        clock.set(NOVEMBER)
        november = spent()
        assert november + december == pytest.approx(total)
        # A record has the time at which its request arrived, the budget the one of its reservation: a
        # request of each connection may be between the two at each change of the clock.
        between = len(loads) * 3 * total / sent()
        assert december == pytest.approx(months["2026-12"], abs=between)
        assert november == pytest.approx(months["2026-11"], abs=between)
    assert gateway.stop() == 0
    assert simulator.stop() == 0
