"""Creates librdkafka's clients, always with the same options, and tells why they reach nobody.

`properties` are a client's by librdkafka's own names, as a target has them; secrets are references.
"""

import logging
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from confluent_kafka import Consumer, KafkaException, Producer
from confluent_kafka.admin import AdminClient

from pipeline.clients import kafkaerrors
from pipeline.errors import UsageError
from pipeline.repository import connections

Client = TypeVar("Client")
# What librdkafka logs and reports goes to `kafkaerrors.Heard`, and not to stderr.
SILENT = logging.getLogger("pipeline.librdkafka")
SILENT.propagate = False
SILENT.addHandler(logging.NullHandler())


def admin(properties: Mapping[str, str], heard: kafkaerrors.Heard | None = None) -> AdminClient:
    """An admin client. It connects when it is first used; `heard` gets what goes wrong then.

    Raises:
        UsageError: as in every function here, a property is not one of librdkafka's, or has no
            value.
    """
    return _created(AdminClient, _options(properties, heard))


def producer(properties: Mapping[str, str], *, linger_ms: float = 5) -> Producer:
    """A producer. A batch waits up to `linger_ms` for more records."""
    own = {
        # With it, a retry neither duplicates nor reorders records.
        "enable.idempotence": True,
        # Kafka's Java clients use it too, so that a key always has the same partition.
        "partitioner": "murmur2_random",
        "linger.ms": linger_ms,
    }
    return _created(Producer, {**_options(properties), **own})


def consumer(properties: Mapping[str, str]) -> Consumer:
    """A consumer. It reports the end of a partition, and never commits.

    The caller must assign its partitions.
    """
    own = {
        # The consumer joins no group, but the client demands a name.
        "group.id": connections.NO_GROUP,
        "enable.auto.commit": False,
        "enable.partition.eof": True,
        "auto.offset.reset": "earliest",
    }
    return _created(Consumer, {**_options(properties), **own})


def _options(
    properties: Mapping[str, str], heard: kafkaerrors.Heard | None = None
) -> dict[str, Any]:
    listening = {"error_cb": heard.add} if heard else {}
    return {**connections.resolved(properties), **listening, "logger": SILENT}


def _created(make: Callable[[dict[str, Any]], Client], options: dict[str, Any]) -> Client:
    try:
        return make(options)
    except KafkaException as error:
        raise UsageError(f"kafka: {error.args[0].str()}") from None
