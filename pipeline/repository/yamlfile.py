"""Reads YAML files and checks them with pydantic models. Each mistake has its line."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from pipeline.errors import Mistake, SpecError
from pipeline.suggest import did_you_mean

Loc = tuple[int | str, ...]
# PyYAML's C parser is ten times as fast, but not everywhere available.
Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Model(BaseModel):
    """Base of all models of files: instances are frozen, unknown keys are mistakes."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def load(path: Path, model: Any) -> Any:
    """Reads a file as an instance of `model`.

    Raises:
        SpecError: the file cannot be read, is not YAML, repeats a key, or does not fit the model.
    """
    return parse(path, _text(path), model)


def parse(path: Path, text: str, model: Any) -> Any:
    """Reads YAML text as an instance of `model`. `path` is its file, for messages.

    Raises:
        SpecError: the text is not YAML, repeats a key, or does not fit the model.
    """
    node = _compose(path, text)
    lines = dict(_lines(node, ()))
    repeated = tuple(_repeated_keys(path, node))
    if repeated:
        raise SpecError(repeated)
    value = yaml.load(text, Loader=Loader)  # noqa: S506 - a safe loader, the C one
    try:
        return TypeAdapter(model).validate_python(value)
    except ValidationError as error:
        details = error.errors(include_url=False)
        mistakes = tuple(_mistake(path, lines, detail, model) for detail in details)
        raise SpecError(mistakes) from None


def line_of(path: Path, key: str) -> int | None:
    """The line of a dotted key, counted from 1; None if the file does not have the key.

    Raises:
        SpecError: the file cannot be read, or is not YAML.
    """
    lines = {".".join(map(str, loc)): line for loc, line in _lines(_compose(path, _text(path)), ())}
    return lines.get(key)


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise SpecError((Mistake(path, None, "", f"cannot be read: {error}"),)) from None


def _compose(path: Path, text: str) -> yaml.Node:
    try:
        node = yaml.compose(text, Loader=Loader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        raise SpecError((Mistake(path, line, "", f"not YAML: {error.problem}"),)) from None
    if node is None:
        raise SpecError((Mistake(path, None, "", "is empty"),))
    return node


def _lines(node: yaml.Node, loc: Loc) -> Iterator[tuple[Loc, int]]:
    """The line where each key and each list item starts."""
    yield loc, node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield from _lines(value, (*loc, key.value))
            yield (*loc, key.value), key.start_mark.line + 1
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield from _lines(item, (*loc, index))


def _repeated_keys(path: Path, node: yaml.Node) -> Iterator[Mistake]:
    # PyYAML silently keeps the last of two equal keys.
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen:
                line = key.start_mark.line + 1
                yield Mistake(path, line, key.value, "is given twice")
            seen.add(key.value)
            yield from _repeated_keys(path, value)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _repeated_keys(path, item)


def _mistake(path: Path, lines: dict[Loc, int], detail: ErrorDetails, model: Any) -> Mistake:
    loc = _in_file(detail["loc"], lines)
    key = ".".join(str(part) for part in loc)
    message = detail["msg"].removeprefix("Value error, ")
    if detail["type"] == "extra_forbidden":
        keys = _field_names(TypeAdapter(model).json_schema())
        message = f"unknown key{did_you_mean(str(loc[-1]), keys)}"
    elif detail["type"] == "missing":
        message = "is missing"
    elif isinstance(detail["input"], str | int | float | bool):
        message = f"{message} (is {detail['input']!r})"
    return Mistake(path, _nearest_line(loc, lines), key, message)


def _in_file(loc: Loc, lines: dict[Loc, int]) -> Loc:
    """The location without the parts that pydantic adds for the members of a union."""
    kept: Loc = ()
    for position, part in enumerate(loc):
        last = position == len(loc) - 1
        if (*kept, part) in lines or last:
            kept = (*kept, part)
    return kept


def _nearest_line(loc: Loc, lines: dict[Loc, int]) -> int | None:
    while loc and loc not in lines:
        loc = loc[:-1]
    return lines.get(loc)


def _field_names(schema: Any) -> set[str]:
    """All keys of a model and of its nested models, from its JSON Schema."""
    if isinstance(schema, list):
        return set().union(*map(_field_names, schema))
    if not isinstance(schema, dict):
        return set()
    return set(schema.get("properties", ())) | _field_names(list(schema.values()))
