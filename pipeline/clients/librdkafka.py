"""librdkafka's clients, set up alike wherever one is opened."""

from typing import Any

from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient


def admin(address: str) -> AdminClient:
    """A client for the broker at host:port; it connects when it is first used."""
    return AdminClient(_options(address))


def producer(address: str, *, linger_ms: float = 5) -> Producer:
    """A producer that waits at most so long for a batch to fill."""
    return Producer(
        {
            **_options(address),
            # A retry neither doubles records nor changes their order.
            "enable.idempotence": True,
            # As Kafka's Java clients choose it: all records of a key are in one partition.
            "partitioner": "murmur2_random",
            "linger.ms": linger_ms,
        }
    )


def consumer(address: str) -> Consumer:
    """A consumer for partitions that it is assigned to; it commits nothing and tells their ends."""
    return Consumer(
        {
            **_options(address),
            # Never joined: assigning partitions takes no group, but the client asks for a name.
            "group.id": "none",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "auto.offset.reset": "earliest",
        }
    )


def _options(address: str) -> dict[str, Any]:
    # log_level 0: an unreachable broker is our message, not librdkafka's lines on stderr.
    return {"bootstrap.servers": address, "log_level": 0}
