"""A small repository in which a test plants a file, and what is told of it."""

import os
from pathlib import Path

import pytest

from pipeline.errors import SpecError
from pipeline.paths import REPOSITORY
from pipeline.repository import desired, loader
from pipeline.resources.desired import Desired
from tests.support import workspace

EMBEDDED = REPOSITORY / "targets" / "embedded.yaml"
NAME = "widgets"
SOURCE = "connectors/sources/widgets.yaml"
SINK = "connectors/sinks/widgets.yaml"
SCHEMA = "schemas/widgets.avsc"
TEMPLATE = "connectors/templates/jdbc-sink.yaml.j2"


def repository(root: Path) -> Path:
    """One topic, its schema, a source, a sink, and the templates."""
    workspace.small(root, EMBEDDED, NAME)
    return root


def render(root: Path) -> Desired:
    """All that the repository declares."""
    return desired.render(loader.load(root), "owner")


def plant(root: Path, path: str, content: str | bytes) -> Path:
    """Writes a file in place of what may be there."""
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.unlink(missing_ok=True)
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return file


def append(root: Path, path: str, text: str) -> None:
    """Adds lines to a file."""
    file = root / path
    file.write_text(file.read_text() + text)


def replace(root: Path, path: str, old: str, new: str) -> None:
    """Replaces a text that has to be there."""
    text = (root / path).read_text()
    assert old in text
    (root / path).write_text(text.replace(old, new))


def pipe(root: Path, path: str) -> None:
    """A pipe in place of a file: who reads it waits for ever."""
    (root / path).unlink(missing_ok=True)
    os.mkfifo(root / path)


def told(root: Path) -> list[str]:
    """The mistakes, without the folder's own name."""
    with pytest.raises(SpecError) as caught:
        render(root)
    return [str(mistake).replace(f"{root}/", "") for mistake in caught.value.mistakes]
