"""What only this pipeline knows of itself: states, lags, refused records, versions, and drift."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from prometheus_client.core import Metric

from monitoring.declared import Declared
from monitoring.families import counter, gauge, state
from pipeline.clients.lags import Lag
from pipeline.repository.rules import Rules
from pipeline.repository.target import Target
from pipeline.resources import RESOURCES
from pipeline.resources.connectorstatus import ABSENT
from pipeline.resources.reader import sink_lags
from spark import status

LAG_LABELS = ("stage", "reader")


@dataclass(frozen=True)
class Pipeline:
    """The probes of a target's pipeline."""

    declared: Declared
    target: Target
    rules: Rules | None

    def connectors(self) -> Iterator[Metric]:
        """The state of each connector that is declared."""
        context = self.declared.now()
        live = context.services.connect.connectors()
        names = [one.name for one in context.desired.connectors]
        yield state(
            "hospital_connector_state",
            "The state of a connector and its tasks together",
            "connector",
            {name: live[name].summary if name in live else ABSENT for name in names},
        )
        yield gauge(
            "hospital_connector_failed_tasks",
            "Tasks that have FAILED",
            ["connector"],
            {
                (name,): sum(task.state == "FAILED" for task in live[name].tasks)
                for name in names
                if name in live
            },
        )

    def queries(self) -> Iterator[Metric]:
        """The state of each statement of ksql/."""
        context = self.declared.now()
        engine = context.services.engine
        running = engine.running() if engine else {}
        names = [one.name for one in context.desired.queries]
        yield state(
            "hospital_query_state",
            "The state of a statement of ksql/",
            "query",
            {name: running[name].state if name in running else ABSENT for name in names},
        )

    def lags(self) -> Iterator[Metric]:
        """How far each reader is behind."""
        context = self.declared.now()
        kafka = context.services.kafka
        sinks = sink_lags(kafka.lags_with_ages, context.desired.connectors)
        lags: dict[tuple[str, ...], Lag] = {("sink", name): lag for name, lag in sinks.items()}
        if self.rules:
            group = status.group_of(self.target)
            lags["cleansing", "cleanse"] = kafka.lags_with_ages({group: self.rules.topics})[group]
        yield gauge(
            "hospital_lag_records",
            "Records that a reader has yet to read",
            LAG_LABELS,
            {key: lag.records for key, lag in lags.items()},
        )
        yield gauge(
            "hospital_lag_seconds",
            "The age of the oldest record that a reader has yet to read",
            LAG_LABELS,
            {key: lag.seconds for key, lag in lags.items()},
        )

    def dead_letters(self) -> Iterator[Metric]:
        """The records in each dead letter queue."""
        context = self.declared.now()
        key = "errors.deadletterqueue.topic.name"
        queues = {
            one.config[key]: one.name for one in context.desired.connectors if key in one.config
        }
        letters: Counter[tuple[str, ...]] = Counter({(name,): 0 for name in queues.values()})
        ever = Counter(letters)
        for (queue, _), (first, end) in context.services.kafka.bounds(queues).items():
            letters[queues[queue],] += end - first
            ever[queues[queue],] += end
        yield counter(
            "hospital_dead_letters_written",
            "Records that were ever put into a sink's dead letter queue",
            ["connector"],
            ever,
        )
        yield gauge(
            "hospital_dead_letters", "Records in a sink's dead letter queue", ["connector"], letters
        )

    def cleansing(self) -> Iterator[Metric]:
        """What the cleansing says that it does."""
        written = status.read(status.file_of(self.target.state))
        if written is None:
            return
        yield gauge(
            "hospital_cleansing_status_timestamp_seconds",
            "When the cleansing wrote its status",
            [],
            {(): written.at},
        )
        running = float(written.state == "running")
        yield gauge("hospital_cleansing_running", "Whether it runs", [], {(): running})
        yield counter(
            "hospital_cleansing_records",
            "Records since the cleansing started, by what became of them",
            ["result"],
            {("clean",): written.clean, ("rejected",): written.rejected},
        )
        yield counter(
            "hospital_rejects",
            "Records that a rule has refused since the cleansing started",
            ["rule"],
            {(rule,): count for rule, count in written.rules.items()},
        )

    def subjects(self) -> Iterator[Metric]:
        """The latest version of each subject."""
        registry = self.declared.now().services.registry
        yield gauge(
            "hospital_subject_version",
            "The latest version that is registered",
            ["subject"],
            {(name,): max(registry.versions(name), default=0) for name in registry.subjects()},
        )

    def drift(self) -> Iterator[Metric]:
        """What `plan` would change."""
        planned = self.declared.afresh().planned((), (), prune=False, adopt=False)
        changes: Counter[tuple[str, ...]] = Counter({(resource.kind,): 0 for resource in RESOURCES})
        changes.update((change.kind,) for change in planned.changes)
        yield gauge("hospital_plan_changes", "Changes that `make plan` shows", ["kind"], changes)
        yield gauge(
            "hospital_plan_problems", "Problems that it shows", [], {(): len(planned.problems)}
        )
        yield gauge(
            "hospital_plan_leftovers",
            "What was deployed, and is not declared any more",
            [],
            {(): len(planned.leftovers)},
        )
