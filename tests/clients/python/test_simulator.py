"""The simulator itself, with boto3."""

import subprocess
import sys

from processes import REPOSITORY


def test_boto3_accepts_the_simulator(simulator, tmp_path):
    check = REPOSITORY / "simulator" / "tests" / "boto3_check.py"
    # An empty home: no AWS profile or proxy of this machine.
    environment = {"HOME": str(tmp_path), "AWS_EC2_METADATA_DISABLED": "true"}
    run = subprocess.run(
        [sys.executable, check, simulator.url], env=environment, capture_output=True, encoding="utf-8", timeout=120
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert run.stdout.endswith("all passed\n")
