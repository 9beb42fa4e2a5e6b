"""Reads schemas/*.avsc: one Avro schema per topic, with Datagen's annotations."""

import json
from pathlib import Path

from pipeline import avro, schemas
from pipeline.errors import Mistake, SpecError

FOLDER = Path("schemas")


def file_of(root: Path, topic: str) -> Path:
    """The file with the schema of a topic's values; it may be missing."""
    return root / FOLDER / f"{topic}.avsc"


def load(folder: Path) -> dict[str, schemas.Schema]:
    """Reads the schemas. The name of a file is the name of its topic.

    Raises:
        SpecError: files have mistakes; the error has those of all files.
    """
    by_topic: dict[str, schemas.Schema] = {}
    mistakes: list[Mistake] = []
    for file in sorted(folder.glob("*.avsc")):
        try:
            by_topic[file.stem] = read(file)
        except SpecError as error:
            mistakes += error.mistakes
    if mistakes:
        raise SpecError(tuple(mistakes))
    return by_topic


def read(file: Path) -> schemas.Schema:
    """Reads one schema.

    Raises:
        SpecError: the file is not JSON, or not an Avro record schema.
    """
    try:
        schema: schemas.Schema = json.loads(file.read_text())
    except json.JSONDecodeError as error:
        raise SpecError((Mistake(file, error.lineno, "", f"not JSON: {error.msg}"),)) from None
    problem = avro.problem(schema)
    if problem:
        raise SpecError((Mistake(file, None, "", problem),))
    return schema
