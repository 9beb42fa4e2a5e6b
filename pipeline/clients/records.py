"""Writes and reads the records of a topic, as bytes. pipeline/codec.py encodes the values."""

from collections.abc import Iterable, Iterator, Mapping

from confluent_kafka import KafkaError, KafkaException, Message, TopicPartition

from pipeline.clients import librdkafka
from pipeline.errors import ServiceError
from pipeline.repository.connections import SERVERS

TIMEOUT_S = 20


def write(
    kafka: Mapping[str, str], topic: str, records: Iterable[tuple[bytes | None, bytes | None]]
) -> None:
    """Writes records, given as keys and values, and waits until the broker has them.

    Raises:
        ServiceError: the broker is unreachable or refuses a record.
    """
    errors: list[str] = []

    def on_delivery(error: KafkaError | None, _: Message) -> None:
        if error is not None:
            errors.append(error.str())

    producer = librdkafka.producer(kafka)
    for key, value in records:
        producer.produce(topic, key=key, value=value, on_delivery=on_delivery)
        producer.poll(0)
    if producer.flush(TIMEOUT_S) or errors:
        reason = f": {errors[0]}" if errors else ""
        raise ServiceError(f"Kafka at {kafka[SERVERS]} accepts no records for {topic}{reason}")


def messages(
    kafka: Mapping[str, str], topic: str, patience_s: float = TIMEOUT_S
) -> Iterator[Message]:
    """Reads a topic from its start to its current end. Each partition keeps its order.

    `patience_s` is how long to wait for the topic's metadata, in seconds.

    Raises:
        ServiceError: the broker is unreachable or delivers no records.
    """
    consumer = librdkafka.consumer(kafka)
    try:
        unread = set(consumer.list_topics(topic, timeout=patience_s).topics[topic].partitions)
        consumer.assign([TopicPartition(topic, partition, 0) for partition in unread])
        while unread:
            message = consumer.poll(TIMEOUT_S)
            if message is None:
                raise ServiceError(f"Kafka at {kafka[SERVERS]} delivers no records of {topic}")
            error = message.error()
            if error is None:
                yield message
            elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - its public name
                # enable.partition.eof reports the end of a partition as an error.
                unread.discard(message.partition())
            else:
                raise ServiceError(f"Kafka at {kafka[SERVERS]}: {error.str()}")
    except KafkaException as error:
        raise ServiceError(f"Kafka at {kafka[SERVERS]}: {error.args[0].str()}") from None
    finally:
        consumer.close()
