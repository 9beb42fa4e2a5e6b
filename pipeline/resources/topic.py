"""Topics of Kafka."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pipeline.change import Action, Change, Problem, edits
from pipeline.errors import RefusedError
from pipeline.live import LiveTopic
from pipeline.resources import owned
from pipeline.resources.resource import CONCURRENCY, Resource, Result, Run, at_once
from pipeline.wait import until

if TYPE_CHECKING:
    from pipeline.clients.kafka import Kafka
    from pipeline.services import Services

KIND = "topic"
# Kafka's own defaults.
WEEK_MS = 604_800_000
DAY_MS = 86_400_000


@dataclass(frozen=True)
class Topic:
    """A declared topic. `config` has the settings that are not the broker's defaults.

    `origin` is the file that declares it: topics.yaml; the file and line of the statement that
    writes it; or the spec of the sink whose dead letter queue it is. `origins` has the file, by
    setting, for those that the target gives.
    """

    name: str
    partitions: int
    replication: int
    config: Mapping[str, str]
    origin: str = "topics.yaml"
    origins: Mapping[str, str] = field(default_factory=dict)

    @property
    def forgets(self) -> str:
        """After how long it deletes records, in words; "" if it keeps the newest of each key."""
        if "delete" not in self.config.get("cleanup.policy", "delete"):
            return ""
        kept_ms = int(self.config.get("retention.ms", WEEK_MS))
        return f"{kept_ms / DAY_MS:g} days" if kept_ms >= 0 else ""


class Topics(Resource[Topic, LiveTopic]):
    """Topics. Deployments add partitions and change settings, and delete only what they made."""

    kind = KIND
    holds_data = True
    loses = "with its records"
    custom_resource = "KafkaTopic"

    def read(self, services: "Services", declared: Sequence[Topic]) -> Mapping[str, LiveTopic]:
        """The topics that exist, of those that are declared or that we made."""
        names = {topic.name for topic in declared}
        found = services.kafka.topics(names)
        ours = owned.names(KIND, services)
        if ours - names:
            found |= services.kafka.topics(ours - names)
        return {name: replace(live, ours=name in ours) for name, live in found.items()}

    def difference(self, declared: Topic, live: LiveTopic | None) -> Iterator[Change]:
        """Compares partitions and configuration, key by key; not of what we may not see."""
        if live and live.hidden:
            return
        after = {"partitions": str(declared.partitions), **declared.config}
        if live is None:
            after["replication"] = str(declared.replication)
            created = edits({}, after, declared.origins)
            yield Change(KIND, declared.name, Action.CREATE, created, declared=declared)
            return
        before = {"partitions": str(live.partitions), **live.config}
        if live.partitions > declared.partitions:
            before["partitions"] = after["partitions"]
        if before != after:
            changed = edits(before, after, declared.origins)
            yield Change(KIND, declared.name, Action.UPDATE, changed, declared=declared, live=live)

    def problems(
        self, declared: Topic, live: LiveTopic | None, owner: str, *, adopt: bool
    ) -> Iterator[str]:
        """Fewer partitions than the topic has, or another replication factor."""
        del owner, adopt
        if live and live.hidden:
            return
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

    def unseen(self, declared: Sequence[Topic], live: Mapping[str, LiveTopic]) -> Iterator[str]:
        """The topics that we may not see."""
        hidden = [
            topic.name for topic in declared if topic.name in live and live[topic.name].hidden
        ]
        if hidden:
            yield (
                f"{', '.join(hidden)}: this principal may not see what they are like; acls.sh of"
                " `make render` has the rights that each program needs"
            )

    def undeclared(
        self, names: frozenset[str], live: Mapping[str, LiveTopic], owner: str
    ) -> Iterator[Change]:
        """Deletes topics that we made and that are not declared any more, with their records."""
        del owner
        return owned.undeclared(KIND, names, live, "with all its records")

    def check(
        self, changes: Sequence[Change], declared: Sequence[Topic], services: "Services"
    ) -> list[Problem]:
        """Has the broker check each new topic and setting."""
        del declared

        def problem(change: Change) -> Problem | None:
            try:
                _make(change, change.live, services.kafka, trial=True)
            except RefusedError as error:
                topic: Topic = change.declared
                return Problem(KIND, topic.name, f"{topic.origin}: {topic.name}: {error}")
            return None

        with ThreadPoolExecutor(CONCURRENCY) as pool:
            return [found for found in pool.map(problem, changes) if found]

    def clear(self, changes: Sequence[Change], run: Run) -> list[Result]:
        """Deletes the topics with their records, and waits until they are gone."""
        kafka = run.services.kafka

        def delete(change: Change) -> None:
            kafka.delete(list(kafka.topics([change.name])))
            until(
                lambda: not kafka.topics([change.name]),
                seconds=run.deadline_s,
                describe=lambda _: f"Kafka still has the topic {change.name}",
            )

        return at_once(changes, delete, run)

    def apply(self, changes: Sequence[Change], run: Run) -> list[Result]:
        """Creates and deletes topics, adds partitions, and sets configuration."""
        kafka = run.services.kafka

        def make(change: Change) -> None:
            if change.action is Action.DELETE:
                kafka.delete([change.name])
            else:
                _make(change, change.found, kafka, trial=False)

        return owned.at_once(KIND, changes, make, run)

    def remove(self, declared: Sequence[Topic], run: Run, report: Callable[[str], None]) -> None:
        """Deletes the topics with their records."""
        kafka = run.services.kafka
        names = list(kafka.topics(topic.name for topic in declared))
        kafka.delete(names)
        owned.forget(KIND, names, run.services)
        for name in names:
            report(f"{KIND} {name}")


def _make(change: Change, live: LiveTopic | None, kafka: "Kafka", *, trial: bool) -> None:
    """Makes the change of a live topic, or of none; or has the broker check it only."""
    topic: Topic = change.declared
    if live is None:
        kafka.create(topic.name, topic.partitions, topic.replication, topic.config, trial=trial)
        return
    if topic.partitions > live.partitions:
        kafka.grow(topic.name, topic.partitions, trial=trial)
    if topic.config != live.config:
        kafka.configure(topic.name, topic.config, live.config, trial=trial)
