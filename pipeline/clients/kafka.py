"""Topics, by Kafka's admin API."""

from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from typing import Any

from confluent_kafka import (
    ConsumerGroupTopicPartitions,
    KafkaException,
    TopicCollection,
    TopicPartition,
)
from confluent_kafka.admin import (
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ConfigSource,
    NewPartitions,
    NewTopic,
    OffsetSpec,
    ResourceType,
)

from pipeline.clients import librdkafka
from pipeline.errors import ServiceError
from pipeline.live import LiveTopic

TIMEOUT_S = 20


class Kafka:
    """A Kafka cluster."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._admin = librdkafka.admin(address)

    def topics(self, names: Iterable[str]) -> dict[str, LiveTopic]:
        """Those of the topics that exist.

        Raises:
            ServiceError: here and in every method, the broker is unreachable or refuses.
        """
        try:
            listed = self._admin.list_topics(timeout=TIMEOUT_S / 4).topics
        except KafkaException as error:
            raise self._unreachable(error) from None
        found = [name for name in names if name in listed]
        configs = self._configs(found)
        return {
            name: LiveTopic(
                name,
                len(listed[name].partitions),
                len(listed[name].partitions[0].replicas),
                configs[name],
            )
            for name in found
        }

    def topic_ids(self, names: Iterable[str]) -> dict[str, str]:
        """The identity of each topic: another one if it was deleted and created again."""
        futures = self._admin.describe_topics(TopicCollection(list(names)))
        return {name: str(self._result(future).topic_id) for name, future in futures.items()}

    def ends(self, names: Iterable[str]) -> dict[tuple[str, int], int]:
        """The offset after the last record, by topic and partition, of the topics that exist."""
        places = [
            TopicPartition(name, partition)
            for name, topic in self.topics(names).items()
            for partition in range(topic.partitions)
        ]
        latest = {place: OffsetSpec.latest() for place in places}
        futures = self._admin.list_offsets(latest, request_timeout=TIMEOUT_S) if places else {}
        return {
            (place.topic, place.partition): self._result(future).offset
            for place, future in futures.items()
        }

    def committed(self, group: str) -> dict[tuple[str, int], int]:
        """The offsets that a consumer group has committed."""
        request = [ConsumerGroupTopicPartitions(group)]
        (future,) = self._admin.list_consumer_group_offsets(request).values()
        found = self._result(future).topic_partitions
        return {(place.topic, place.partition): place.offset for place in found}

    def lags(self, groups: Mapping[str, Iterable[str]]) -> dict[str, int]:
        """Records that each consumer group has yet to read of its topics."""
        ends = self.ends({topic for topics in groups.values() for topic in topics})
        return {
            group: lag(
                {at: end for at, end in ends.items() if at[0] in topics}, self.committed(group)
            )
            for group, topics in groups.items()
        }

    def _configs(self, names: list[str]) -> dict[str, Mapping[str, str]]:
        if not names:
            return {}
        resources = [ConfigResource(ResourceType.TOPIC, name) for name in names]
        futures = self._admin.describe_configs(resources, request_timeout=TIMEOUT_S)
        dynamic = ConfigSource.DYNAMIC_TOPIC_CONFIG.value
        return {
            resource.name: {
                entry.name: str(entry.value)
                for entry in self._result(future).values()
                if entry.source == dynamic
            }
            for resource, future in futures.items()
        }

    def create(
        self, name: str, partitions: int, replication: int, config: Mapping[str, str]
    ) -> None:
        """Creates a topic."""
        topic = NewTopic(
            name,
            num_partitions=partitions,
            replication_factor=replication,
            config=dict(config),
        )
        self._all(self._admin.create_topics([topic], request_timeout=TIMEOUT_S))

    def grow(self, name: str, partitions: int) -> None:
        """Gives a topic more partitions."""
        futures = self._admin.create_partitions(
            [NewPartitions(name, partitions)], request_timeout=TIMEOUT_S
        )
        self._all(futures)

    def configure(self, name: str, wanted: Mapping[str, str], live: Mapping[str, str]) -> None:
        """Makes a topic's own configuration what is wanted, and no more."""
        entries = [
            ConfigEntry(key, wanted.get(key), incremental_operation=_operation(key, wanted))
            for key in sorted(wanted.keys() | live.keys())
            if wanted.get(key) != live.get(key)
        ]
        resource = ConfigResource(ResourceType.TOPIC, name, incremental_configs=entries)
        self._all(self._admin.incremental_alter_configs([resource], request_timeout=TIMEOUT_S))

    def delete(self, names: list[str]) -> None:
        """Deletes topics with all they hold."""
        if names:
            self._all(self._admin.delete_topics(names, request_timeout=TIMEOUT_S))

    def _all(self, futures: Mapping[Any, Future[Any]]) -> None:
        for future in futures.values():
            self._result(future)

    def _result(self, future: Future[Any]) -> Any:
        try:
            return future.result(timeout=TIMEOUT_S)
        except KafkaException as error:
            raise ServiceError(f"Kafka at {self.address}: {error.args[0].str()}") from None

    def _unreachable(self, error: KafkaException) -> ServiceError:
        return ServiceError(
            f"Kafka cannot be reached at {self.address} ({error.args[0].str()}): is it up?"
            " `make status` shows it, `make up` starts it"
        )


def _operation(key: str, wanted: Mapping[str, str]) -> AlterConfigOpType:
    return AlterConfigOpType.SET if key in wanted else AlterConfigOpType.DELETE


def lag(ends: Mapping[tuple[str, int], int], done: Mapping[tuple[str, int], int]) -> int:
    """Records between what a reader has done and the end of what it reads."""
    return sum(end - max(0, done.get(place, 0)) for place, end in ends.items())
