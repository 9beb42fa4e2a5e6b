"""The columns that a JDBC sink writes, from the Avro schemas of its topics.

Confluent's Avro converter (AvroData) sets the Connect types, and Debezium's JDBC sink binds them.
Types are named as PostgreSQL's format_type names them.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from pipeline.privacy import ATTRIBUTE, NONE, READABLE
from pipeline.schemas import Schema, tagged

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
# AvroData ignores Avro's other logical types: such a field has its plain type.
LOGICAL = {
    "date": "date",
    "time-millis": "time without time zone",
    "timestamp-millis": "timestamp with time zone",
}


@dataclass(frozen=True)
class Column:
    """A column. `default` is the schema's default, if the field is text, a number or a boolean.

    `phi` is what it tells of a person: see pipeline/privacy.py.
    """

    name: str
    type: str
    nullable: bool
    comment: str = ""
    default: Any = None
    phi: str = NONE

    @property
    def is_readable(self) -> bool:
        """Whether dashboards may read it."""
        return self.phi in READABLE


class UnknownTypeError(ValueError):
    """No PostgreSQL column type fits a field."""


def columns_of(schemas: Iterable[Schema]) -> tuple[Column, ...]:
    """The columns of a table that takes the records of all these schemas, in the fields' order.

    Raises:
        UnknownTypeError: no column type fits a field, or two schemas give a column different types.
    """
    each = [
        {column.name: column for column in _flattened(tagged(s), "", is_nullable=False)}
        for s in schemas
    ]
    names = dict.fromkeys(name for columns in each for name in columns)
    return tuple(_merged([columns.get(name) for columns in each]) for name in names)


def _merged(versions: list[Column | None]) -> Column:
    columns = [column for column in versions if column]
    first = columns[0]
    types = {column.type for column in columns}
    if len(types) > 1:
        different = " and ".join(sorted(types))
        raise UnknownTypeError(f"{first.name} has different types in the topics: {different}")
    nullable = None in versions or any(column.nullable for column in columns)
    return replace(first, nullable=nullable)


def _flattened(schema: Schema, prefix: str, *, is_nullable: bool) -> Iterator[Column]:
    """The fields as columns. `is_nullable`: the field that holds this schema may be null."""
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
            field.get(ATTRIBUTE, NONE),
        )


def _non_null(name: str, kind: Any) -> tuple[Any, bool]:
    options = kind if isinstance(kind, list) else [kind]
    others = [option for option in options if option != "null"]
    if len(others) != 1:
        raise UnknownTypeError(f"{name} is a union of several types: no column type fits it")
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
        raise UnknownTypeError(f"{name} is a {kind}: no column type fits it")
    return PRIMITIVES[kind]
