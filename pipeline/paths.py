"""Paths of this repository on disk."""

from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
# Jars and binaries that `make install` fetches.
LIB = REPOSITORY / "build" / "stack"
