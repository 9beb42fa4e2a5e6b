"""YAML as text: parsed by the rules of YAML 1.2, within limits, and with the lines of its keys.

PyYAML knows YAML 1.1 only, where `yes` is true and 12:30 is 750. And it takes a text of a few bytes
that stands for more data than fits into memory.
"""

import math
import re
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from pipeline.errors import Mistake, SpecError
from pipeline.textfile import CONTROL

Loc = tuple[int | str, ...]
# PyYAML's C parser is ten times as fast, but not everywhere available.
Safe: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
DEEPEST = 50
MOST_NODES = 100_000
LARGEST_INTEGER = 2**63
TAG = "tag:yaml.org,2002:"
ONE_DOCUMENT = "has a second document: make it a file of its own"


class Words(Safe):  # type: ignore[misc]
    """Reads true, false and null; every other scalar stays the text that it is."""

    yaml_implicit_resolvers: Mapping[str, Any] = {}


class Loader(Words):
    """Reads YAML's data, by the core schema of YAML 1.2; and dates, which that does not have."""

    yaml_implicit_resolvers: Mapping[str, Any] = {}


for _reader in (Words, Loader):
    _reader.add_implicit_resolver(
        TAG + "bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
    )
    _reader.add_implicit_resolver(
        TAG + "null", re.compile(r"^(?:~|null|Null|NULL|)$"), ["~", "n", "N", ""]
    )
Loader.add_implicit_resolver(TAG + "merge", re.compile(r"^<<$"), ["<"])
Loader.add_implicit_resolver(
    TAG + "int", re.compile(r"^(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)$"), list("-+0123456789")
)
Loader.add_implicit_resolver(
    TAG + "float",
    re.compile(r"^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$"),
    list("-+.0123456789"),
)  # fmt: skip
Loader.add_implicit_resolver(
    TAG + "timestamp",
    re.compile(r"^\d{4}-\d\d-\d\d(?:[Tt ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[-+]\d\d:\d\d)?)?$"),
    list("0123456789"),
)


def _integer(loader: Any, node: yaml.ScalarNode) -> int:
    text = loader.construct_scalar(node)
    base = {"0o": 8, "0x": 16}.get(text[:2], 10)
    value = int(text, base) if len(text) < 100 else LARGEST_INTEGER
    if abs(value) >= LARGEST_INTEGER:
        raise _no_value(node, "the number has more than 64 bits: if it is a text, quote it")
    return value


def _fraction(loader: Any, node: yaml.ScalarNode) -> float:
    value = float(loader.construct_scalar(node))
    if not math.isfinite(value):
        raise _no_value(node, "the number is too large: if it is a text, quote it")
    return value


def _moment(loader: Any, node: yaml.ScalarNode) -> date:
    try:
        moment: date = loader.construct_yaml_timestamp(node)
    except (ValueError, OverflowError) as error:
        raise _no_value(node, f"{node.value} is no date: {error}") from None
    return moment


def _no_value(node: yaml.Node, problem: str) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(None, None, problem, node.start_mark)


Loader.add_constructor(TAG + "int", _integer)
Loader.add_constructor(TAG + "float", _fraction)
Loader.add_constructor(TAG + "timestamp", _moment)


def compose(path: Path, text: str, loader: Any = Loader) -> yaml.Node:
    """The tree of a YAML text. `path` is its file, for messages.

    Raises:
        SpecError: it is not YAML, or more than plain data of a size that a person writes.
    """
    try:
        mistake = next(_excesses(path, yaml.parse(text, Loader=loader)), None)
        node = None if mistake else yaml.compose(text, Loader=loader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        another = error.problem == "but found another document"
        problem = ONE_DOCUMENT if another else f"not YAML: {error.problem}"
        raise SpecError((Mistake(path, line, "", problem),)) from None
    except yaml.reader.ReaderError as error:
        message = f"not YAML: {error.reason} at character {error.position + 1}"
        raise SpecError((Mistake(path, None, "", message),)) from None
    if mistake:
        raise SpecError((mistake,))
    if node is None:
        raise SpecError((Mistake(path, None, "", "is empty"),))
    size, depth = _measures(node, {})
    if size > MOST_NODES or depth > DEEPEST + 1:
        message = f"its aliases stand for more than {MOST_NODES} values, or {DEEPEST} levels"
        raise SpecError((Mistake(path, None, "", message),))
    mistakes = tuple(_bad_keys(path, node))
    if mistakes:
        raise SpecError(mistakes)
    return node


def value(path: Path, node: yaml.Node, loader: Any = Loader) -> Any:
    """The data that a tree stands for.

    Raises:
        SpecError: a scalar is no value, such as the date 2025-13-45.
    """
    constructor = loader("")
    try:
        return constructor.construct_document(node)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        raise SpecError((Mistake(path, line, "", str(error.problem)),)) from None
    finally:
        constructor.dispose()


def lines(node: yaml.Node, loc: Loc = ()) -> Iterator[tuple[Loc, int]]:
    """The line where each key and each list item starts."""
    yield loc, node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        for key, item in node.value:
            yield from lines(item, (*loc, key.value))
            yield (*loc, key.value), key.start_mark.line + 1
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield from lines(item, (*loc, index))


def scalars(node: yaml.Node, loc: Loc = ()) -> Iterator[tuple[Loc, yaml.ScalarNode]]:
    """Every scalar that is no key, with its place."""
    if isinstance(node, yaml.MappingNode):
        for key, item in node.value:
            yield from scalars(item, (*loc, key.value))
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield from scalars(item, (*loc, index))
    elif isinstance(node, yaml.ScalarNode):
        yield loc, node


def _excesses(path: Path, events: Iterator[yaml.Event]) -> Iterator[Mistake]:
    """What makes a text more than plain data, before a tree of it takes any memory."""
    depth = count = 0
    open_anchors: list[str | None] = []
    for event in events:
        line = event.start_mark.line + 1 if event.start_mark else None
        count += isinstance(event, yaml.events.NodeEvent)
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            open_anchors.append(event.anchor)
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
            open_anchors.pop()
        if depth > DEEPEST:
            yield Mistake(path, line, "", f"is nested more than {DEEPEST} deep")
        if count > MOST_NODES:
            yield Mistake(path, line, "", f"has more than {MOST_NODES} values")
        if isinstance(event, yaml.AliasEvent) and event.anchor in open_anchors:
            yield Mistake(path, line, "", f"*{event.anchor} stands within what it stands for")
        tag = getattr(event, "tag", None)
        if tag:
            written = tag.replace(TAG, "!!")
            yield Mistake(path, line, "", f"the tag {written} is not read here: leave it out")


def _measures(node: yaml.Node, known: dict[int, tuple[int, int]]) -> tuple[int, int]:
    """How many values a tree stands for, and how deep, each alias counted as what it stands for."""
    if id(node) not in known:
        parts: list[yaml.Node] = []
        if isinstance(node, yaml.MappingNode):
            parts = [item for _, item in node.value]
        elif isinstance(node, yaml.SequenceNode):
            parts = node.value
        of_parts = [_measures(part, known) for part in parts]
        size = 1 + sum(count for count, _ in of_parts)
        known[id(node)] = size, 1 + max((depth for _, depth in of_parts), default=0)
    return known[id(node)]


def _bad_keys(path: Path, node: yaml.Node) -> Iterator[Mistake]:
    """Keys that are no text, and keys that are given twice: PyYAML silently keeps the last."""
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, item in node.value:
            yield from _bad_key(path, key, seen)
            yield from _bad_keys(path, item)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _bad_keys(path, item)
    elif isinstance(node, yaml.ScalarNode):
        yield from _unprintable(path, node)


def _bad_key(path: Path, key: yaml.Node, seen: set[str]) -> Iterator[Mistake]:
    line = key.start_mark.line + 1
    if not isinstance(key, yaml.ScalarNode):
        yield Mistake(path, line, "", "a key is a list or a mapping: it must be a text")
        return
    if key.tag == TAG + "null":
        yield Mistake(path, line, "", "a key is missing before the colon")
    elif key.value in seen:
        yield Mistake(path, line, key.value, "is given twice")
    seen.add(key.value)
    yield from _unprintable(path, key)


def _unprintable(path: Path, node: yaml.ScalarNode) -> Iterator[Mistake]:
    found = CONTROL.search(node.value)
    if found:
        message = f"has the control character U+{ord(found.group()):04X}: leave it out"
        yield Mistake(path, node.start_mark.line + 1, "", message)
