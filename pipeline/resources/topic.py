"""Topics of Kafka."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.change import Action, Change, edits
from pipeline.live import LiveTopic
from pipeline.resources.resource import Resource, Result, Run, at_once

if TYPE_CHECKING:
    from pipeline.services import Services

KIND = "topic"


@dataclass(frozen=True)
class Topic:
    """A declared topic. `config` has the settings that are not the broker's defaults.

    `origin` is the file that declares it: topics.yaml; the file and line of the statement that
    writes it; or the spec of the sink whose dead letter queue it is.
    """

    name: str
    partitions: int
    replication: int
    config: Mapping[str, str]
    origin: str = "topics.yaml"


class Topics(Resource[Topic, LiveTopic]):
    """Topics. Deployments add partitions and change settings. Only `destroy` deletes topics."""

    kind = KIND

    def read(self, services: "Services", declared: Sequence[Topic]) -> Mapping[str, LiveTopic]:
        """The declared topics that exist."""
        return services.kafka.topics([topic.name for topic in declared])

    def difference(self, declared: Topic, live: LiveTopic | None) -> Iterator[Change]:
        """Compares partitions and configuration, key by key."""
        after = {"partitions": str(declared.partitions), **declared.config}
        if live is None:
            after["replication"] = str(declared.replication)
            created = edits({}, after)
            yield Change(KIND, declared.name, Action.CREATE, created, declared=declared)
            return
        before = {"partitions": str(live.partitions), **live.config}
        if live.partitions > declared.partitions:
            before["partitions"] = after["partitions"]
        if before != after:
            changed = edits(before, after)
            yield Change(KIND, declared.name, Action.UPDATE, changed, declared=declared, live=live)

    def problems(self, declared: Topic, live: LiveTopic | None, owner: str) -> Iterator[str]:
        """Fewer partitions than the topic has, or another replication factor."""
        del owner
        if live and live.partitions > declared.partitions:
            yield (
                f"{declared.origin}: {declared.name} has {live.partitions} partitions and Kafka"
                f" cannot take any away: declare {live.partitions}, or delete the topic and its"
                " data first"
            )
        if live and live.replication != declared.replication:
            yield (
                f"{declared.origin}: {declared.name} has replication {live.replication}, but"
                f" {declared.replication} is declared: change it with kafka-reassign-partitions"
            )

    def apply(self, changes: Sequence[Change], run: Run) -> list[Result]:
        """Creates topics, adds partitions, and sets configuration."""

        def make(change: Change) -> None:
            topic: Topic = change.declared
            live: LiveTopic | None = change.live
            kafka = run.services.kafka
            if live is None:
                kafka.create(topic.name, topic.partitions, topic.replication, topic.config)
                return
            if topic.partitions > live.partitions:
                kafka.grow(topic.name, topic.partitions)
            if topic.config != live.config:
                kafka.configure(topic.name, topic.config, live.config)

        return at_once(changes, make, run)

    def remove(self, declared: Sequence[Topic], run: Run, report: Callable[[str], None]) -> None:
        """Deletes the topics with their records."""
        kafka = run.services.kafka
        names = list(kafka.topics(topic.name for topic in declared))
        kafka.delete(names)
        for name in names:
            report(f"{KIND} {name}")
