"""What the broker knows of a topic: how many records, and when the first and last were made."""

from confluent_kafka import Consumer, TopicPartition


def consumer(kafka: str) -> Consumer:
    return Consumer(
        {"bootstrap.servers": kafka, "group.id": "bench", "auto.offset.reset": "earliest"}
    )


def ends(kafka: str, topic: str) -> dict[int, int]:
    """The offset after the last record, by partition."""
    client = consumer(kafka)
    try:
        partitions = client.list_topics(topic, timeout=10).topics[topic].partitions
        return {
            partition: client.get_watermark_offsets(TopicPartition(topic, partition), timeout=10)[1]
            for partition in partitions
        }
    finally:
        client.close()


def span_ms(kafka: str, topic: str) -> int:
    """Time from the first to the last record's timestamp."""
    stamps = [
        _timestamp(kafka, TopicPartition(topic, partition, offset))
        for partition, end in ends(kafka, topic).items()
        if end
        for offset in (0, end - 1)
    ]
    return max(stamps) - min(stamps)


def _timestamp(kafka: str, place: TopicPartition) -> int:
    client = consumer(kafka)
    try:
        client.assign([place])
        message = client.poll(20)
        assert message is not None
        return int(message.timestamp()[1])
    finally:
        client.close()
