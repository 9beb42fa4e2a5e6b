"""Avro values in Confluent's wire format: a zero byte, a 4-byte schema id, the Avro data."""

import io
import json
import struct
from collections.abc import Callable, Mapping
from typing import Any

import fastavro

from pipeline.schemas import Schema, contract

_HEADER = struct.Struct(">bI")
HEADER_BYTES = _HEADER.size


def header(schema_id: int) -> bytes:
    """The first five bytes of every value that is written with this schema."""
    return _HEADER.pack(0, schema_id)


def schema_id(value: bytes) -> int:
    """The id of the schema that a value was written with.

    Raises:
        ValueError: the value is not in the wire format.
    """
    if len(value) < HEADER_BYTES or value[0] != 0:
        raise ValueError(f"not in Confluent's wire format: {value[:HEADER_BYTES]!r}")
    _, number = _HEADER.unpack_from(value)
    return int(number)


def encoder(schema: Schema, schema_id: int) -> Callable[[Mapping[str, Any]], bytes]:
    """A function that encodes records with a registered schema.

    The function raises ValueError if a record does not fit the schema.
    """
    start = header(schema_id)
    avro = fastavro.parse_schema(contract(schema))

    def encode(record: Mapping[str, Any]) -> bytes:
        buffer = io.BytesIO()
        try:
            fastavro.schemaless_writer(buffer, avro, record)
        except (ArithmeticError, AttributeError, KeyError, TypeError, ValueError) as error:
            raise ValueError(f"does not fit the topic's schema: {error}") from None
        return start + buffer.getvalue()

    return encode


def decoder(schema: Schema) -> Callable[[bytes], dict[str, Any]]:
    """A function that decodes values which were encoded with the same schema."""
    avro = fastavro.parse_schema(contract(schema))

    def decode(value: bytes) -> dict[str, Any]:
        record = fastavro.schemaless_reader(io.BytesIO(value[HEADER_BYTES:]), avro, None)
        assert isinstance(record, dict)  # noqa: S101 - a contract is a record
        return record

    return decode


def to_json(schema: Schema, record: Mapping[str, Any]) -> Any:
    """The record in Avro's JSON encoding. Dates and times are numbers, as in the binary encoding.

    Raises:
        ValueError: the record does not fit the schema.
    """
    text = io.StringIO()
    fastavro.json_writer(text, fastavro.parse_schema(contract(schema)), [record])
    return json.loads(text.getvalue())
