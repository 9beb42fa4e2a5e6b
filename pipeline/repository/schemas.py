"""schemas/*.avsc: one Avro schema per topic, with the generator's rules in it."""

import json
from pathlib import Path

from pipeline import schemas
from pipeline.errors import Mistake, SpecError


def load(folder: Path) -> dict[str, schemas.Schema]:
    """The schemas by topic, which is the name of the file.

    Raises:
        SpecError: with the mistake of every file that is no Avro record schema.
    """
    found: dict[str, schemas.Schema] = {}
    mistakes: list[Mistake] = []
    for file in sorted(folder.glob("*.avsc")):
        try:
            found[file.stem] = read(file)
        except SpecError as error:
            mistakes += error.mistakes
    if mistakes:
        raise SpecError(tuple(mistakes))
    return found


def read(file: Path) -> schemas.Schema:
    """One schema.

    Raises:
        SpecError: the file is not JSON, or not the schema of an Avro record.
    """
    try:
        schema: schemas.Schema = json.loads(file.read_text())
    except json.JSONDecodeError as error:
        raise SpecError((Mistake(file, error.lineno, "", f"not JSON: {error.msg}"),)) from None
    problem = schemas.problem(schema)
    if problem:
        raise SpecError((Mistake(file, None, "", problem),))
    return schema
