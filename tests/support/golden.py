"""Golden files: what was looked at once and approved. `make golden` rewrites them."""

import os
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "unit" / "golden"


def check(name: str, text: str) -> None:
    """Compares with the file, or writes it when GOLDEN=write."""
    file = FOLDER / name
    if os.environ.get("GOLDEN") == "write":
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    assert file.is_file(), f"{file} is missing: make golden, and look at what it writes"
    assert text == file.read_text(), f"{file} differs: if that is right, make golden"
