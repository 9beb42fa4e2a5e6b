"""Creates librdkafka's clients, always with the same options."""

from typing import Any

from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient


def admin(address: str) -> AdminClient:
    """An admin client for a broker (host:port). It connects when it is first used."""
    return AdminClient(_options(address))


def producer(address: str, *, linger_ms: float = 5) -> Producer:
    """A producer for a broker (host:port). A batch waits up to `linger_ms` for more records."""
    return Producer(
        {
            **_options(address),
            # With it, a retry neither duplicates nor reorders records.
            "enable.idempotence": True,
            # Kafka's Java clients use it too, so that a key always has the same partition.
            "partitioner": "murmur2_random",
            "linger.ms": linger_ms,
        }
    )


def consumer(address: str) -> Consumer:
    """A consumer for a broker (host:port). It reports the end of a partition, and never commits.

    The caller must assign its partitions.
    """
    return Consumer(
        {
            **_options(address),
            # The consumer joins no group, but the client demands a name.
            "group.id": "none",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "auto.offset.reset": "earliest",
        }
    )


def _options(address: str) -> dict[str, Any]:
    # log_level 0: for an unreachable broker, we print our message and not librdkafka's lines.
    return {"bootstrap.servers": address, "log_level": 0}
