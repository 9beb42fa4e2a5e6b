"""Records of a topic: keys and values as bytes; pipeline/codec.py makes and reads the values."""

from collections.abc import Iterable, Iterator

from confluent_kafka import KafkaError, KafkaException, Message, TopicPartition

from pipeline.clients import librdkafka
from pipeline.errors import ServiceError

TIMEOUT_S = 20


def write(kafka: str, topic: str, records: Iterable[tuple[bytes | None, bytes | None]]) -> None:
    """Writes keys and values as they are, and returns when the broker has them.

    Raises:
        ServiceError: the broker does not take them.
    """
    failed: list[str] = []

    def delivered(error: KafkaError | None, _: Message) -> None:
        if error is not None:
            failed.append(error.str())

    producer = librdkafka.producer(kafka)
    for key, value in records:
        producer.produce(topic, key=key, value=value, on_delivery=delivered)
        producer.poll(0)
    if producer.flush(TIMEOUT_S) or failed:
        why = f": {failed[0]}" if failed else ""
        raise ServiceError(f"Kafka at {kafka} takes no records for {topic}{why}")


def messages(kafka: str, topic: str, patience_s: float = TIMEOUT_S) -> Iterator[Message]:
    """What is in the topic now, in the order of each partition.

    `patience_s` is for the broker to tell of the topic.

    Raises:
        ServiceError: the broker does not give the records.
    """
    consumer = librdkafka.consumer(kafka)
    try:
        left = set(consumer.list_topics(topic, timeout=patience_s).topics[topic].partitions)
        consumer.assign([TopicPartition(topic, partition, 0) for partition in left])
        while left:
            message = consumer.poll(TIMEOUT_S)
            if message is None:
                raise ServiceError(f"Kafka at {kafka} gives no records of {topic}")
            if message.error():
                left.discard(message.partition())
            else:
                yield message
    except KafkaException as error:
        raise ServiceError(f"Kafka at {kafka}: {error.args[0].str()}") from None
    finally:
        consumer.close()
