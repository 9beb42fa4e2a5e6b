"""The streaming queries, one for each raw topic: raw records in, clean records and rejects out."""

import json
import signal
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from threading import Event
from typing import Any

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException, StreamingQueryException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812 - the name Spark's own documentation gives it
from pyspark.sql.streaming.query import StreamingQuery
from pyspark.sql.streaming.readwriter import DataStreamWriter

from pipeline.errors import PipelineError
from pipeline.repository.rules import Rules
from pipeline.schemas import Schema
from spark import cleanse
from spark.payload import Source
from spark.session import jvm

# How often a continuous query writes its checkpoint. No record waits for it; but with five seconds
# in place of sixty, the slowest hundredth of the records would take four times as long.
CHECKPOINT_EVERY = "60 seconds"
# In a batch of `--once`.
MAX_RECORDS = 1_000_000
METRICS = "records"
# Spark 4.1's Kafka source fails to report on the first batch of `--once` after a kill, once that
# batch is done and committed: it has no latest offsets yet. The query goes on behind it.
REPLAY_DEFECT = "IterableOps.map"


@dataclass
class Counts:
    """Records since the job started, as of its checkpoints."""

    raw: Counter[str] = field(default_factory=Counter)
    clean: Counter[str] = field(default_factory=Counter)
    rejected: Counter[str] = field(default_factory=Counter)
    rules: Counter[str] = field(default_factory=Counter)

    def add(self, topic: str, progress: Mapping[str, Any]) -> None:
        """Adds what a query did until one of its checkpoints."""
        observed = progress.get("observedMetrics", {}).get(METRICS)
        if not observed:
            # It had nothing to do.
            return
        self.raw[topic] += progress["numInputRows"]
        self.clean[topic] += observed.pop("clean")
        self.rejected[topic] += observed.pop("rejected")
        self.rules.update(observed)

    def summary(self) -> dict[str, Any]:
        """What `--once` prints."""
        return {
            "raw": self.raw.total(),
            "clean": self.clean.total(),
            "rejected": self.rejected.total(),
            "clean_by_topic": dict(sorted((+self.clean).items())),
            "rejected_by_topic": dict(sorted((+self.rejected).items())),
            "rules": dict(sorted((+self.rules).items())),
        }


@dataclass(frozen=True)
class Cleansing:
    """What the queries have in common. `kafka` has the properties of Kafka's clients."""

    spark: SparkSession
    rules: Rules
    schemas: Mapping[str, Schema]
    outputs: Mapping[str, cleanse.Output]
    kafka: Mapping[str, str]

    def query(self, source: Source, checkpoint: str, *, once: bool) -> DataStreamWriter:
        """The query of a raw topic, to be started; its checkpoint is a URL that Hadoop knows.

        Raises:
            PySparkException, KeyError: the rules do not fit the schemas; spark/check.py says where.
        """
        steps = cleanse.steps(
            source.topic, self.rules, self.schemas, source.payload(self.spark), self.outputs
        )
        rows = cleanse.cleanse(self._read(source.topic, once=once), [steps])
        counted = rows.observe(METRICS, *self._metrics(source.topic))
        return self._write(counted, source.topic, checkpoint, once=once)

    def _read(self, topic: str, *, once: bool) -> DataFrame:
        options = {**self._client(), "subscribe": topic, "startingOffsets": "earliest"}
        if once:
            options["maxOffsetsPerTrigger"] = str(MAX_RECORDS)
        return self.spark.readStream.format("kafka").options(**options).load()

    def _metrics(self, topic: str) -> list[Any]:
        broken = F.col("broken")
        is_rejected = broken != ""
        # Most records are clean: nothing is searched for in those.
        breaks = {
            rule: is_rejected & (F.find_in_set(F.lit(rule), broken) > 0)
            for rule in cleanse.rule_names(topic, self.rules, self.schemas)
        }
        return [
            F.count_if(~is_rejected).alias("clean"),
            F.count_if(is_rejected).alias("rejected"),
            *(F.count_if(condition).alias(rule) for rule, condition in breaks.items()),
        ]

    def _write(
        self, rows: DataFrame, topic: str, checkpoint: str, *, once: bool
    ) -> DataStreamWriter:
        options = {
            **self._client(),
            "kafka.linger.ms": "100" if once else "0",
            "kafka.batch.size": "262144",
            "kafka.compression.type": "lz4",
            "kafka.acks": "all",
            "checkpointLocation": checkpoint,
        }
        # The sink takes topic, key and value, and leaves `broken`: to drop it would copy each row.
        writer = rows.writeStream.format("kafka").queryName(topic)
        writer = writer.outputMode("update").options(**options)
        return writer.trigger(availableNow=True) if once else self._in_real_time(writer)

    def _in_real_time(self, writer: DataStreamWriter) -> DataStreamWriter:
        trigger = jvm(self.spark).org.apache.spark.sql.streaming.Trigger.RealTime(CHECKPOINT_EVERY)
        writer._jwrite = writer._jwrite.trigger(trigger)  # noqa: SLF001 - as PySpark 4.2 does
        return writer

    def _client(self) -> dict[str, str]:
        return {f"kafka.{key}": value for key, value in self.kafka.items()}


def follow(
    writers: Mapping[str, DataStreamWriter],
    counts: Counts,
    watch: Callable[[bool], None],
    tell: Callable[[str], None],
) -> None:
    """Runs the queries, and counts what they do, until all have ended, or SIGTERM ends them.

    Every second, `watch` is called with whether all are under way. `tell` gets notes for people.

    Raises:
        PipelineError: a query failed, or does not start. The others are stopped then, and also if
            `watch` raises.
    """
    terminated = Event()
    signal.signal(signal.SIGTERM, lambda _number, _frame: terminated.set())
    running: list[Running] = []
    try:
        for topic, writer in writers.items():
            running.append(Running(topic, writer, _start(topic, writer)))
        is_over = False
        while not is_over:
            # Asked before the counting: what has ended then is counted to its end.
            is_over = terminated.is_set() or not any(run.query.isActive for run in running)
            for run in running:
                run.count(counts)
                is_over &= not run.restarted_after_a_replay(tell)
            watch(all(run.query.status["isTriggerActive"] for run in running))
            if not is_over:
                _wait(running, terminated)
    finally:
        for run in running:
            run.query.stop()


def _start(topic: str, writer: DataStreamWriter) -> StreamingQuery:
    try:
        return writer.start()
    except (Py4JError, PySparkException) as error:
        reason = str(error).strip().splitlines()[0]
        raise PipelineError(f"the cleansing of {topic} does not start: {reason}") from None


@dataclass
class Running:
    """A query that runs, and the number of the last checkpoint that was counted."""

    topic: str
    writer: DataStreamWriter
    query: StreamingQuery
    counted: int = -1

    def count(self, counts: Counts) -> None:
        """Counts the checkpoints since."""
        last = self.query.lastProgress
        if last is None or last.batchId <= self.counted:
            return
        for told in self.query.recentProgress:
            if told.batchId > self.counted:
                counts.add(self.topic, json.loads(told.json))
                self.counted = told.batchId

    def restarted_after_a_replay(self, tell: Callable[[str], None]) -> bool:
        """Whether it had failed by REPLAY_DEFECT alone, and was started again.

        Raises:
            PipelineError: it failed for another reason.
        """
        error: StreamingQueryException | None = self.query.exception()
        if error is None:
            return False
        if REPLAY_DEFECT not in str(error):
            reason = str(error).splitlines()[0]
            raise PipelineError(f"the cleansing of {self.topic} failed: {reason}")
        self.query = _start(self.topic, self.writer)
        tell(
            f"{self.topic}: the job had been killed in a batch. That was done again, and is not"
            " counted: Spark does not say how many records it had"
        )
        return True


def _wait(running: Iterable[Running], terminated: Event) -> None:
    """Returns after a second, or as soon as SIGTERM comes or no query runs any more."""
    for _ in range(10):
        if terminated.wait(0.1) or not any(run.query.isActive for run in running):
            return
