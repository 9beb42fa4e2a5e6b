"""Records of a topic: Avro in Confluent's wire format, a zero byte, the schema's id, the value."""

import io
import struct
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import fastavro
from confluent_kafka import (
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    Producer,
    TopicPartition,
)

from pipeline.errors import ServiceError
from pipeline.schemas import Schema, contract

HEADER = struct.Struct(">bI")
TIMEOUT_S = 20


def encode(schema: Schema, schema_id: int, value: Mapping[str, Any]) -> bytes:
    """A value under a registered schema.

    Raises:
        ValueError: the value does not fit the schema.
    """
    buffer = io.BytesIO(HEADER.pack(0, schema_id))
    buffer.seek(0, io.SEEK_END)
    try:
        fastavro.schemaless_writer(buffer, fastavro.parse_schema(contract(schema)), value)
    except (TypeError, ValueError, AttributeError, KeyError) as error:
        raise ValueError(f"does not fit the topic's schema: {error}") from None
    return buffer.getvalue()


def decode(schema: Schema, value: bytes) -> dict[str, Any]:
    """What `encode` was given."""
    body = io.BytesIO(value[HEADER.size :])
    found = fastavro.schemaless_reader(body, fastavro.parse_schema(contract(schema)), None)
    assert isinstance(found, dict)  # noqa: S101 - a contract is a record
    return found


def write(kafka: str, topic: str, records: Iterable[tuple[bytes | None, bytes | None]]) -> None:
    """Writes keys and values as they are, and returns when the broker has them.

    Raises:
        ServiceError: the broker does not take them.
    """
    failed: list[str] = []

    def delivered(error: KafkaError | None, _: Message) -> None:
        if error is not None:
            failed.append(error.str())

    producer = Producer({"bootstrap.servers": kafka, "partitioner": "murmur2_random"})
    for key, value in records:
        producer.produce(topic, key=key, value=value, on_delivery=delivered)
    if producer.flush(TIMEOUT_S) or failed:
        why = f": {failed[0]}" if failed else ""
        raise ServiceError(f"Kafka at {kafka} takes no records for {topic}{why}")


def read(kafka: str, topic: str) -> Iterator[tuple[bytes | None, bytes | None]]:
    """Keys and values that are in the topic now, in the order of each partition.

    Raises:
        ServiceError: the broker does not give them.
    """
    options = {
        "bootstrap.servers": kafka,
        "group.id": "none",
        "enable.auto.commit": False,
        "enable.partition.eof": True,
        "auto.offset.reset": "earliest",
    }
    consumer = Consumer(options)
    try:
        partitions = set(consumer.list_topics(topic, timeout=TIMEOUT_S).topics[topic].partitions)
        consumer.assign([TopicPartition(topic, partition, 0) for partition in partitions])
        while partitions:
            message = consumer.poll(TIMEOUT_S)
            if message is None:
                raise ServiceError(f"Kafka at {kafka} gives no records of {topic}")
            if message.error():
                partitions.discard(message.partition())
            else:
                yield message.key(), message.value()
    except KafkaException as error:
        raise ServiceError(f"Kafka at {kafka}: {error.args[0].str()}") from None
    finally:
        consumer.close()
