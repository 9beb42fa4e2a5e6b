"""Writes and reads the records of a topic, as bytes. pipeline/codec.py encodes the values."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition

from pipeline.clients import librdkafka
from pipeline.errors import ServiceError
from pipeline.repository.connections import SERVERS

TIMEOUT_S = 20


def hand_on(
    producer: Producer, topic: str, key: str | bytes | None, value: bytes | None, **options: Any
) -> None:
    """Hands a record to a producer. `options` are those of its `produce`."""
    while True:
        try:
            producer.produce(topic, key=key, value=value, **options)
        except BufferError:
            # The client's queue is full: delivery reports make room.
            producer.poll(1)
        else:
            producer.poll(0)
            return


class Sender:
    """Writes records, and tells whether the broker has them."""

    def __init__(self, kafka: Mapping[str, str]) -> None:
        self._servers = kafka[SERVERS]
        self._producer = librdkafka.producer(kafka)
        self._errors: list[str] = []

    def send(self, topic: str, key: bytes | None, value: bytes | None, **options: Any) -> None:
        """Hands a record on. `options` are those of confluent-kafka's `produce`."""
        hand_on(self._producer, topic, key, value, on_delivery=self._delivered, **options)

    def _delivered(self, error: KafkaError | None, message: Message) -> None:
        if error is not None:
            self._errors.append(f"for {message.topic()}: {error.str()}")

    def settle(self) -> None:
        """Waits until the broker has every record.

        Raises:
            ServiceError: the broker is unreachable or refuses one.
        """
        left = self._producer.flush(TIMEOUT_S)
        if left or self._errors:
            reason = self._errors[0] if self._errors else f"within {TIMEOUT_S} s: {left} are left"
            raise ServiceError(f"Kafka at {self._servers} accepts no records {reason}")


def write(
    kafka: Mapping[str, str], topic: str, records: Iterable[tuple[bytes | None, bytes | None]]
) -> None:
    """Writes records, given as keys and values, and waits until the broker has them.

    Raises:
        ServiceError: the broker is unreachable or refuses a record.
    """
    sender = Sender(kafka)
    for key, value in records:
        sender.send(topic, key, value)
    sender.settle()


def messages(
    kafka: Mapping[str, str], topic: str, patience_s: float = TIMEOUT_S
) -> Iterator[Message]:
    """Reads a topic from its start to its current end. Each partition keeps its order.

    `patience_s` is how long to wait for the topic's metadata, in seconds.

    Raises:
        ServiceError: the broker is unreachable or delivers no records.
    """
    with _consumer(kafka) as consumer:
        partitions = consumer.list_topics(topic, timeout=patience_s).topics[topic].partitions
        starts = {(topic, partition): 0 for partition in partitions}
        yield from _to_the_end(consumer, starts, kafka[SERVERS])


def since(kafka: Mapping[str, str], starts: Mapping[tuple[str, int], int]) -> Iterator[Message]:
    """Reads partitions of topics from an offset each to their current ends.

    What retention has deleted is passed over.

    Raises:
        ServiceError: the broker is unreachable or delivers no records.
    """
    with _consumer(kafka) as consumer:
        yield from _to_the_end(consumer, starts, kafka[SERVERS])


@contextmanager
def _consumer(kafka: Mapping[str, str]) -> Iterator[Consumer]:
    consumer = librdkafka.consumer(kafka)
    try:
        yield consumer
    except KafkaException as error:
        raise ServiceError(f"Kafka at {kafka[SERVERS]}: {error.args[0].str()}") from None
    finally:
        consumer.close()


def _to_the_end(
    consumer: Consumer, starts: Mapping[tuple[str, int], int], servers: str
) -> Iterator[Message]:
    unread = set(starts)
    consumer.assign([TopicPartition(*partition, starts[partition]) for partition in unread])
    while unread:
        message = consumer.poll(TIMEOUT_S)
        if message is None:
            topics = ", ".join(sorted({topic for topic, _ in unread}))
            raise ServiceError(f"Kafka at {servers} delivers no records of {topics}")
        error = message.error()
        if error is None:
            yield message
        elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - its public name
            # enable.partition.eof reports the end of a partition as an error.
            unread.discard((str(message.topic()), int(message.partition() or 0)))
        else:
            raise ServiceError(f"Kafka at {servers}: {error.str()}")
