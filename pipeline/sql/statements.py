"""The CREATE STREAM and CREATE TABLE statements of ksql/, with the position of each part."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path
from typing import Literal, NoReturn

from sqlglot import exp

from pipeline.errors import Mistake, SpecError


@dataclass(frozen=True)
class Source:
    """A file's text, with its variables replaced by their values."""

    file: Path
    text: str

    def mistake(self, offset: int, message: str) -> Mistake:
        """A mistake with the line, the column and the token at an offset."""
        line = self.text.count("\n", 0, offset) + 1
        column = offset - self.text.rfind("\n", 0, offset)
        token = re.match(r"\w+|\S|$", self.text[offset:])
        found = token.group() if token else ""
        return Mistake(self.file, line, f"column {column}, {found!r}", message)

    def refuse(self, offset: int, message: str) -> NoReturn:
        """Raises the mistake as a SpecError."""
        raise SpecError((self.mistake(offset, message),))


@dataclass(frozen=True)
class Column:
    """A declared column. `type` is a value of TYPES or DECIMAL(p, s); `start` is its offset."""

    name: str
    type: str
    is_key: bool
    start: int


@dataclass(frozen=True)
class Window:
    """A window in milliseconds. A TUMBLING window's advance equals its size."""

    size: int
    advance: int


@dataclass(frozen=True)
class Query:
    """The query after AS. `within_ms` is in milliseconds, None without WITHIN."""

    select: exp.Select
    window: Window | None
    within_ms: int | None
    partition_by: exp.Expression | None


@dataclass(frozen=True)
class Statement:
    """A CREATE STREAM or CREATE TABLE. Names are in upper case unless they are quoted in the file.

    `settings` are the values of SET above it. `start` and `end` are its offsets in the file, and
    `places` has the offset of each property of WITH.
    """

    kind: Literal["STREAM", "TABLE"]
    name: str
    columns: tuple[Column, ...]
    properties: Mapping[str, str]
    query: Query | None
    settings: Mapping[str, str]
    source: Source
    start: int
    end: int
    places: Mapping[str, int] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The statement's text, with variables replaced, without the semicolon."""
        return self.source.text[self.start : self.end]

    @property
    def comment(self) -> str:
        """The comment lines directly above the statement, joined to one line."""
        lines = self.source.text[: self.start].rstrip(" \n").split("\n")
        above = list(takewhile(lambda line: line.startswith("--"), reversed(lines)))
        return " ".join(line.removeprefix("--").strip() for line in reversed(above))

    @property
    def line(self) -> int:
        """The line where the statement starts, counted from 1."""
        return self.source.text.count("\n", 0, self.start) + 1

    @property
    def topic(self) -> str:
        """The topic that the statement declares or writes."""
        return self.properties.get("KAFKA_TOPIC", self.name)

    @property
    def sources(self) -> tuple[str, ...]:
        """The streams and tables that the query reads, the left side of a join first."""
        return tuple(name_of(t.this) for t in tables_of(self.query.select)) if self.query else ()

    def refuse(self, node: exp.Expression | None, message: str) -> NoReturn:
        """Raises a SpecError at a part of the query, or at the statement if `node` is None."""
        self.source.refuse(offset_of(node, self.start), message)

    def refuse_property(self, key: str, message: str) -> NoReturn:
        """Raises a SpecError at a property of WITH, or at the statement if the key is not there."""
        self.source.refuse(self.places.get(key, self.start), message)


def upstream(statements: Iterable[Statement], names: Iterable[str]) -> tuple[Statement, ...]:
    """The statements with these names and all that they read directly or indirectly, in order."""
    given = tuple(statements)
    wanted = set(names)
    for statement in reversed(given):
        if statement.name in wanted:
            wanted.update(statement.sources)
    return tuple(statement for statement in given if statement.name in wanted)


def name_of(identifier: exp.Expression) -> str:
    """The name by ksqlDB's rule: in upper case unless it is quoted."""
    name = str(identifier.this)
    return name if identifier.args.get("quoted") else name.upper()


def tables_of(select: exp.Select) -> list[exp.Table]:
    """The streams and tables in FROM and JOIN, the left side of a join first."""
    return [select.args["from_"].this, *(join.this for join in select.args.get("joins") or ())]


def aliases_of(select: exp.Select) -> dict[str, str]:
    """The names of the streams and tables by alias, the left side of a join first."""
    return {
        name_of(t.args["alias"].this) if t.args.get("alias") else name_of(t.this): name_of(t.this)
        for t in tables_of(select)
    }


def offset_of(node: exp.Expression | None, default: int) -> int:
    """The offset of a node's first name or literal in the file, or `default` if it has none."""
    parts = node.walk() if node is not None else ()
    return min((int(part.meta["start"]) for part in parts if "start" in part.meta), default=default)
