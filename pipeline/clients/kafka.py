"""Topics and offsets, by Kafka's admin API."""

import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future
from typing import Any

from confluent_kafka import (
    ConsumerGroupTopicPartitions,
    KafkaError,
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
    TopicMetadata,
)

from pipeline.clients import kafkaerrors, lags, librdkafka, waiting
from pipeline.clients.lags import Bounds, Lag, Partition
from pipeline.errors import DeniedError, RefusedError, ServiceError
from pipeline.live import LiveTopic
from pipeline.repository.connections import SERVERS

METADATA_S = 5
READ_S = 8
CHANGE_S = 20


class Kafka:
    """A Kafka cluster, as a client with these properties sees it: librdkafka's, by their names."""

    def __init__(self, properties: Mapping[str, str]) -> None:
        self.address = properties[SERVERS]
        self.properties = properties
        self._heard = kafkaerrors.Heard()
        self._admin = librdkafka.admin(properties, self._heard)

    def topics(self, names: Iterable[str]) -> dict[str, LiveTopic]:
        """The topics of these names that exist, or that we may not see.

        Raises:
            ServiceError: as in every method, the broker is unreachable or answers with an error.
        """
        found, hidden = self._found(tuple(names))
        configs = self._configs(list(found))
        seen = {
            name: LiveTopic(
                name,
                len(topic.partitions),
                len(topic.partitions[0].replicas),
                config or {},
                hidden=config is None,
            )
            for name, topic in found.items()
            for config in [configs[name]]
        }
        return {**seen, **{name: LiveTopic(name, 0, 0, {}, hidden=True) for name in hidden}}

    def topic_ids(self, names: Iterable[str]) -> dict[str, str]:
        """The ids of topics. A topic that is deleted and created again gets a new id."""
        return {name: identity for name, (identity, _) in self.identities(names).items()}

    def identities(self, names: Iterable[str]) -> dict[str, tuple[str, int]]:
        """The ids of topics, and how many partitions they have."""
        futures = self._admin.describe_topics(TopicCollection(list(names)), request_timeout=READ_S)
        found = {name: self._result(future, READ_S) for name, future in futures.items()}
        return {name: (str(topic.topic_id), len(topic.partitions)) for name, topic in found.items()}

    def ends(self, names: Iterable[str]) -> dict[Partition, int]:
        """The end offsets of the topics that exist, by topic and partition."""
        return self._offsets(dict.fromkeys(self._partitions(names), OffsetSpec.latest()))

    def bounds(self, names: Iterable[str]) -> Bounds:
        """The first and the end offsets of the topics that exist."""
        partitions = self._partitions(names)
        starts = self._offsets(dict.fromkeys(partitions, OffsetSpec.earliest()))
        ends = self._offsets(dict.fromkeys(partitions, OffsetSpec.latest()))
        return {partition: (start, ends[partition]) for partition, start in starts.items()}

    def existing(self, names: Iterable[str]) -> dict[str, int]:
        """The topics of these names that exist, with their partitions. It takes Describe only.

        Raises:
            DeniedError: there may be topics of these names, and we may not see them.
        """
        found, hidden = self._found(tuple(names))
        if hidden:
            raise self._denied(f"it may not see {', '.join(hidden)}")
        return {name: len(topic.partitions) for name, topic in found.items()}

    def _partitions(self, names: Iterable[str]) -> list[TopicPartition]:
        return [
            TopicPartition(name, number)
            for name, partitions in self.existing(names).items()
            for number in range(partitions)
        ]

    def _found(self, names: Sequence[str]) -> tuple[dict[str, TopicMetadata], list[str]]:
        """The topics that exist, and the names of those that are hidden from us, if they do."""
        try:
            with waiting.told(f"Kafka at {self.address}"):
                found = self._admin.list_topics(timeout=METADATA_S).topics
        except KafkaException as error:
            raise self._unreachable(error) from None
        hidden = self._hidden([name for name in names if name not in found])
        return {name: found[name] for name in names if name in found}, hidden

    def _hidden(self, missing: list[str]) -> list[str]:
        """What is missing among all topics may be hidden: asked for by name, Kafka tells."""
        if not missing:
            return []
        asked = self._admin.describe_topics(TopicCollection(missing), request_timeout=READ_S)
        denied = kafkaerrors.is_denied
        return sorted(name for name, future in asked.items() if denied(future.exception(READ_S)))

    def _offsets(self, wanted: dict[TopicPartition, OffsetSpec]) -> dict[Partition, int]:
        futures = self._admin.list_offsets(wanted, request_timeout=READ_S) if wanted else {}
        return {
            (partition.topic, partition.partition): self._result(
                future, READ_S, partition.topic
            ).offset
            for partition, future in futures.items()
        }

    def committed(self, group: str) -> dict[Partition, int]:
        """The committed offsets of a consumer group, by topic and partition."""
        request = [ConsumerGroupTopicPartitions(group)]
        (future,) = self._admin.list_consumer_group_offsets(
            request, request_timeout=READ_S
        ).values()
        partitions = self._result(future, READ_S, group).topic_partitions
        return {(p.topic, p.partition): p.offset for p in partitions}

    def lags(self, groups: Mapping[str, Iterable[str]]) -> dict[str, int]:
        """The lag of each consumer group on its topics, in records."""
        return {group: lags.records(unread) for group, unread in self._unread(groups).items()}

    def lags_with_ages(self, groups: Mapping[str, Iterable[str]]) -> dict[str, Lag]:
        """The same, with the age of the oldest record that a group has yet to read."""
        now_ms = int(time.time() * 1000)
        return {
            group: Lag(
                lags.records(unread),
                max(lags.ages(unread, self._offsets_at, now_ms).values(), default=0),
            )
            for group, unread in self._unread(groups).items()
        }

    def _unread(self, groups: Mapping[str, Iterable[str]]) -> dict[str, Bounds]:
        bounds = self.bounds({topic for topics in groups.values() for topic in topics})
        return {
            group: lags.unread(
                {partition: both for partition, both in bounds.items() if partition[0] in topics},
                self.committed(group),
            )
            for group, topics in groups.items()
        }

    def _offsets_at(self, times_ms: Mapping[Partition, int]) -> dict[Partition, int]:
        return self._offsets(
            {TopicPartition(*p): OffsetSpec.for_timestamp(ms) for p, ms in times_ms.items()}
        )

    def _configs(self, names: list[str]) -> dict[str, Mapping[str, str] | None]:
        """The settings of topics; None of one whose settings we may not see."""
        if not names:
            return {}
        resources = [ConfigResource(ResourceType.TOPIC, name) for name in names]
        futures = self._admin.describe_configs(resources, request_timeout=READ_S)
        return {resource.name: self._settings(future) for resource, future in futures.items()}

    def _settings(self, future: Future[Any]) -> Mapping[str, str] | None:
        try:
            entries = self._result(future, READ_S).values()
        except DeniedError:
            return None
        dynamic = ConfigSource.DYNAMIC_TOPIC_CONFIG.value
        return {entry.name: str(entry.value) for entry in entries if entry.source == dynamic}

    def create(
        self,
        name: str,
        partitions: int,
        replication: int,
        config: Mapping[str, str],
        *,
        trial: bool = False,
    ) -> None:
        """Creates a topic. In a trial, as in the next two methods, the broker only checks it.

        Raises:
            RefusedError: as in the next two methods, the broker does not accept it.
        """
        topic = NewTopic(
            name,
            num_partitions=partitions,
            replication_factor=replication,
            config=dict(config),
        )
        self._all(self._admin.create_topics([topic], **_options(trial=trial)))

    def grow(self, name: str, partitions: int, *, trial: bool = False) -> None:
        """Adds partitions to a topic, up to the given number."""
        wanted = [NewPartitions(name, partitions)]
        self._all(self._admin.create_partitions(wanted, **_options(trial=trial)))

    def configure(
        self,
        name: str,
        wanted: Mapping[str, str],
        live: Mapping[str, str],
        *,
        trial: bool = False,
    ) -> None:
        """Changes a topic's own settings from `live` to `wanted`; others fall back to defaults."""
        entries = [
            ConfigEntry(key, wanted.get(key), incremental_operation=_operation(key, wanted))
            for key in sorted(wanted.keys() | live.keys())
            if wanted.get(key) != live.get(key)
        ]
        resource = ConfigResource(ResourceType.TOPIC, name, incremental_configs=entries)
        self._all(self._admin.incremental_alter_configs([resource], **_options(trial=trial)))

    def delete(self, names: list[str]) -> None:
        """Deletes topics with their records."""
        if names:
            self._all(self._admin.delete_topics(names, request_timeout=CHANGE_S))

    def _all(self, futures: Mapping[Any, Future[Any]]) -> None:
        for future in futures.values():
            self._result(future, CHANGE_S)

    def _result(self, future: Future[Any], patience_s: float, of: str = "") -> Any:
        """The result; `of` is the topic or the group that a right may be missing for."""
        try:
            with waiting.told(f"Kafka at {self.address}"):
                return future.result(timeout=patience_s)
        except TimeoutError:
            raise self._silent(patience_s) from None
        except KafkaException as error:
            # The client's own time-out and ours come at the same moment.
            if error.args[0].code() == KafkaError._TIMED_OUT:  # noqa: SLF001 - its public name
                raise self._silent(patience_s) from None
            if error.args[0].code() in kafkaerrors.REFUSALS:
                raise RefusedError(error.args[0].str()) from None
            if kafkaerrors.is_denied(error):
                reason = error.args[0].str()
                raise self._denied(f"{reason} ({of})" if of else reason) from None
            raise ServiceError(f"Kafka at {self.address}: {error.args[0].str()}") from None

    def _denied(self, what: str) -> DeniedError:
        user = self.properties.get("sasl.username", "this client")
        return DeniedError(
            f"Kafka at {self.address} refuses {user}: {what}: acls.sh, which `make render` writes,"
            " lists the rights that each program needs"
        )

    def _silent(self, patience_s: float) -> ServiceError:
        return self._away(
            f"Kafka at {self.address} said nothing for {patience_s} s: is the address that it"
            " advertises one that can be reached from here? `make status` shows if it is up"
        )

    def _unreachable(self, error: KafkaException) -> ServiceError:
        return self._away(
            f"Kafka cannot be reached at {self.address}: no answer within {METADATA_S} s"
            f" ({error.args[0].str()}): is it up? `make status` shows it, `make up` starts it"
        )

    def _away(self, otherwise: str) -> ServiceError:
        """Why the cluster does not answer, or else what to say if nobody knows."""
        # Delivers what librdkafka has reported meanwhile.
        self._admin.poll(0)
        cause = kafkaerrors.cause(self.properties, self._heard)
        return ServiceError(f"Kafka at {self.address}: {cause}" if cause else otherwise)


def _options(*, trial: bool) -> dict[str, Any]:
    return {"validate_only": trial, "request_timeout": CHANGE_S}


def _operation(key: str, wanted: Mapping[str, str]) -> AlterConfigOpType:
    return AlterConfigOpType.SET if key in wanted else AlterConfigOpType.DELETE
