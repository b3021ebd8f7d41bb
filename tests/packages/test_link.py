"""scripts/link, with a small program in place of the gateway."""

import os
import platform
import shutil
import subprocess
from pathlib import Path

import debian
import pytest
from processes import REPOSITORY

# Listens, answers requests, and ends at SIGINT. The functions between the used ones are only
# referenced.
PROGRAM = """
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void end(int number) { exit(0); }
__attribute__((noinline)) int used_first(int socket) { return accept(socket, 0, 0); }
__attribute__((noinline)) int unused_first(int value) { return value + 1; }
__attribute__((noinline)) void used_second(int socket) {
    char part[4096] = "";
    ssize_t length = 1;
    // The request arrives in parts; its JSON ends with a brace.
    while (STATUS[0] && length > 0 && part[length - 1] != '}') length = read(socket, part, sizeof part);
    if (STATUS[0]) write(socket, "HTTP/1.1 " STATUS " \\r\\n\\r\\n", 17);
    close(socket);
}
__attribute__((noinline)) int unused_second(int value) { return value + 2; }
int (*volatile referenced[])(int) = {unused_first, unused_second};

int main(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t length = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    bind(listener, (struct sockaddr *)&address, length);
    listen(listener, 2);
    getsockname(listener, (struct sockaddr *)&address, &length);
    signal(SIGINT, end);
    printf("listening on 127.0.0.1:%d\\n", ntohs(address.sin_port));
    fflush(stdout);
    for (;;) used_second(used_first(listener));
}
"""


@pytest.fixture
def link(tmp_path):
    """Links a program that answers with this status, or only closes connections; returns its path and the messages."""
    if platform.system() != "Linux" or platform.machine() != "x86_64":
        raise debian.Missing("programs are sorted on Linux for x86-64")
    for tool in ("valgrind", "nm"):
        if shutil.which(tool) is None:
            raise debian.Missing(f"there is no {tool}")
    sysroot = subprocess.check_output(["rustc", "--print", "sysroot"], encoding="utf-8").strip()
    [linkers] = Path(sysroot).glob("lib/rustlib/x86_64-*-linux-gnu/bin/gcc-ld")
    folder = tmp_path / "target/dist"
    (folder / "deps").mkdir(parents=True)
    simulator = folder / "bedrock-simulator"
    simulator.write_text("#!/bin/sh\necho listening on http://127.0.0.1:9\nexec sleep 600\n")
    simulator.chmod(0o755)
    source = tmp_path / "program.c"
    source.write_text(PROGRAM)

    def run(name, status="200", simulated=True):
        if not simulated:
            simulator.write_text("#!/bin/sh\nexit 1\n")
        output = folder / "deps" / name
        compiler = [f'-DSTATUS="{status}"', "-O1", "-ffunction-sections", "-fno-toplevel-reorder"]
        command = [REPOSITORY / "scripts/link", "-fuse-ld=lld", f"-B{linkers}", *compiler]
        linked = subprocess.run(
            [*command, source, "-o", output], capture_output=True, encoding="utf-8", env={**os.environ, "LC_ALL": "C"})
        assert linked.returncode == 0, linked.stderr
        return output, linked.stderr

    return run


def order(program):
    """The functions of the program, by their addresses."""
    symbols = subprocess.check_output(["nm", "--numeric-sort", program], encoding="utf-8")
    names = [line.split()[-1] for line in symbols.splitlines()]
    return [name for name in names if name.startswith(("used_", "unused_"))]


def test_executed_functions_are_linked_together(link):
    program, _ = link("outcrop-1")
    assert order(program) == ["used_first", "used_second", "unused_first", "unused_second"]


@pytest.mark.parametrize(
    "trouble",
    [{"status": "500"}, {"status": ""}, {"simulated": False}],
    ids=["an_error", "a_closed_connection", "no_simulator"],
)
def test_a_program_that_cannot_be_traced_is_linked_as_it_is(link, trouble, tmp_path, monkeypatch):
    (tmp_path / "scratch").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "scratch"))
    program, messages = link("outcrop-1", **trouble)
    assert f"scripts/link: {program} could not be traced" in messages
    assert list((tmp_path / "scratch").iterdir()) == []
    assert order(program) == ["used_first", "unused_first", "used_second", "unused_second"]


def test_other_outputs_are_not_run(link):
    program, messages = link("build_script_build-1")
    assert "scripts/link" not in messages
    assert order(program) == ["used_first", "unused_first", "used_second", "unused_second"]
