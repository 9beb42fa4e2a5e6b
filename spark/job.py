"""The cleansing job: continuously, or once until it has caught up.

Exit codes: 0 caught up (`--once`) or asked to stop; 1 failed; 2 bad rules or usage.
"""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession
from pyspark.sql.streaming.readwriter import DataStreamWriter

from pipeline import command, servicelog
from pipeline.clients.kafka import Kafka
from pipeline.clients.registry import Registry
from pipeline.errors import PipelineError, ServiceError
from pipeline.rejects.reject import digests
from pipeline.repository import rules as rules_file
from pipeline.repository import schemas as schema_files
from pipeline.repository import target as targets
from pipeline.repository.javaclient import with_values
from pipeline.repository.rules import Rules
from pipeline.repository.target import Target
from pipeline.schemas import Schema, subject_of
from pipeline.wait import until
from spark import contracts, status
from spark.check import check
from spark.lock import Lock
from spark.payload import Source
from spark.query import Cleansing, Counts, follow
from spark.session import session
from spark.status import Status

# Before the first deploy, the continuous job waits for it; one with --once does not.
DEPLOY_PATIENCE_S = 3600 * 24
DEPLOY_PATIENCE_ONCE_S = 30
app = typer.Typer(add_completion=False)


@app.command()
def main(
    target_name: Annotated[
        str, typer.Option("--target", help="A file in targets/, or a path.")
    ] = "embedded",
    once: Annotated[
        bool, typer.Option("--once", help="Catch up, print a summary as JSON, and stop.")
    ] = False,
    checkpoint: Annotated[
        str | None, typer.Option(help="Folder or URL for how far the queries have read.")
    ] = None,
) -> None:
    """Cleanse the raw topics by spark/rules.yaml into the clean topics and the rejects."""
    root = Path()
    target = targets.load(root, target_name)
    state = root / target.state
    place = status.checkpoint_of(root, target)
    given = status.url_of(root, checkpoint) if checkpoint else place
    own = given if given != place else None
    # A run with --once, or on a checkpoint of its own, is not the job that others watch.
    is_watched = not once and not own
    rules = rules_file.load(root / rules_file.FILE)
    job = Job(
        target=target,
        rules=rules,
        schemas=schema_files.load(root / schema_files.FOLDER),
        kafka=Kafka(target.kafka_of("cleanse")),
        registry=Registry(target.registry),
        lock=Lock(root, target, own),
        checkpoint=given,
        group=None if own else status.group_of(target),
        report=Reported(status.file_of(state)) if is_watched else _unheard,
    )
    job.await_deployment(DEPLOY_PATIENCE_ONCE_S if once else DEPLOY_PATIENCE_S)
    job.report(Status("starting"))
    topics = job.kafka.identities(rules.topics)
    # Real-time mode has a task at each partition, all the time.
    slots = sum(partitions for _, partitions in topics.values()) + 1
    spark = session(state / "run" / "spark", target.spark, slots)
    counts, seconds = job.run(spark, topics, once=once)
    if once:
        print(json.dumps({**counts.summary(), "seconds": round(seconds, 3)}, indent=2))
    job.report(Status("stopped"))
    spark.stop()


def _unheard(_: Status) -> None:
    """Reports to nobody."""


@dataclass
class Reported:
    """Writes each status to the file, and logs each state once."""

    file: Path
    state: str = ""

    def __call__(self, now: Status) -> None:
        """Reports a status."""
        status.write(self.file, now)
        if now.state != self.state:
            self.state = now.state
            servicelog.logger().info(now.state)


@dataclass(frozen=True)
class Job:
    """What the job works with. `checkpoint` is a URL; `group` gets its positions."""

    target: Target
    rules: Rules
    schemas: Mapping[str, Schema]
    kafka: Kafka
    registry: Registry
    lock: Lock
    checkpoint: str
    group: str | None
    report: Callable[[Status], None]

    def await_deployment(self, seconds: float) -> None:
        """Takes the lock, once the topics, the subjects and the lock's role exist.

        The job may start before the first deploy.

        Raises:
            DeadlineError: they do not; the message names what is missing.
            PipelineError: another job has the lock.
        """
        until(
            self._missing,
            seconds=seconds,
            done=lambda missing: not missing,
            describe=str,
            every=1,
        )

    def _missing(self) -> str:
        missing = self._asked()
        if missing:
            self.report(Status(f"waiting: {missing}"))
        return missing

    def _asked(self) -> str:
        names = [*self.rules.topics, *self.rules.outputs]
        try:
            subjects = self.registry.subjects()
            topics = self.kafka.existing(names)
            missing = [n for n in names if n not in topics or subject_of(n) not in subjects]
            if missing:
                return f"make deploy: missing are {', '.join(missing)}"
            self.lock.take()
        except ServiceError as error:
            return str(error)
        return ""

    def run(
        self, spark: SparkSession, topics: Mapping[str, tuple[str, int]], *, once: bool
    ) -> tuple[Counts, float]:
        """Runs the queries until they have caught up (`once`), or until SIGTERM ends them.

        `topics` has the ids and the partitions of the raw topics, as the session was made for them.
        Returns what they did, and the seconds that it took them.

        Raises:
            SpecError: the rules do not fit the schemas.
            PipelineError: a query failed; or a raw topic was created again, or has more partitions.
        """
        ids = {topic: topics[topic][0] for topic in self._read(once=once)}
        try:
            queries = self._queries(spark, ids, once=once)
        except (KeyError, PySparkException):
            check(spark, self.rules, self.schemas, rules_file.FILE)
            raise
        begun = time.monotonic()
        counts = Counts()
        works_by = digests(self.rules, self.schemas)

        def watch(are_under_way: bool) -> None:
            self.lock.keep()
            self._raise_changed(topics)
            state = "running" if are_under_way else "starting"
            rejected = counts.rejected.total()
            told = (counts.clean.total(), rejected, dict(counts.rules))
            self.report(Status(state, *told, works_by))

        follow(queries, counts, watch, servicelog.logger().info)
        return counts, time.monotonic() - begun

    def _read(self, *, once: bool) -> list[str]:
        """The raw topics to read. One without a record would cost `--once` a second."""
        if not once:
            return list(self.rules.topics)
        bounds = self.kafka.bounds(self.rules.topics)
        return sorted({topic for (topic, _), (start, end) in bounds.items() if end > start})

    def _queries(
        self, spark: SparkSession, ids: Mapping[str, str], *, once: bool
    ) -> dict[str, DataStreamWriter]:
        outputs = {
            topic: contracts.output(self.registry, topic, self.schemas)
            for topic in self.rules.outputs
        }
        cleansing = Cleansing(spark, self.rules, self.schemas, outputs, self._client())
        # A topic that is deleted and created again has another id: it is read from its beginning.
        folders = {
            topic: f"{self.checkpoint}/{topic}-{number.replace('/', '_')}"
            for topic, number in ids.items()
        }
        return {
            topic: cleansing.query(self._source(topic), folder, once=once)
            for topic, folder in folders.items()
        }

    def _source(self, topic: str) -> Source:
        return Source(
            topic,
            self.schemas[topic],
            contracts.writers(self.registry, topic),
            self.target.registry,
            self._client(),
            self.group,
        )

    def _client(self) -> dict[str, str]:
        return with_values(self.target.kafka_of("cleanse"))

    def _raise_changed(self, topics: Mapping[str, tuple[str, int]]) -> None:
        """Ends the job if a raw topic was created again, or has more partitions.

        Of the first, Spark would skip as many of the new records as it had read of the old ones.
        For the second, real-time mode needs more tasks at a time.
        """
        try:
            now = self.kafka.identities(topics)
        except PipelineError:
            # No broker, or a topic that is deleted and not there again yet: Spark waits for either.
            return
        changed = [topic for topic in topics if now[topic] != topics[topic]]
        if changed:
            raise PipelineError(
                f"{', '.join(changed)}: created again, or with more partitions: start the job again"
            )


if __name__ == "__main__":
    command.run(app)
