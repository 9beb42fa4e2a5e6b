"""Reads a topic to its end, and what its Avro values become in a table."""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any

from pipeline import codec
from pipeline.clients import records
from pipeline.clients.registry import Registry
from pipeline.repository.connections import Http
from pipeline.repository.target import Target
from pipeline.schemas import Schema, subject_of
from tests.support import hands

# A patient with nothing to clean.
PATIENT = {
    "patient_id": "P1",
    "first_name": "Ada",
    "last_name": "Lee",
    "gender": "F",
    "race": "Asian",
    "birth_date": date(1990, 5, 17),
    "insurance": "Private",
    "medical_history": "None",
}


@dataclass(frozen=True)
class Record:
    key: str
    value: dict[str, Any]
    iteration: int
    generation: int
    timestamp_ms: int
    partition: int
    offset: int


def read(target: Target, topic: str) -> list[Record]:
    """Every Avro record that is in the topic now, in the order of each partition."""
    return [_record(target, message) for message in raw(target, topic)]


def raw(target: Target, topic: str) -> Iterator[Any]:
    """Every message that is in the topic now."""
    # A broker that a test has killed may still be on its way back.
    return records.messages(hands.kafka(target), topic, patience_s=60)


def write(
    target: Target, topic: str, schema: Schema, values: Iterable[tuple[str | None, dict[str, Any]]]
) -> None:
    """Writes records, key and value each, under the topic's registered schema."""
    encode = encoder(target, topic, schema)
    encoded = ((None if key is None else key.encode(), encode(value)) for key, value in values)
    write_raw(target, topic, encoded)


def write_raw(
    target: Target, topic: str, values: Iterable[tuple[bytes | None, bytes | None]]
) -> None:
    """Writes records as they are, key and value each."""
    records.write(hands.kafka(target), topic, values)


def header(target: Target, topic: str) -> bytes:
    """What a value under the topic's registered schema begins with."""
    return codec.header(_latest_id(target, topic))


def encoder(target: Target, topic: str, schema: Schema) -> Callable[[dict[str, Any]], bytes]:
    """Makes values under the topic's registered schema."""
    return codec.encoder(schema, _latest_id(target, topic))


def _latest_id(target: Target, topic: str) -> int:
    return Registry(target.registry).latest(subject_of(topic)).id


def _record(target: Target, message: Any) -> Record:
    headers = {key: int(value) for key, value in message.headers() or () if "." in key}
    value = message.value()
    return Record(
        key=message.key().decode(),
        value=_decoder(target.registry, codec.schema_id(value))(value),
        iteration=headers.get("current.iteration", -1),
        generation=headers.get("task.generation", -1),
        timestamp_ms=message.timestamp()[1],
        partition=message.partition(),
        offset=message.offset(),
    )


@cache
def _decoder(registry: Http, schema_id: int) -> Callable[[bytes], dict[str, Any]]:
    answer = hands.ask(registry, "GET", f"/schemas/ids/{schema_id}")
    return codec.decoder(json.loads(answer.json()["schema"]))


def row(value: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """The columns that a value becomes."""
    columns: dict[str, Any] = {}
    for name, item in value.items():
        if isinstance(item, dict):
            columns |= row(item, f"{prefix}{name}_")
        else:
            columns[f"{prefix}{name}"] = item
    return columns
