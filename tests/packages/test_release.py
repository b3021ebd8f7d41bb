"""The scripts of the release workflow."""

import shutil
import subprocess

import pytest
from processes import REPOSITORY


def test_the_smoke_test_accepts_a_gateway_that_streams(program):
    run = subprocess.run([REPOSITORY / "scripts/smoke", program], capture_output=True, encoding="utf-8")
    assert run.returncode == 0, run.stderr
    assert f"streamed: {program}\n" in run.stdout


@pytest.fixture
def notes(tmp_path):
    """Runs scripts/release-notes of a repository with a finished section in its changelog."""
    (tmp_path / "scripts").mkdir()
    shutil.copy(REPOSITORY / "scripts/release-notes", tmp_path / "scripts")
    (tmp_path / "Cargo.toml").write_text(
        '[workspace.package]\nversion = "1.2.0"\nrepository = "https://github.com/acme/outcrop"\n')
    changelog = tmp_path / "CHANGELOG.md"
    changelog.write_text("## [Unreleased]\n\n## [1.2.0] - 2027-01-02\n\n- New.\n\n## [1.1.0]\n\n- Old.\n")

    def run(tag, address="https://github.com/acme/outcrop"):
        return subprocess.run([tmp_path / "scripts/release-notes", tag, address], capture_output=True, encoding="utf-8")

    run.changelog = changelog
    return run


def test_the_notes_are_the_section_of_the_changelog(notes):
    assert notes("v1.2.0").stdout == "- New.\n"


def test_a_release_that_is_not_ready_is_refused(notes):
    assert "the tag is `v1.3.0`, but Cargo.toml has version `1.2.0`" in notes("v1.3.0").stderr
    assert "this is `https://github.com/fork/outcrop`" in notes("v1.2.0", "https://github.com/fork/outcrop").stderr
    notes.changelog.write_text("## [Unreleased]\n\n- New.\n")
    assert "CHANGELOG.md has no section `## [1.2.0]`" in notes("v1.2.0").stderr
