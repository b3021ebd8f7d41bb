"""The packages that scripts/package writes, one file for each kind."""
