"""The columns that a JDBC sink writes, from the Avro schemas of its topics.

Types are those that Connect gives the records (AvroData of Confluent's converter) and Debezium's
JDBC sink binds, by the names that PostgreSQL's format_type has for them.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from pipeline.schemas import Schema

# Flatten's delimiter in connectors/templates/jdbc-sink.yaml.j2.
DELIMITER = "_"
PRIMITIVES = {
    "string": "text",
    "enum": "text",
    "int": "integer",
    "long": "bigint",
    "float": "real",
    "double": "double precision",
    "boolean": "boolean",
    "bytes": "bytea",
    "fixed": "bytea",
}
# Of Avro's other logical types, Connect gives the plain type.
LOGICAL = {
    "date": "date",
    "time-millis": "time without time zone",
    "timestamp-millis": "timestamp with time zone",
}


@dataclass(frozen=True)
class Column:
    """A column; `default` is the schema's, of a field that is text, a number or a boolean."""

    name: str
    type: str
    nullable: bool
    comment: str = ""
    default: Any = None


class UnknownTypeError(ValueError):
    """A field has a type that is no column's."""


def columns_of(schemas: Iterable[Schema]) -> tuple[Column, ...]:
    """The columns of a table that takes the records of all these schemas, in order.

    Raises:
        UnknownTypeError: a field is no column, or two schemas disagree on a column's type.
    """
    each = [
        {column.name: column for column in _flattened(s, "", is_nullable=False)} for s in schemas
    ]
    names = dict.fromkeys(name for columns in each for name in columns)
    return tuple(_merged([columns.get(name) for columns in each]) for name in names)


def _merged(found: list[Column | None]) -> Column:
    columns = [column for column in found if column]
    first = columns[0]
    types = {column.type for column in columns}
    if len(types) > 1:
        raise UnknownTypeError(f"{first.name} is {' and '.join(sorted(types))} in its topics")
    nullable = None in found or any(column.nullable for column in columns)
    return replace(first, nullable=nullable)


def _flattened(schema: Schema, prefix: str, *, is_nullable: bool) -> Iterator[Column]:
    """`is_nullable` is whether the field may be null that the schema is nested in."""
    for field in schema["fields"]:
        name = f"{prefix}{field['name']}"
        kind, nullable = _non_null(name, field["type"])
        if isinstance(kind, dict) and kind.get("type") == "record":
            yield from _flattened(kind, f"{name}{DELIMITER}", is_nullable=nullable or is_nullable)
            continue
        yield Column(
            name.lower(),
            _type(name, kind),
            nullable or is_nullable,
            field.get("doc", ""),
            field.get("default") if isinstance(kind, str) and kind != "bytes" else None,
        )


def _non_null(name: str, kind: Any) -> tuple[Any, bool]:
    options = kind if isinstance(kind, list) else [kind]
    others = [option for option in options if option != "null"]
    if len(others) != 1:
        raise UnknownTypeError(f"{name} is a union of several types: no column takes it")
    return others[0], len(options) > len(others)


def _type(name: str, kind: Any) -> str:
    if not isinstance(kind, dict):
        return _primitive(name, kind)
    logical = kind.get("logicalType")
    if logical == "decimal":
        return f"numeric({kind['precision']},{kind.get('scale', 0)})"
    if logical in LOGICAL:
        return LOGICAL[logical]
    if kind["type"] == "array":
        return f"{_type(name, kind['items'])}[]"
    return _type(name, kind["type"])


def _primitive(name: str, kind: str) -> str:
    if kind not in PRIMITIVES:
        raise UnknownTypeError(f"{name} is a {kind}: no column takes it")
    return PRIMITIVES[kind]
