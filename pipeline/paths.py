"""Where this repository is on disk, and what is built in it."""

from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
# Jars and binaries that `make install` fetches.
LIB = REPOSITORY / "build" / "stack"
