"""Copies of the repository that a page's commands are run in."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.paths import REPOSITORY
from tests.docs.commands import Command
from tests.docs.pages import FOREIGN
from tests.support.embedded import JAVA, TARGET

# What people edit; a page's edits are undone after it.
EDITED = ("connectors", "ksql", "postgres", "schemas", "spark", "topics.yaml")
# `make`, but that everything is installed and the services run already. They run from the
# repository, so it is there that `make up` looks after them.
MAKE = """
make() {
  local ready='--no-print-directory -o .venv/.synced -o setup'
  if [ "$1" = demo ]; then command make $ready -C "$REPOSITORY" up TARGET="$STACK" || return; fi
  command make $ready -o up "$@"
}
"""


@dataclass(frozen=True)
class Printed:
    """What a command printed, and its exit code."""

    lines: tuple[str, ...]
    code: int


@dataclass
class Copy:
    """A copy of the repository, with its environment and jars but without its data."""

    root: Path
    known: dict[str, Printed] = field(default_factory=dict)

    def run(self, command: Command) -> Printed:
        """Runs it in bash, as a person does; what ran before the first page is not run again."""
        if command.text in self.known:
            return self.known.pop(command.text)
        return self.bash(command.text)

    def bash(self, text: str) -> Printed:
        done = subprocess.run(
            ["bash", "-c", MAKE + text],
            cwd=self.root,
            env={
                "PATH": os.environ["PATH"],
                "HOME": os.environ["HOME"],
                "COLUMNS": "100",
                "PYTHONUNBUFFERED": "1",
                "REPOSITORY": str(REPOSITORY),
                "STACK": str(TARGET),
                **JAVA,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return Printed(tuple(done.stdout.splitlines()), done.returncode)

    def files(self) -> dict[Path, bytes]:
        """What people edit, as it is now."""
        places = [self.root / name for name in EDITED]
        found = [f for place in places for f in ([place] if place.is_file() else place.rglob("*"))]
        return {file: file.read_bytes() for file in found if file.is_file()}

    def restore(self, before: dict[Path, bytes]) -> bool:
        """Puts back what was there; returns whether anything had been edited."""
        now = self.files()
        for file in now.keys() - before.keys():
            file.unlink()
        for file, content in before.items():
            file.write_bytes(content)
        return now != before


def copy(root: Path) -> Copy:
    """A copy of the repository in an empty folder."""
    skipped = shutil.ignore_patterns(*FOREIGN, "*_cache")
    shutil.copytree(REPOSITORY, root, ignore=skipped, dirs_exist_ok=True)
    (root / ".venv").symlink_to(sys.prefix)
    (root / "build").mkdir()
    (root / "build" / "stack").symlink_to(REPOSITORY / "build" / "stack")
    return Copy(root)
