"""The streaming query: raw topics in, clean topics and rejects out."""

import json
import signal
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Event
from typing import Any

from pyspark.errors import StreamingQueryException
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F  # noqa: N812 - the name Spark's own documentation gives it
from pyspark.sql.streaming.query import StreamingQuery

from pipeline.clients.kafka import Kafka
from pipeline.errors import PipelineError
from pipeline.repository.rules import Rules
from pipeline.schemas import Schema
from spark import checkpoint, cleanse
from spark.contracts import Contracts
from spark.status import Status

# Spark 4.1's Kafka source fails to report on the first batch after a kill, once that batch is done
# and committed: it has no latest offsets yet. Starting the query again goes on behind it.
REPLAY_DEFECT = "IterableOps.map"
Report = Callable[[Status], None]


@dataclass
class Counts:
    """Records since the job started."""

    raw: int = 0
    clean: Counter[str] = field(default_factory=Counter)
    rejected: Counter[str] = field(default_factory=Counter)
    rules: Counter[str] = field(default_factory=Counter)

    def add(self, groups: Iterable[Row]) -> None:
        """Adds a batch's (source_topic, broken, count)."""
        for topic, broken, count in groups:
            (self.rejected if broken else self.clean)[topic] += count
            for rule in filter(None, broken.split(",")):
                self.rules[rule] += count

    @property
    def duplicates(self) -> int:
        """Records that were read and are neither clean nor rejected."""
        return self.raw - self.clean.total() - self.rejected.total()

    def summary(self) -> dict[str, Any]:
        """What `--once` prints."""
        return {
            "raw": self.raw,
            "clean": self.clean.total(),
            "rejected": self.rejected.total(),
            "duplicates": self.duplicates,
            "clean_by_topic": dict(sorted(self.clean.items())),
            "rejected_by_topic": dict(sorted(self.rejected.items())),
            "rules": dict(sorted(self.rules.items())),
        }


@dataclass
class Batches:
    """Cleanses, writes and counts the query's micro-batches."""

    kafka: str
    rules: Rules
    schemas: Mapping[str, Schema]
    contracts: Contracts
    checkpoint: Path
    counts: Counts = field(default_factory=Counts)
    _writers: Mapping[str, Mapping[int, str]] = field(default_factory=dict)
    _steps: tuple[cleanse.Steps, ...] = ()

    def process(self, raw: DataFrame, number: int) -> None:
        """Cleanses and writes one micro-batch."""
        # Read once for the branches of the four topics, cleansed once for writing and counting.
        # Checkpoints rather than a cache: what follows one has a short plan, and Spark compares no
        # long plans to find out what is cached. (An Observation would count while it writes, but
        # never completes on Kafka's batch writer.)
        kept = raw.localCheckpoint()
        records = checkpoint.raw_records(self.checkpoint, number)
        if not records:
            # Not before the checkpoint: a batch that is not run does not commit its state.
            return
        steps = [step for step in self.steps() if step.topic in records]
        rows = cleanse.cleanse(kept, steps).localCheckpoint()
        self._write(rows.select("topic", "key", "value"))
        self.counts.raw += records.total()
        self.counts.add(rows.groupBy("source_topic", "broken").count().collect())

    def steps(self) -> tuple[cleanse.Steps, ...]:
        """The cleansing of each topic, for all schemas registered so far."""
        writers = self.contracts.writers()
        if writers != self._writers:
            self._writers = writers
            self._steps = tuple(
                cleanse.steps(topic, self.rules, self.schemas, by_id, self.contracts.outputs)
                for topic, by_id in writers.items()
            )
        return self._steps

    def _write(self, rows: DataFrame) -> None:
        options = {
            "kafka.bootstrap.servers": self.kafka,
            "kafka.linger.ms": "5",
            "kafka.batch.size": "262144",
            "kafka.compression.type": "lz4",
            "kafka.acks": "all",
        }
        rows.write.format("kafka").options(**options).save()


def source(spark: SparkSession, kafka: str, rules: Rules, max_records: int) -> DataFrame:
    """The raw records, each fingerprint once per window.

    The window is of processing time: of event time or Kafka's timestamps, a late record would be
    dropped without a word.
    """
    options = {
        "kafka.bootstrap.servers": kafka,
        "subscribe": ",".join(rules.topics),
        "startingOffsets": "earliest",
        "maxOffsetsPerTrigger": str(max_records),
        "failOnDataLoss": "true",
    }
    raw = spark.readStream.format("kafka").options(**options).load()
    return (
        cleanse.identify(raw)
        .withColumn("seen_at", F.current_timestamp())
        .withWatermark("seen_at", f"{rules.window_minutes} minutes")
        .dropDuplicatesWithinWatermark(cleanse.FINGERPRINT)
    )


def run(raw: DataFrame, batches: Batches, kafka: Kafka, report: Report, *, once: bool) -> None:
    """Runs the query until it has caught up (`once`), or until SIGTERM ends it.

    Raises:
        PipelineError: the query failed, or a raw topic was deleted and created again.
    """
    writer = raw.writeStream.queryName("cleanse").foreachBatch(batches.process)
    writer = writer.option("checkpointLocation", str(batches.checkpoint.resolve()))
    writer = (
        writer.trigger(availableNow=True) if once else writer.trigger(processingTime="0 seconds")
    )
    try:
        _follow(writer.start(), batches, kafka, report)
    except StreamingQueryException as error:
        if REPLAY_DEFECT not in str(error):
            raise PipelineError(f"the cleansing failed: {str(error).splitlines()[0]}") from None
        _follow(writer.start(), batches, kafka, report)


def _follow(query: StreamingQuery, batches: Batches, kafka: Kafka, report: Report) -> None:
    """Reports every second until the query ends, or SIGTERM ends it.

    Raises:
        PipelineError: a raw topic was deleted and created again. Spark knows topics by their names
            alone and would skip as many of the new records as it had read of the old ones.
    """
    ids = kafka.topic_ids(batches.rules.topics)
    terminated = Event()
    signal.signal(signal.SIGTERM, lambda _number, _frame: terminated.set())
    while not query.awaitTermination(1):
        # Not in the handler: it would interrupt a call to the JVM with another one.
        if terminated.is_set():
            query.stop()
        if _topic_ids(kafka, batches.rules, ids) != ids:
            query.stop()
            raise PipelineError("a raw topic was deleted and created again: start the job again")
        report(_status(query, batches.counts))


def _topic_ids(kafka: Kafka, rules: Rules, before: dict[str, str]) -> dict[str, str]:
    try:
        return kafka.topic_ids(rules.topics)
    except PipelineError:
        # No broker, or a topic that is deleted and not there again yet: Spark waits for either.
        return before


def _status(query: StreamingQuery, counts: Counts) -> Status:
    now = Status(
        "running",
        clean=counts.clean.total(),
        rejected=counts.rejected.total(),
        duplicates=counts.duplicates,
    )
    last = query.lastProgress
    if last is None:
        return now
    progress = json.loads(last.json)
    ends = progress["sources"][0]["endOffset"] or {}
    offsets = {
        topic: {int(partition): offset for partition, offset in partitions.items()}
        for topic, partitions in ends.items()
    }
    return replace(now, batch=progress["batchId"], offsets=offsets)
