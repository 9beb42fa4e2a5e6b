"""The worked examples of CONTRIBUTING.md: diffs that are applied to a copy of the repository."""

import re
import subprocess
from pathlib import Path

from stack.layout import REPOSITORY

HEADING = re.compile(r"^### (.+)$", re.MULTILINE)
DIFF = re.compile(r"^```diff\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"^\+\+\+ b/(.+)$", re.MULTILINE)


def diffs() -> dict[str, str]:
    """The diff of each section that has one, by the section's heading."""
    text = (REPOSITORY / "CONTRIBUTING.md").read_text()
    _, *parts = HEADING.split(text)
    sections = zip(parts[::2], parts[1::2], strict=True)
    return {heading: match[1] for heading, body in sections if (match := DIFF.search(body))}


def files(diff: str) -> list[str]:
    """The files that a diff changes or makes."""
    return FILE.findall(diff)


def apply(diff: str, root: Path) -> None:
    """Applies a diff to a copy of the repository."""
    command = ["git", "apply", "--unsafe-paths", f"--directory={root}", "-"]
    done = subprocess.run(command, input=diff, cwd="/", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
