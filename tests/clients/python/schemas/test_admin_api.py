"""The admin API against its OpenAPI document, with generated requests."""

import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from processes import Gateway, Process, admin_address, simulator_address

TOKEN = "an-admin-token-of-operators"

CONFIGURATION = f"""
[admin]
listen = "127.0.0.1:0"
token = "{TOKEN}"
"""


@pytest.fixture
def admin(tmp_path):
    """The URL of a gateway's listener for operators."""
    simulator = Process("bedrock-simulator", "--listen", "127.0.0.1:0", folder=tmp_path)
    gateway = Gateway(simulator.wait_for(simulator_address), tmp_path, CONFIGURATION)
    yield "http://" + gateway.wait_for(admin_address)
    gateway.stop()
    simulator.stop()


def test_responses_are_those_of_the_document(admin, tmp_path):
    schemathesis = Path(sys.executable).with_name("schemathesis")
    command = [
        schemathesis, "run", f"{admin}/admin/v1/openapi.json",
        "--header", f"Authorization: Bearer {TOKEN}",
        "--checks", "all",
        # A schema cannot say that a time is in the future.
        "--exclude-checks", "positive_data_acceptance",
        "--max-examples", "30",
        # The same requests on every run.
        "--seed", "1",
        "--no-color",
    ]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=600)
    assert run.returncode == 0, run.stdout + run.stderr


def test_the_document_needs_no_token(admin):
    document = httpx.get(f"{admin}/admin/v1/openapi.json").raise_for_status().json()
    assert document["openapi"].startswith("3.1")
    assert httpx.get(f"{admin}/admin/v1/audit").status_code == 401
