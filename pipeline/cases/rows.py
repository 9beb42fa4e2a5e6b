"""Compares expected rows with actual rows. Calls no service."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

Row = dict[str, Any]


@dataclass(frozen=True)
class Difference:
    """The expected rows that a topic lacks, and the rows that it has but should not."""

    topic: str
    missing: tuple[Row, ...]
    unexpected: tuple[Row, ...]


def newest(records: Iterable[tuple[bytes | None, Row | None]]) -> list[Row]:
    """The rows of a table: the newest value of each key, without deleted keys."""
    return [row for row in dict(records).values() if row is not None]


def compare(topic: str, expected: Sequence[Row], actual: Sequence[Row]) -> Difference | None:
    """The difference in the columns that are expected; None if there is none.

    The order of rows and the case of column names do not matter.
    """
    columns = {column.lower() for row in expected for column in row}
    found = [{name.lower(): value for name, value in row.items()} for row in actual]
    pairs = _pairs(expected, found)
    missing = [row for i, row in enumerate(expected) if i not in pairs.values()]
    unmatched = [row for i, row in enumerate(found) if i not in pairs]
    if not missing and not unmatched:
        return None
    shown = [{c: v for c, v in row.items() if c in columns or not columns} for row in unmatched]
    return Difference(topic, tuple(missing), tuple(shown))


def _pairs(expected: Sequence[Row], found: Sequence[Row]) -> dict[int, int]:
    """The expected row of each row that is there, by position: as many pairs as there can be.

    A row that fits several is moved if that makes room for another one (Kuhn's algorithm).
    """
    fits = [[j for j, other in enumerate(found) if _fits(row, other)] for row in expected]
    pairs: dict[int, int] = {}

    def place(i: int, tried: set[int]) -> bool:
        for j in sorted(fits[i], key=lambda j: j in pairs):
            if j not in tried:
                tried.add(j)
                if j not in pairs or place(pairs[j], tried):
                    pairs[j] = i
                    return True
        return False

    for i in range(len(expected)):
        place(i, set())
    return pairs


def _fits(expected: Row, actual: Row) -> bool:
    return all(_equal(value, actual.get(name.lower())) for name, value in expected.items())


def _equal(expected: Any, actual: Any) -> bool:
    if isinstance(expected, float | int) and isinstance(actual, float):
        return math.isclose(expected, actual, rel_tol=1e-9, abs_tol=1e-12)
    if isinstance(expected, datetime) and isinstance(actual, datetime):
        return _aware(expected) == _aware(actual)
    if isinstance(expected, dict) and isinstance(actual, dict):
        return expected.keys() <= actual.keys() and all(
            _equal(value, actual[name]) for name, value in expected.items()
        )
    return type(expected) is type(actual) and bool(expected == actual)


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def written(row: Row) -> str:
    """A row in one line, in YAML's flow style."""
    return "{" + ", ".join(f"{name}: {_plain(value)}" for name, value in row.items()) + "}"


def _plain(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    return _aware(value).isoformat() if isinstance(value, datetime) else str(value)
