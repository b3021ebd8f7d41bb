"""Every package carries the licenses of what is in it; test_image.py has the same for images."""

import subprocess
import tarfile
import zipfile

import pytest
from conftest import pack
from foreign import X86_64, program_for
from processes import REPOSITORY

NAMES = ["LICENSE", "THIRD-PARTY.txt"]


@pytest.fixture(scope="module")
def third_party(tmp_path_factory):
    """The licenses of the crates, from scripts/licenses."""
    file = tmp_path_factory.mktemp("licenses") / "THIRD-PARTY.txt"
    with open(file, "w") as output:
        subprocess.run([REPOSITORY / "scripts/licenses", "x86_64-unknown-linux-gnu"], stdout=output, check=True)
    return file


def test_the_licenses_of_linked_crates_are_collected(third_party):
    text = third_party.read_text()
    for part in ("\naws-lc-sys ", "\nhyper ", "Permission is hereby granted", "Apache License"):
        assert part in text
    # Crates of tests only.
    assert "proptest 1" not in text


def test_every_package_has_them(third_party, tmp_path):
    folder = tmp_path / "packages"
    pack(program_for(tmp_path / "outcrop", X86_64), folder, "--licenses", third_party)
    for package in [*folder.glob("*.tar.gz"), *folder.glob("*.tgz")]:
        with tarfile.open(package) as archive:
            found = {name.rpartition("/")[2] for name in archive.getnames()}
        assert found.issuperset(NAMES), package
    [wheel] = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        [metadata] = [name for name in archive.namelist() if name.endswith("/METADATA")]
        for name in NAMES:
            assert metadata.replace("METADATA", f"licenses/{name}") in archive.namelist()
            assert f"License-File: {name}\n" in archive.read(metadata).decode()
