"""What Cargo.toml states about the project."""

import tomllib

from processes import REPOSITORY

COMMON = tomllib.loads((REPOSITORY / "Cargo.toml").read_text())["workspace"]["package"]
VERSION = COMMON["version"]
