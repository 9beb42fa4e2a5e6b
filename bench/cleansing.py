"""Cleansing against a plain copy by the same Spark, and how long a record takes through it."""

import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time

from bench import latency
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

ROUNDS = 3
PROBE = "after-the-kill"


def throughput(space: Space) -> dict[str, float]:
    """Raw records per second of `--once`, and of a Kafka-to-Kafka copy: the queries alone.

    Medians of rounds that alternate.
    """
    Kafka(space.target.kafka).create(COPY_TOPIC, 4, 1, {})
    rounds = [_round(space) for _ in range(ROUNDS)]
    return {name: statistics.median(round_[name] for round_ in rounds) for name in rounds[0]}


def _round(space: Space) -> dict[str, float]:
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


def start(layout: Layout) -> None:
    """Starts the continuous job, and waits until it reads."""
    file = status.file_of(layout.state)
    file.unlink(missing_ok=True)
    Supervisor(layout.socket).start("cleanse")
    until(
        lambda: status.read(file),
        seconds=120,
        done=lambda written: written.state == "running",
        describe=lambda written: f"the cleansing does not run: {written}",
    )


def through(space: Space, layout: Layout) -> tuple[list[float], list[float]]:
    """Milliseconds from a raw record's producer to the clean record, and to its row, committed.

    At 1,000 records/s.
    """
    latency.prepare(space)
    start(layout)
    begun_ms = time.time_ns() // 1_000_000 + latency.WARM_UP_S * 1000
    latency.produce(space, latency.RAW_TOPIC, latency.raw_result)
    rows = latency.landed(space)
    kafka, topic = space.target.kafka, latency.CLEAN_TOPIC
    decode = codec.decoder(load(space.root).schemas[topic])
    stamped = [
        (message.timestamp()[1], decode(message.value() or b"")["collected_at"].timestamp() * 1000)
        for message in records.messages(kafka, topic)
    ]
    return [out - made for out, made in stamped if made >= begun_ms], rows


def restart(space: Space, layout: Layout) -> float:
    """Seconds from a kill of the job, far from a checkpoint, to a new record that is clean."""
    job = Supervisor(layout.socket).processes()["cleanse"].pid
    killed_ms = time.time_ns() / 1_000_000
    os.killpg(job, signal.SIGKILL)
    space.write(latency.RAW_TOPIC, [(PROBE, latency.raw_result(0) | {"lab_id": PROBE})])
    stamps = until(
        lambda: [
            message.timestamp()[1]
            for message in records.messages(space.target.kafka, latency.CLEAN_TOPIC)
            if message.key() == PROBE.encode()
        ],
        seconds=60,
        describe=lambda _: "the job does not come back",
        every=0.5,
    )
    return float(stamps[0] - killed_ms) / 1000
