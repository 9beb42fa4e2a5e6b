"""Reads schemas/*.avsc: one Avro schema per topic, with Datagen's annotations."""

import json
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NoReturn

from pipeline import avro, privacy, schemas, textfile
from pipeline.errors import Mistake, SpecError
from pipeline.repository import yamltext

FOLDER = Path("schemas")
SUFFIX = ".avsc"
FIELDS = "fields"
Check = Callable[[Any], str | None]
# Each one's first mistake, in this order: the later ones need what the earlier ones accept.
CHECKS: tuple[Check, ...] = (
    avro.problem,
    lambda schema: next(schemas.bad_annotations(schema), None),
    lambda schema: next(privacy.bad_tags(schema[FIELDS]), None),
)


def file_of(root: Path, topic: str) -> Path:
    """The file with the schema of a topic's values; it may be missing."""
    return root / FOLDER / f"{topic}{SUFFIX}"


def load(folder: Path) -> dict[str, schemas.Schema]:
    """Reads the schemas. The name of a file is the name of its topic.

    Raises:
        SpecError: files have mistakes; the error has those of all files.
    """
    by_topic: dict[str, schemas.Schema] = {}
    files, mistakes = textfile.listed(folder, SUFFIX)
    for file in files:
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
    text = textfile.read(file)
    schema = _json(file, text)
    for check in CHECKS:
        problem = check(schema)
        if problem is None:
            continue
        first = _first_bad(schema, check)
        raise SpecError((Mistake(file, _line(file, text, first), ".".join(first), problem),))
    checked: schemas.Schema = schema
    return checked


def _json(file: Path, text: str) -> Any:
    told, line = f"is nested more than {yamltext.DEEPEST} deep", None
    try:
        schema = json.loads(text, object_pairs_hook=_once, parse_constant=_no_number)
        json.dumps(schema, ensure_ascii=False).encode()
        if not any(True for _ in _too_deep(schema)):
            return schema
    except RecursionError:
        pass
    except json.JSONDecodeError as error:
        told, line = f"not JSON: {error.msg}", error.lineno
    except UnicodeEncodeError:
        told = "has half of a character: write emoji and the like as they are, not as \\u…"
    except ValueError as error:
        told = f"not JSON: {error}"
    raise SpecError((Mistake(file, line, "", told),))


def _once(pairs: list[tuple[str, Any]]) -> Mapping[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise ValueError(f"{name} is given twice in one object")
        found[name] = value
    return found


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")


def _too_deep(schema: Any) -> Iterator[Any]:
    level = [schema]
    for _ in range(yamltext.DEEPEST):
        level = [
            item
            for part in level
            if isinstance(part, dict | list)
            for item in (part.values() if isinstance(part, dict) else part)
        ]
    yield from level


def _first_bad(schema: Any, check: Check) -> tuple[str, ...]:
    """The place of the field that the mistake is in, as far as that can be told."""
    fields = schema.get(FIELDS) if isinstance(schema, dict) else None
    if not isinstance(fields, list) or check({**schema, FIELDS: []}):
        return ()

    def is_bad_until(last: int) -> int:
        return int(bool(check({**schema, FIELDS: fields[: last + 1]})))

    return (FIELDS, str(bisect_left(range(len(fields)), 1, key=is_bad_until)))


def _line(file: Path, text: str, place: tuple[str, ...]) -> int | None:
    """The line of a place in JSON, which YAML can read as well."""
    try:
        node = yamltext.compose(file, text)
    except SpecError:
        return None
    lines = {tuple(map(str, loc)): line for loc, line in yamltext.lines(node)}
    return lines.get(place)
