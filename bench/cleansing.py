"""Cleansing against a plain copy by the same Spark, and how long a record takes through it."""

import json
import subprocess
import sys
import tempfile
import time

from bench import latency, topics
from bench.copy import TOPIC as COPY_TOPIC
from bench.datagen import RECORDS
from bench.space import Space
from pipeline import codec
from pipeline.clients import records
from pipeline.clients.kafka import Kafka
from pipeline.paths import REPOSITORY
from pipeline.repository.loader import load
from pipeline.wait import until
from spark import status
from stack.layout import Layout
from stack.supervisor import Supervisor


def throughput(space: Space) -> dict[str, float]:
    """Raw records per second of `--once`, and of a Kafka-to-Kafka copy: the queries alone."""
    Kafka(space.target.kafka).create(COPY_TOPIC, 4, 1, {})
    with tempfile.TemporaryDirectory() as folder:
        done = _python("spark.job", space, "--once", "--checkpoint", f"{folder}/cleanse")
        copied = _python("bench.copy", space, f"{folder}/copy")
    assert done["raw"] == copied["raw"] == RECORDS, (done, copied)
    return {"cleanse": RECORDS / done["seconds"], "copy": RECORDS / copied["seconds"]}


def _python(module: str, space: Space, *options: str) -> dict[str, float]:
    command = [sys.executable, "-m", module, "--target", str(space.target_file), *options]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    answer: dict[str, float] = json.loads(done.stdout)
    return answer


def through(space: Space, layout: Layout) -> list[float]:
    """Milliseconds from a raw record's producer to the clean record, at 1,000 records/s."""
    space.run("deploy")
    Supervisor(layout.socket).start("cleanse")
    until(
        lambda: status.read(status.file_of(layout.state)),
        seconds=120,
        done=lambda written: written.batch is not None,
        describe=lambda written: f"the cleansing has run no batch: {written}",
    )
    begun_ms = time.time_ns() // 1_000_000 + latency.WARM_UP_S * 1000
    latency.produce(space, latency.RAW_TOPIC, latency.raw_result)
    kafka, topic = space.target.kafka, latency.CLEAN_TOPIC
    total = latency.PER_SECOND * latency.SECONDS
    until(
        lambda: topics.count(kafka, topic),
        seconds=60,
        done=lambda count: count >= total,
        describe=lambda count: f"{count} of {total} are clean",
    )
    decode = codec.decoder(load(space.root).schemas[topic])
    stamped = [
        (message.timestamp()[1], decode(message.value() or b"")["collected_at"].timestamp() * 1000)
        for message in records.messages(kafka, topic)
    ]
    return [out - made for out, made in stamped if made >= begun_ms]
