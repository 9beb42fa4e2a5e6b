"""Reads a topic to its end, and what its Avro values become in a table."""

import io
import json
import struct
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import fastavro
import requests
from confluent_kafka import Consumer, Producer, TopicPartition

from pipeline.schemas import Schema, contract
from pipeline.target import Target

WIRE_HEADER = 5  # Confluent's wire format: a zero byte and the schema's id, big-endian


# As Kafka's own clients choose it: ksqlDB looks for a foreign key by it.
MURMUR2 = {"partitioner": "murmur2_random"}


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
    options = {
        "bootstrap.servers": target.kafka,
        "group.id": "none",
        "enable.auto.commit": False,
        "enable.partition.eof": True,
        "auto.offset.reset": "earliest",
    }
    consumer = Consumer(options)
    try:
        # A broker that a test has killed may still be on its way back.
        partitions = list(consumer.list_topics(topic, timeout=60).topics[topic].partitions)
        consumer.assign([TopicPartition(topic, partition, 0) for partition in partitions])
        left = set(partitions)
        while left:
            message = consumer.poll(20)
            assert message is not None, f"{topic}: nothing more comes, and no end"
            if message.error():
                left.discard(message.partition())
            else:
                yield message
    finally:
        consumer.close()


def write(
    target: Target, topic: str, schema: Schema, values: Iterable[tuple[str | None, dict[str, Any]]]
) -> None:
    """Writes records, key and value each, under the topic's registered schema."""
    encode = encoder(target, topic, schema)
    producer = Producer({**MURMUR2, "bootstrap.servers": target.kafka, "linger.ms": 5})
    for key, value in values:
        producer.produce(topic, key=key, value=encode(value))
        producer.poll(0)
    assert producer.flush(30) == 0


def write_raw(
    target: Target, topic: str, values: Iterable[tuple[bytes | None, bytes | None]]
) -> None:
    """Writes records as they are, key and value each."""
    producer = Producer({**MURMUR2, "bootstrap.servers": target.kafka})
    for key, value in values:
        producer.produce(topic, key=key, value=value)
    assert producer.flush(30) == 0


def header(target: Target, topic: str) -> bytes:
    """What a value of Confluent's wire format begins with, of the topic's registered schema."""
    url = f"{target.registry}/subjects/{topic}-value/versions/latest"
    return struct.pack(">bI", 0, requests.get(url, timeout=10).json()["id"])


def encoder(target: Target, topic: str, schema: Schema) -> Callable[[dict[str, Any]], bytes]:
    """Makes values Confluent's wire format, under the topic's registered schema."""
    begin = header(target, topic)
    avro = fastavro.parse_schema(contract(schema))

    def encode(value: dict[str, Any]) -> bytes:
        buffer = io.BytesIO()
        fastavro.schemaless_writer(buffer, avro, value)
        return begin + buffer.getvalue()

    return encode


def _record(target: Target, message: Any) -> Record:
    headers = {key: int(value) for key, value in message.headers() or () if "." in key}
    value = message.value()
    schema = _schema(target.registry, int.from_bytes(value[1:WIRE_HEADER], "big"))
    decoded = fastavro.schemaless_reader(io.BytesIO(value[WIRE_HEADER:]), schema, None)
    assert isinstance(decoded, dict)
    return Record(
        key=message.key().decode(),
        value=decoded,
        iteration=headers.get("current.iteration", -1),
        generation=headers.get("task.generation", -1),
        timestamp_ms=message.timestamp()[1],
        partition=message.partition(),
        offset=message.offset(),
    )


@cache
def _schema(registry: str, schema_id: int) -> Any:
    answer = requests.get(f"{registry}/schemas/ids/{schema_id}", timeout=10)
    return fastavro.parse_schema(json.loads(answer.json()["schema"]))


def row(value: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """The columns that a value becomes."""
    columns: dict[str, Any] = {}
    for name, item in value.items():
        if isinstance(item, dict):
            columns |= row(item, f"{prefix}{name}_")
        else:
            columns[f"{prefix}{name}"] = item
    return columns
