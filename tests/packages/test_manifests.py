"""What manifests and documents state about the project is the same everywhere."""

import re
import tomllib

import pytest
from processes import REPOSITORY
from project import COMMON


def texts():
    """The documents, manifests, scripts and workflows that name the project, by path."""
    folders = [REPOSITORY / name for name in (".github", "deploy", "docs", "scripts", "simulator", "benches", "fuzz")]
    files = [file for file in REPOSITORY.iterdir() if file.is_file()]
    files += [file for folder in folders for file in folder.rglob("*") if file.is_file() and "target" not in file.parts]
    kinds = {".md", ".toml", ".sh", ".yml", ".yaml", ".js", ".py", ""}
    files = [file for file in files if file.suffix in kinds]
    return {str(file.relative_to(REPOSITORY)): file.read_text(errors="replace") for file in files}


@pytest.mark.parametrize("name", ["Cargo.toml", "simulator/Cargo.toml", "fuzz/Cargo.toml"])
def test_every_crate_has_license_and_address(name):
    package = tomllib.loads((REPOSITORY / name).read_text())["package"]
    for key in ("license", "repository"):
        assert package[key] in (COMMON[key], {"workspace": True})


def test_the_repository_has_one_address():
    """OWNER is replaced in all files together."""
    own = COMMON["repository"].removeprefix("https://github.com/").lower()
    address = re.compile(r"(?:github\.com|ghcr\.io)/([\w.-]+/outcrop)\b")
    for name, text in texts().items():
        assert {found.lower() for found in address.findall(text)} <= {own}, name


def test_only_the_manifest_states_the_oldest_rust():
    stated = [name for name, text in texts().items() if name.endswith(".md") and re.search(r"Rust 1\.\d+", text)]
    assert stated == []
    [builder] = re.findall(r"^FROM rust:(\d+)\.(\d+)", (REPOSITORY / "Dockerfile").read_text(), re.M)
    oldest = tuple(map(int, COMMON["rust-version"].split(".")[:2]))
    assert tuple(map(int, builder)) >= oldest
