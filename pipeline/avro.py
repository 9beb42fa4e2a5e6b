"""Avro's rules, which registries apply: what a schema may be, and which can read which."""

import json
import math
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from avro import schema as avro
from avro.compatibility import (
    ReaderWriterCompatibilityChecker,
    SchemaCompatibilityType,
    lookup_writer_field,
    schema_name_equals,
)
from avro.errors import AvroException, IgnoredLogicalType
from fastavro.schema import UnknownType, parse_schema

from pipeline.schemas import Schema, compact, contract
from pipeline.suggest import unknown

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
TYPES = (
    "null", "boolean", "int", "long", "float", "double", "bytes", "string", "record", "enum",
    "array", "map", "fixed",
)  # fmt: skip
INT, LONG = 2**31, 2**63


def problem(schema: Any) -> str | None:
    """Why this is not an Avro record schema; None if it is one."""
    if not isinstance(schema, dict) or schema.get("type") != "record":
        return "the top level must be a record"
    told = _misshapen(schema.get("fields")) or _unknown_type(schema)
    if told:
        return f"not an Avro schema: {told}"
    try:
        parsed = _parsed(contract(schema))
    # The library takes the shape of what it reads for granted.
    except Exception as error:
        return f"not an Avro schema: {error}"
    return next(_unfit(parsed, set()), None)


def _misshapen(fields: Any) -> str:
    if not isinstance(fields, list):
        return "a record has `fields`, a list"
    for field in fields:
        if not isinstance(field, dict) or not isinstance(field.get("name"), str):
            return "a field is a mapping with a `name`, a text"
        if "type" not in field:
            return f"the field {field['name']} has no `type`"
    return ""


def _unknown_type(schema: Schema) -> str:
    """fastavro names a type that is unknown; Avro's own library tells only that one is."""
    try:
        parse_schema(contract(schema), _write_hint=False)
    except UnknownType as error:
        return unknown("type", str(error.name), TYPES)
    # What else is wrong is told by Avro's own library.
    except Exception:
        return ""
    return ""


def _parsed(schema: Any) -> avro.Schema:
    with warnings.catch_warnings():
        # A logical type that does not fit its type is ignored, as the specification says.
        warnings.simplefilter("ignore", IgnoredLogicalType)
        parsed: avro.Schema = avro.parse(json.dumps(schema))
    return parsed


def _unfit(schema: avro.Schema, seen: set[str]) -> Iterator[str]:
    """What Avro's library for Python lets pass: names of fields, and their defaults."""
    if isinstance(schema, avro.RecordSchema):
        if schema.fullname in seen:
            return
        seen.add(schema.fullname)
        for field in schema.fields:
            if not NAME.fullmatch(field.name):
                yield (
                    f"field {field.name}: a name has letters, digits and _, and begins with no"
                    " digit"
                )
            if field.has_default and not _is_value(field.default, field.type):
                type_ = compact(field.type.to_json())
                yield f"field {field.name}: {json.dumps(field.default)} is no default of {type_}"
            yield from _unfit(field.type, seen)
    for inner in _inner(schema):
        yield from _unfit(inner, seen)


def _inner(schema: avro.Schema) -> Sequence[avro.Schema]:
    if isinstance(schema, avro.UnionSchema):
        return tuple(schema.schemas)
    if isinstance(schema, avro.ArraySchema):
        return (schema.items,)
    return (schema.values,) if isinstance(schema, avro.MapSchema) else ()


def _is_value(value: Any, schema: avro.Schema) -> bool:
    """Whether JSON is a default of the type. That of a union is of any of its types."""
    if isinstance(schema, avro.UnionSchema):
        return any(_is_value(value, one) for one in schema.schemas)
    if isinstance(schema, avro.ArraySchema):
        return isinstance(value, list) and all(_is_value(v, schema.items) for v in value)
    if isinstance(schema, avro.MapSchema):
        return isinstance(value, dict) and all(_is_value(v, schema.values) for v in value.values())
    if isinstance(schema, avro.RecordSchema):
        return isinstance(value, dict) and all(
            _is_value(value[field.name], field.type) if field.name in value else field.has_default
            for field in schema.fields
        )
    if isinstance(schema, avro.EnumSchema):
        return value in schema.symbols
    return _is_plain_value(value, schema.type)


def _is_plain_value(value: Any, type_: str) -> bool:
    number = isinstance(value, int) and not isinstance(value, bool)
    return {
        "null": value is None,
        "boolean": isinstance(value, bool),
        "int": number and -INT <= value < INT,
        "long": number and -LONG <= value < LONG,
        "float": number or (isinstance(value, float) and math.isfinite(value)),
        "double": number or (isinstance(value, float) and math.isfinite(value)),
    }.get(type_, isinstance(value, str))


def incompatibilities(level: str, new: Schema, older: Mapping[int, Schema]) -> tuple[str, ...]:
    """Why a schema is not compatible with older versions, field by field; empty if it is.

    `older` is by number of version. A level that is not transitive is about the newest of them.
    """
    transitive = level.endswith("_TRANSITIVE")
    direction = level.removesuffix("_TRANSITIVE")
    numbers = sorted(older, reverse=True)[: None if transitive else 1]
    found: list[str] = []
    for number in numbers:
        ours, theirs = ("the declared schema", new), (f"version {number}", older[number])
        if direction in {"BACKWARD", "FULL"}:
            found += _unreadable(ours, theirs)
        if direction in {"FORWARD", "FULL"}:
            found += _unreadable(theirs, ours)
    return tuple(dict.fromkeys(found))


def _unreadable(reader: tuple[str, Schema], writer: tuple[str, Schema]) -> Iterator[str]:
    """Why what was written by one schema cannot be read by another; each has a name in words."""
    (reads, new), (writes, old) = reader, writer
    try:
        new_record, old_record = _parsed(new), _parsed(old)
    except AvroException as error:
        yield f"{reads} and {writes} cannot be compared: {error}"
        return
    if not isinstance(new_record, avro.RecordSchema) or not isinstance(
        old_record, avro.RecordSchema
    ):
        yield f"{reads} and {writes} are not both records"
        return
    if not schema_name_equals(new_record, old_record):
        yield f"the record is {new_record.name} in {reads}, and {old_record.name} in {writes}"
    for field in new_record.fields:
        written = lookup_writer_field(old_record, field)
        if written is None and not field.has_default:
            yield f"field {field.name} has no default in {reads}, and is missing in {writes}"
        elif written is not None:
            result = ReaderWriterCompatibilityChecker().get_compatibility(field.type, written.type)
            if result.compatibility is SchemaCompatibilityType.incompatible:
                ours, theirs = compact(field.type.to_json()), compact(written.type.to_json())
                why = "; ".join(sorted(result.messages))
                yield (
                    f"field {field.name} is {ours} in {reads}, which cannot read {theirs} of"
                    f" {writes} ({why})"
                )
