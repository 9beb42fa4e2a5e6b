"""Programs of Microsoft's that check parts of the report. They are fetched when a test first needs
them, and are nothing of ours to pass on."""

import shutil
import subprocess
from pathlib import Path

import pytest

from pipeline.paths import REPOSITORY

PLACE = REPOSITORY / "build" / "npm"


def installed(package: str, version: str) -> Path:
    """The folder with a package, installed on first use. If npm has it not, the test is skipped."""
    folder = PLACE / f"{package.rpartition('/')[2]}-{version}"
    modules = folder / "node_modules"
    if not (modules / package).is_dir() and shutil.which("npm"):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "package.json").write_text("{}")
        install = ["npm", "install", "--no-audit", "--no-fund", "--silent", f"{package}@{version}"]
        subprocess.run(install, cwd=folder, check=False, timeout=300, capture_output=True)
    if not (modules / package).is_dir():
        pytest.skip(f"npm cannot give {package} {version} on this machine")
    return modules
