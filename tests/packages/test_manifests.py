"""What manifests and documents state about the project is the same everywhere."""

import re
import subprocess
import tomllib

import pytest
from processes import REPOSITORY

COMMON = tomllib.loads((REPOSITORY / "Cargo.toml").read_text())["workspace"]["package"]


def tracked(*patterns):
    files = subprocess.check_output(["git", "ls-files", *patterns], cwd=REPOSITORY, encoding="utf-8").splitlines()
    return {name: (REPOSITORY / name).read_text() for name in files}


@pytest.mark.parametrize("name", tracked("Cargo.toml", "*/Cargo.toml"))
def test_every_crate_has_license_and_address(name):
    package = tomllib.loads((REPOSITORY / name).read_text())["package"]
    for key in ("license", "repository"):
        assert package[key] in (COMMON[key], {"workspace": True})


def test_the_repository_has_one_address():
    """OWNER is replaced in all files together."""
    own = COMMON["repository"].removeprefix("https://github.com/").lower()
    address = re.compile(r"(?:github\.com|ghcr\.io)/([\w.-]+/outcrop)\b")
    for name, text in tracked("*.md", "*.toml", "*.sh", "*.yml", "*.yaml", "scripts").items():
        assert {found.lower() for found in address.findall(text)} <= {own}, name


def test_only_the_manifest_states_the_oldest_rust():
    stated = [name for name, text in tracked("*.md").items() if re.search(r"Rust 1\.\d+", text)]
    assert stated == []
    [builder] = re.findall(r"^FROM rust:(\d+)\.(\d+)", (REPOSITORY / "Dockerfile").read_text(), re.M)
    oldest = tuple(map(int, COMMON["rust-version"].split(".")[:2]))
    assert tuple(map(int, builder)) >= oldest
