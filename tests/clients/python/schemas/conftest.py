"""These tests use `processes`, and not the clients that the conftest above needs."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
