"""Wires the cleansing to Kafka: continuously, or once until it has caught up.

Exit codes: 0 caught up (`--once`) or asked to stop; 1 failed; 2 bad rules or usage.
"""

import fcntl
import json
import os
import shutil
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import typer
from pyspark.errors import StreamingQueryException
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F  # noqa: N812 - the name Spark's own documentation gives it
from pyspark.sql.streaming.query import StreamingQuery
from pyspark.sql.streaming.readwriter import DataStreamWriter
from rich.console import Console

from pipeline import command
from pipeline.clients.kafka import Kafka
from pipeline.clients.registry import Registry
from pipeline.errors import PipelineError
from pipeline.repository import target as targets
from pipeline.repository.rules import Rules
from pipeline.repository.rules import load as load_rules
from pipeline.schemas import Schema, canonical, compact
from pipeline.wait import until
from spark import cleanse
from stack.layout import LIB

RULES = Path("spark") / "rules.yaml"
LOGGING = Path(__file__).parent / "log4j2.properties"
MAX_RECORDS = 1_000_000
REGISTRY_PATIENCE_S = 60
# Spark 4.1's Kafka source fails to report on the first batch after a kill, once that batch is done
# and committed: it has no latest offsets yet. Starting the query again goes on behind it.
REPLAY_DEFECT = "IterableOps.map"
DEPLOY_PATIENCE_S = 3600 * 24
words = Console(stderr=True)
app = typer.Typer(add_completion=False)


@dataclass
class Counts:
    """What became of the records since the job started."""

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

    def summary(self) -> dict[str, Any]:
        """All there is to say; what was read and is neither clean nor rejected is a duplicate."""
        clean, rejected = self.clean.total(), self.rejected.total()
        return {
            "raw": self.raw,
            "clean": clean,
            "rejected": rejected,
            "duplicates": self.raw - clean - rejected,
            "clean_by_topic": dict(sorted(self.clean.items())),
            "rejected_by_topic": dict(sorted(self.rejected.items())),
            "rules": dict(sorted(self.rules.items())),
        }


class Contracts:
    """The schemas that the registry holds for the topics; asked anew at every batch.

    A producer registers before it sends, and the end of a batch is fixed before it is processed:
    each id in the batch is known by then, or never was registered.
    """

    def __init__(self, registry: Registry, rules: Rules, schemas: Mapping[str, Schema]) -> None:
        self._registry = registry
        self._rules = rules
        self._schemas = schemas
        self._known: dict[tuple[str, int], tuple[int, str]] = {}
        topics = [r.clean for r in rules.topics.values()] + [rules.rejects]
        self.outputs = {topic: self._output(topic) for topic in topics}

    def writers(self) -> dict[str, dict[int, str]]:
        """Every registered writer schema by topic.

        Raises:
            DeadlineError: the registry does not answer; guessing would reject what is good.
        """
        return {topic: self._versions(topic) for topic in self._rules.topics}

    def _versions(self, topic: str) -> dict[int, str]:
        subject = f"{topic}-value"
        for version in patiently(lambda: self._registry.versions(subject)):
            if (subject, version) not in self._known:
                found = self._registry.version(subject, version)
                self._known[subject, version] = (found.id, compact(found.schema))
        return dict(known for (name, _), known in self._known.items() if name == subject)

    def _output(self, topic: str) -> cleanse.Output:
        live = patiently(lambda: self._registry.latest(f"{topic}-value"))
        if canonical(live.schema) != canonical(self._schemas[topic]):
            raise PipelineError(
                f"schemas/{topic}.avsc is not version {live.version} of {topic}-value: make deploy"
            )
        return cleanse.Output(topic, live.id, self._schemas[topic])


def patiently(ask: Callable[[], Any]) -> Any:
    """The registry's answer, through a restart of it."""
    last = [""]

    def probe() -> Any:
        try:
            return ask()
        except PipelineError as error:
            last[0] = str(error)
            return None

    return until(probe, seconds=REGISTRY_PATIENCE_S, describe=lambda _: last[0])


@contextmanager
def only_one(checkpoint: Path) -> Iterator[None]:
    """Holds the checkpoint's lock; the kernel drops it however the process ends.

    Raises:
        PipelineError: another job has it.
    """
    checkpoint.mkdir(parents=True, exist_ok=True)
    with (checkpoint.parent / f"{checkpoint.name}.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise PipelineError(
                f"{checkpoint}: a cleansing job (pid {lock.read().strip()}) works on this"
                " checkpoint already: stop it first, or give another --checkpoint"
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def session(temporary: Path) -> SparkSession:
    """A local session on loopback."""
    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    jars = ",".join(str(jar) for jar in sorted((LIB / "spark").glob("*.jar")))
    # A damaged length in a record must not make Avro ask for gigabytes.
    limits = "string.maxLength", "bytes.maxLength", "collectionItems.maxLength"
    java = " ".join(f"-Dorg.apache.avro.limits.{limit}=1000000" for limit in limits)
    settings = {
        "spark.jars": jars,
        "spark.driver.memory": "900m",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.extraJavaOptions": (
            # As much heap and metaspace at once as it will have: growing costs collections.
            f"{java} -Xms900m -XX:MetaspaceSize=256m -XX:+UseParallelGC -Xss4m"
            f" -Dlog4j2.configurationFile={LOGGING}"
        ),
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.shuffle.partitions": "2",
        # Batches are small and planned every second: no second planning, no long descriptions.
        "spark.sql.adaptive.enabled": "false",
        "spark.sql.debug.maxToStringFields": "5",
        "spark.sql.maxPlanStringLength": "500",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.streaming.numRecentProgressUpdates": "100000",
        "spark.sql.streaming.stateStore.providerClass": (
            "org.apache.spark.sql.execution.streaming.state.RocksDBStateStoreProvider"
        ),
        "spark.sql.streaming.stateStore.rocksdb.changelogCheckpointing.enabled": "true",
        # Counting its rows would ask the store before each write.
        "spark.sql.streaming.stateStore.rocksdb.trackTotalNumberOfRows": "false",
        # Old fingerprints are dropped with the next records, not in a batch of their own.
        "spark.sql.streaming.noDataMicroBatches.enabled": "false",
        # What is shuffled never leaves this machine; ICU takes a second to start.
        "spark.shuffle.compress": "false",
        "spark.sql.icu.caseMappings.enabled": "false",
        "spark.local.dir": str(temporary),
        "spark.sql.warehouse.dir": str(temporary / "warehouse"),
    }
    builder = SparkSession.builder.master("local[2]").appName("cleanse")
    for key, value in settings.items():
        builder = builder.config(key, value)
    return builder.getOrCreate()


def read(spark: SparkSession, kafka: str, rules: Rules, max_records: int) -> DataFrame:
    """The raw records, each fingerprint once per window.

    The window is of processing time: of event time or Kafka's timestamps, a late record would be
    dropped in silence.
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


@dataclass
class Job:
    """One run of the query."""

    kafka: str
    rules: Rules
    schemas: Mapping[str, Schema]
    contracts: Contracts
    checkpoint: Path
    counts: Counts = field(default_factory=Counts)
    _made_for: Mapping[str, Mapping[int, str]] = field(default_factory=dict)
    _made: tuple[cleanse.Steps, ...] = ()

    def batch(self, raw: DataFrame, number: int) -> None:
        """Cleanses and writes one micro-batch."""
        # Read once for the branches of the four topics, cleansed once for writing and counting.
        # Checkpoints rather than a cache: what follows one has a short plan, and Spark compares no
        # long plans to find out what is cached. (An Observation would count while it writes, but
        # never completes on Kafka's batch writer.)
        kept = raw.localCheckpoint()
        records = raw_records(self.checkpoint, number)
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
        if writers != self._made_for:
            self._made_for = writers
            self._made = tuple(
                cleanse.steps(topic, self.rules, self.schemas, found, self.contracts.outputs)
                for topic, found in writers.items()
            )
        return self._made

    def _write(self, rows: DataFrame) -> None:
        options = {
            "kafka.bootstrap.servers": self.kafka,
            "kafka.linger.ms": "5",
            "kafka.batch.size": "262144",
            "kafka.compression.type": "lz4",
            "kafka.acks": "all",
        }
        rows.write.format("kafka").options(**options).save()


def forget_deleted_topics(kafka: Kafka, rules: Rules, checkpoint: Path) -> None:
    """Drops the progress in topics that were deleted and made anew: it points past their end."""
    note = checkpoint.parent / f"{checkpoint.name}.topics.json"
    ids = kafka.topic_ids(rules.topics)
    if note.is_file() and json.loads(note.read_text()) != ids:
        words.print("the raw topics were made anew: beginning at their beginning")
        for child in checkpoint.iterdir():
            shutil.rmtree(child) if child.is_dir() else child.unlink()
    note.write_text(json.dumps(ids))


def raw_records(checkpoint: Path, batch: int) -> Counter[str]:
    """How many records a batch read by topic, duplicates included, by the checkpoint's offsets.

    The query's own progress would say it too, but is not reported for a batch that is done again
    after a kill.
    """
    ends = _offsets(checkpoint, batch)
    begins = _offsets(checkpoint, batch - 1) if batch else {}
    found: Counter[str] = Counter()
    for place, end in ends.items():
        found[place[0]] += end - begins.get(place, 0)
    return +found


def _offsets(checkpoint: Path, batch: int) -> dict[tuple[str, str], int]:
    # Spark's offset log: a version, metadata, and the offsets of each source, a line each.
    source = json.loads((checkpoint / "offsets" / str(batch)).read_text().splitlines()[2])
    return {
        (topic, partition): offset
        for topic, partitions in source.items()
        for partition, offset in partitions.items()
    }


def await_deployment(
    kafka: Kafka, registry: Registry, rules: Rules, seconds: float, status: Path | None
) -> None:
    """Waits until topics and subjects exist: the job may start before the first deploy.

    Raises:
        DeadlineError: they do not; the message names what is missing.
    """
    outputs = [topic.clean for topic in rules.topics.values()] + [rules.rejects]
    names = [*rules.topics, *outputs]
    missing = [["(not asked yet)"]]

    def probe() -> bool | None:
        _say(status, {"state": "waiting for make deploy"})
        try:
            subjects = registry.subjects()
            topics = kafka.topics(names)
        except PipelineError as error:
            missing[0] = [str(error)]
            return None
        missing[0] = [n for n in names if n not in topics or f"{n}-value" not in subjects]
        return None if missing[0] else True

    until(
        probe,
        seconds=seconds,
        describe=lambda _: f"make deploy: missing are {', '.join(missing[0])}",
        every=1,
    )


@app.command()
def main(
    target: Annotated[str, typer.Option(help="A file in targets/, or a path.")] = "embedded",
    once: Annotated[
        bool, typer.Option("--once", help="Catch up, print a summary as JSON, and stop.")
    ] = False,
    checkpoint: Annotated[
        Path | None, typer.Option(help="Folder of the query's progress and state.")
    ] = None,
    status: Annotated[
        Path | None, typer.Option(help="File to write the progress to, as JSON.")
    ] = None,
    max_records: Annotated[int, typer.Option(help="Records per micro-batch.")] = MAX_RECORDS,
) -> None:
    """Cleanse the raw topics by spark/rules.yaml into the clean topics and the rejects."""
    root = Path()
    place = targets.load(root, target)
    folder = checkpoint or root / place.state / "data" / "cleanse"
    rules = load_rules(root / RULES)
    schemas = cleanse.load_schemas(root / "schemas")
    registry = Registry(place.registry)
    with only_one(folder):
        kafka = Kafka(place.kafka)
        await_deployment(kafka, registry, rules, 30 if once else DEPLOY_PATIENCE_S, status)
        forget_deleted_topics(kafka, rules, folder)
        _say(status, {"state": "starting"})
        spark = session(folder.parent / f"{folder.name}.tmp")
        cleanse.check(spark, rules, schemas, RULES)
        job = Job(place.kafka, rules, schemas, Contracts(registry, rules, schemas), folder)
        rows = read(spark, place.kafka, rules, max_records)
        writer = rows.writeStream.queryName("cleanse").foreachBatch(job.batch)
        writer = writer.option("checkpointLocation", str(folder.resolve()))
        writer = (
            writer.trigger(availableNow=True)
            if once
            else writer.trigger(processingTime="0 seconds")
        )
        job.steps()  # made before the query starts, not within its first batch
        begun = time.monotonic()
        _run(writer, job, kafka, status)
        seconds = round(time.monotonic() - begun, 3)
        if once:
            print(json.dumps({**job.counts.summary(), "seconds": seconds}, indent=2))
        spark.stop()


def _run(writer: DataStreamWriter, job: Job, kafka: Kafka, status: Path | None) -> None:
    try:
        _follow(writer.start(), job, kafka, status)
    except StreamingQueryException as error:
        if REPLAY_DEFECT not in str(error):
            raise PipelineError(f"the cleansing failed: {str(error).splitlines()[0]}") from None
        _follow(writer.start(), job, kafka, status)


def _follow(query: StreamingQuery, job: Job, kafka: Kafka, status: Path | None) -> None:
    """Writes the progress every second until the query ends, or SIGTERM ends it.

    Raises:
        PipelineError: the raw topics were made anew. Spark knows topics by their names alone and
            would skip as many of the new records as it had read of the old ones.
    """
    ids = kafka.topic_ids(job.rules.topics)
    asked: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: asked.append(number))
    while not query.awaitTermination(1):
        # Not in the handler: it would interrupt a call to the JVM with another one.
        if asked:
            query.stop()
        if _ids_now(kafka, job.rules, ids) != ids:
            query.stop()
            raise PipelineError("the raw topics were made anew: start again")
        _say(status, {"state": "running", **job.counts.summary(), **_place(query)})


def _ids_now(kafka: Kafka, rules: Rules, before: dict[str, str]) -> dict[str, str]:
    try:
        return kafka.topic_ids(rules.topics)
    except PipelineError:
        # No broker, or topics that are deleted and not made yet: Spark waits for either.
        return before


def _place(query: StreamingQuery) -> dict[str, Any]:
    last = query.lastProgress
    if last is None:
        return {"offsets": {}}
    progress = json.loads(last.json)
    return {
        "batch": progress["batchId"],
        "batch_ms": progress["durationMs"].get("triggerExecution"),
        "offsets": progress["sources"][0]["endOffset"],
    }


def _say(status: Path | None, progress: Mapping[str, Any]) -> None:
    if status is None:
        return
    text = json.dumps({"at": time.time(), "pid": os.getpid(), **progress})
    fresh = status.with_suffix(".new")
    fresh.write_text(text)
    fresh.replace(status)


if __name__ == "__main__":
    command.run(app)
