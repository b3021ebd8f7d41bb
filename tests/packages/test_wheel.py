"""The wheel: what is in it, and that it installs and runs."""

import re
import subprocess
import sys
import zipfile

import pytest
from demo import streams_and_ends
from project import VERSION


@pytest.fixture(scope="module")
def wheel(packages):
    [wheel] = packages.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """The program, installed into a fresh environment."""
    venv = tmp_path_factory.mktemp("venv")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
    # The pip of the machine: the environment of these tests has none.
    pip = ["python3", "-m", "pip", "--python", venv / "bin/python", "install", "--quiet", "--no-index"]
    subprocess.run([*pip, wheel], check=True)
    return venv / "bin/outcrop"


def test_an_installed_wheel_has_the_version_of_the_manifest(installed):
    assert subprocess.check_output([installed, "--version"], encoding="utf-8") == f"outcrop {VERSION}\n"


def test_the_demo_of_an_installed_wheel_streams(installed, tmp_path):
    streams_and_ends(installed, tmp_path)


def test_a_wheel_contains_no_python_code(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert [name for name in names if name.endswith((".py", ".pth", ".so"))] == []
    assert [name for name in names if name.endswith("/scripts/outcrop")] != []


def test_the_platform_is_the_one_that_auditwheel_sees(wheel):
    tool = [sys.executable, "-m", "auditwheel", "show", wheel]
    shown = subprocess.check_output(tool, encoding="utf-8")
    [platform] = re.findall(r'consistent with\s+the\s+following\s+platform\s+tag:\s+"(\S+?)"', shown)
    assert wheel.name.endswith(f"-py3-none-{platform}.whl"), shown


def test_pypi_would_accept_the_metadata(wheel):
    tool = [sys.executable, "-m", "twine", "check", "--strict", wheel]
    check = subprocess.run(tool, capture_output=True, encoding="utf-8")
    assert check.returncode == 0, check.stdout + check.stderr
