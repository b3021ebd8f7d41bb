"""What is the same: the program in all packages, and the packages of the same program."""

import hashlib
import subprocess
import tarfile
import zipfile

import layouts
import pytest
from conftest import pack
from foreign import AARCH64, MAC_ARM64, MAC_X86_64, RISC_V, X86_64, mac_program, program_for
from project import VERSION


def programs_of(folder):
    """SHA-256 of the program in each package of a folder."""
    found = {}
    layers = [layouts.blob(layout, layouts.manifest(layout)["layers"][-1]) for layout in folder.glob("image-*")]
    for package in [*folder.glob("*.tar.gz"), *folder.glob("*.tgz"), *layers]:
        with tarfile.open(package) as archive:
            for entry in archive:
                if entry.isfile() and entry.name.endswith("/outcrop"):
                    found[package.name] = archive.extractfile(entry).read()
    for package in folder.glob("*.whl"):
        with zipfile.ZipFile(package) as archive:
            [name] = [name for name in archive.namelist() if name.endswith("/outcrop")]
            found[package.name] = archive.read(name)
    return {name: hashlib.sha256(content).hexdigest() for name, content in found.items()}


def files_of(folder):
    """The content of all files in a folder, by path."""
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_every_package_has_the_same_program(program, packages):
    found = programs_of(packages)
    images = len(list(packages.glob("image-*")))
    assert len(found) == 3 + images
    assert set(found.values()) == {hashlib.sha256(program.read_bytes()).hexdigest()}


def test_the_checksums_are_those_of_all_files(packages):
    subprocess.run(["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"], cwd=packages, check=True)
    listed = [line.split()[1] for line in (packages / "SHA256SUMS").read_text().splitlines()]
    assert sorted([*listed, "SHA256SUMS"]) == sorted(file.name for file in packages.iterdir() if file.is_file())


def test_the_same_program_gives_the_same_packages(tmp_path):
    (tmp_path / "sbom.json").write_text("{}")
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
        program = program_for(folder / "outcrop", X86_64)
        pack(program, folder / "packages", "--sbom", tmp_path / "sbom.json", cwd=folder)
    one, two = (files_of(folder / "packages") for folder in folders)
    assert one == two
    assert "outcrop-x86_64-unknown-linux-gnu.cdx.json" in one


@pytest.mark.parametrize("make, wheel, archive, npm", [
    (lambda file: program_for(file, AARCH64), "manylinux_2_28_aarch64", "aarch64-unknown-linux-gnu", "linux-arm64"),
    (lambda file: mac_program(file, MAC_ARM64, 11, 0), "macosx_11_0_arm64", "aarch64-apple-darwin", "darwin-arm64"),
    (lambda file: mac_program(file, MAC_X86_64, 10, 12), "macosx_10_12_x86_64", "x86_64-apple-darwin", "darwin-x64"),
])
def test_packages_are_named_after_the_system_of_the_program(tmp_path, make, wheel, archive, npm):
    folder = tmp_path / "packages"
    pack(make(tmp_path / "outcrop"), folder)
    names = sorted(file.name for file in folder.iterdir())
    assert names == sorted([
        f"outcrop-{VERSION}-py3-none-{wheel}.whl", f"outcrop-{archive}.tar.gz", f"outcrop-{VERSION}-{npm}.tgz",
        f"outcrop-{VERSION}.tgz", "install.sh", "SHA256SUMS",
    ])


@pytest.mark.parametrize("content, message", [
    (b"#!/bin/sh\n", "is not a program for Linux or macOS"),
    (RISC_V, "is for a processor without a package"),
])
def test_other_files_are_refused(tmp_path, content, message):
    file = tmp_path / "outcrop"
    if isinstance(content, int):
        program_for(file, content)
    else:
        file.write_bytes(content)
    with pytest.raises(subprocess.CalledProcessError) as refused:
        pack(file, tmp_path / "packages")
    assert message in refused.value.stderr
    assert not (tmp_path / "packages").exists()
