"""Rows that were expected, and rows that are there. Pure."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

Row = dict[str, Any]


@dataclass(frozen=True)
class Difference:
    """What one topic has too little and too much of."""

    topic: str
    missing: tuple[Row, ...]
    unexpected: tuple[Row, ...]


def newest(records: Iterable[tuple[bytes | None, Row | None]]) -> list[Row]:
    """The rows of a table: of each key the newest record, unless it has no value."""
    return [row for row in dict(records).values() if row is not None]


def compare(topic: str, expected: Sequence[Row], found: Sequence[Row]) -> Difference | None:
    """The difference, of the columns that are expected; None if there is none."""
    columns = {column.lower() for row in expected for column in row}
    left = [{name.lower(): value for name, value in row.items()} for row in found]
    missing: list[Row] = []
    for row in expected:
        match = next((other for other in left if _fits(row, other)), None)
        if match is None:
            missing.append(row)
        else:
            left.remove(match)
    if not missing and not left:
        return None
    shown = [{c: v for c, v in row.items() if c in columns or not columns} for row in left]
    return Difference(topic, tuple(missing), tuple(shown))


def _fits(expected: Row, found: Row) -> bool:
    return all(_equal(value, found.get(name.lower())) for name, value in expected.items())


def _equal(expected: Any, found: Any) -> bool:
    if isinstance(expected, float | int) and isinstance(found, float):
        return math.isclose(expected, found, rel_tol=1e-9, abs_tol=1e-12)
    if isinstance(expected, datetime) and isinstance(found, datetime):
        return _aware(expected) == _aware(found)
    if isinstance(expected, dict) and isinstance(found, dict):
        return expected.keys() <= found.keys() and all(
            _equal(value, found[name]) for name, value in expected.items()
        )
    return type(expected) is type(found) and bool(expected == found)


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def written(row: Row) -> str:
    """A row in one line, as YAML's flow style would have it."""
    return "{" + ", ".join(f"{name}: {_plain(value)}" for name, value in row.items()) + "}"


def _plain(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    return _aware(value).isoformat() if isinstance(value, datetime) else str(value)
