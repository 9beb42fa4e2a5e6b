"""CREATE STREAM and CREATE TABLE: what the files of ksql/ hold, and where each part stands."""

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
    """A file's text, variables filled in."""

    file: Path
    text: str

    def mistake(self, offset: int, message: str) -> Mistake:
        """A mistake at an offset, with its column and the token there."""
        line = self.text.count("\n", 0, offset) + 1
        column = offset - self.text.rfind("\n", 0, offset)
        token = re.match(r"\w+|\S|$", self.text[offset:])
        found = token.group() if token else ""
        return Mistake(self.file, line, f"column {column}, {found!r}", message)

    def refuse(self, offset: int, message: str) -> NoReturn:
        """Raises the mistake."""
        raise SpecError((self.mistake(offset, message),))


@dataclass(frozen=True)
class Column:
    """A declared column; `type` is one of the values of TYPES."""

    name: str
    type: str
    is_key: bool
    start: int


@dataclass(frozen=True)
class Window:
    """TUMBLING has an advance equal to its size. Milliseconds."""

    size: int
    advance: int


@dataclass(frozen=True)
class Query:
    """What follows AS."""

    select: exp.Select
    window: Window | None
    within_ms: int | None
    partition_by: exp.Expression | None


@dataclass(frozen=True)
class Statement:
    """CREATE STREAM or TABLE. Names are in upper case unless they were quoted."""

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
        """As it stands in the file, variables filled in, without the semicolon."""
        return self.source.text[self.start : self.end]

    @property
    def comment(self) -> str:
        """The lines of comment right above it, as one."""
        lines = self.source.text[: self.start].rstrip(" \n").split("\n")
        above = list(takewhile(lambda line: line.startswith("--"), reversed(lines)))
        return " ".join(line.removeprefix("--").strip() for line in reversed(above))

    @property
    def line(self) -> int:
        """Counted from 1."""
        return self.source.text.count("\n", 0, self.start) + 1

    @property
    def topic(self) -> str:
        """The topic that it reads, or writes."""
        return self.properties.get("KAFKA_TOPIC", self.name)

    @property
    def sources(self) -> tuple[str, ...]:
        """The streams and tables that the query reads, the left one of a join first."""
        return tuple(name_of(t.this) for t in tables_of(self.query.select)) if self.query else ()

    def refuse(self, node: exp.Expression | None, message: str) -> NoReturn:
        """Raises a mistake at a part of the query."""
        self.source.refuse(offset_of(node, self.start), message)

    def refuse_property(self, key: str, message: str) -> NoReturn:
        """Raises a mistake at a property of WITH, or else at the statement."""
        self.source.refuse(self.places.get(key, self.start), message)


def upstream(statements: Iterable[Statement], names: Iterable[str]) -> tuple[Statement, ...]:
    """The statements of these names and all that they build on, in order."""
    given = tuple(statements)
    wanted = set(names)
    for statement in reversed(given):
        if statement.name in wanted:
            wanted.update(statement.sources)
    return tuple(statement for statement in given if statement.name in wanted)


def name_of(identifier: exp.Expression) -> str:
    """ksqlDB's rule: upper case unless quoted."""
    name = str(identifier.this)
    return name if identifier.args.get("quoted") else name.upper()


def tables_of(select: exp.Select) -> list[exp.Table]:
    """What a query reads, the left one of a join first."""
    return [select.args["from_"].this, *(join.this for join in select.args.get("joins") or ())]


def aliases_of(select: exp.Select) -> dict[str, str]:
    """What a query reads by its aliases, the left one of a join first."""
    return {
        name_of(t.args["alias"].this) if t.args.get("alias") else name_of(t.this): name_of(t.this)
        for t in tables_of(select)
    }


def offset_of(node: exp.Expression | None, default: int) -> int:
    """Where in the file a part of a query begins, by the first name or literal in it."""
    parts = node.walk() if node is not None else ()
    return min((int(part.meta["start"]) for part in parts if "start" in part.meta), default=default)
