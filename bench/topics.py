"""How many records a topic has, and when its first and last were made."""

from collections.abc import Mapping

from confluent_kafka import TopicPartition

from pipeline.clients import librdkafka
from pipeline.clients.kafka import Kafka


def count(kafka: Mapping[str, str], topic: str) -> int:
    """Records written to the topic so far."""
    return sum(Kafka(kafka).ends([topic]).values())


def span_ms(kafka: Mapping[str, str], topic: str) -> int:
    """Time from the first to the last record's timestamp."""
    stamps = [
        _timestamp(kafka, TopicPartition(topic, partition, offset))
        for (_, partition), end in Kafka(kafka).ends([topic]).items()
        if end
        for offset in (0, end - 1)
    ]
    return max(stamps) - min(stamps)


def _timestamp(kafka: Mapping[str, str], position: TopicPartition) -> int:
    consumer = librdkafka.consumer(kafka)
    try:
        consumer.assign([position])
        message = consumer.poll(20)
        assert message is not None
        assert message.error() is None
        return int(message.timestamp()[1])
    finally:
        consumer.close()
