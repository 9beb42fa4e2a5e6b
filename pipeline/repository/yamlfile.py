"""Reads YAML files and checks them with pydantic models. Each mistake has its line."""

from collections.abc import Iterator
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from pipeline import textfile
from pipeline.errors import Mistake, SpecError
from pipeline.repository import sentences, yamltext

# Each takes its time: a name that is unknown is compared with all others.
MOST_MISTAKES = 50
CONFIG = "config"


class Model(BaseModel):
    """Base of all models of files: instances are frozen, unknown keys are mistakes.

    Strict: 4 is no text, and "4" is no number.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


def load(path: Path, model: Any) -> Any:
    """Reads a file as an instance of `model`.

    Raises:
        SpecError: the file cannot be read, is not YAML, repeats a key, or does not fit the model.
    """
    return parse(path, textfile.read(path), model)


def parse(path: Path, text: str, model: Any) -> Any:
    """Reads YAML text as an instance of `model`. `path` is its file, for messages.

    Raises:
        SpecError: the text is not YAML, repeats a key, or does not fit the model.
    """
    node = yamltext.compose(path, text)
    # Before the value: that resolves the merges within the tree.
    lines = dict(yamltext.lines(node))
    altered = tuple(_altered(path, node))
    value = yamltext.value(path, node)
    try:
        loaded = TypeAdapter(model).validate_python(value)
    except ValidationError as error:
        told = sentences.told(path, lines, error.errors(include_url=False), model)
        raise SpecError((*few(path, told), *altered)) from None
    if altered:
        raise SpecError(altered)
    return loaded


def few(path: Path, mistakes: Iterator[Mistake]) -> tuple[Mistake, ...]:
    """The first mistakes, and whether there are more."""
    first = tuple(islice(mistakes, MOST_MISTAKES))
    more = next(mistakes, None)
    return (*first, Mistake(path, None, "", "and more mistakes")) if more else first


def line_of(path: Path, key: str) -> int | None:
    """The line of a dotted key, counted from 1; None if the file does not have the key.

    Raises:
        SpecError: the file cannot be read, or is not YAML.
    """
    state = path.stat() if path.exists() else None
    return _dotted(path, state and (state.st_mtime_ns, state.st_size, state.st_ino)).get(key)


def mistake(path: Path, key: str, message: str) -> Mistake:
    """A mistake at a dotted key of the file.

    Raises:
        SpecError: the file cannot be read, or is not YAML.
    """
    return Mistake(path, line_of(path, key), key, message)


@lru_cache(maxsize=64)
def _dotted(path: Path, state: object) -> dict[str, int]:
    """The line of each dotted key. `state` tells one version of the file from another."""
    del state
    node = yamltext.compose(path, textfile.read(path))
    return {".".join(map(str, loc)): line for loc, line in yamltext.lines(node)}


def _altered(path: Path, node: yaml.Node) -> Iterator[Mistake]:
    """Numbers of a `config` that would be sent in other letters than the file has: 1.10, 010."""
    for loc, scalar in yamltext.scalars(node):
        is_number = scalar.tag in {f"{yamltext.TAG}int", f"{yamltext.TAG}float"}
        if is_number and CONFIG in loc[:-1]:
            value = yamltext.value(path, scalar)
            if str(value) != scalar.value:
                message = f"{scalar.value} would be sent as {value}: write that, or quote it"
                key = ".".join(map(str, loc))
                yield Mistake(path, scalar.start_mark.line + 1, key, message)
