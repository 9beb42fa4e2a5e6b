"""From a record that is handed to a producer to its row, committed, at 1,000 records/s."""

import time
from collections.abc import Callable
from typing import Any

from bench.space import Space
from pipeline.clients import librdkafka
from pipeline.wait import until

PER_SECOND = 1000
SECONDS = 20
WARM_UP_S = 5
RAW_TOPIC = "patient_labs"
CLEAN_TOPIC = "patient_labs_clean"
# The commit's own time, on the machine's only clock.
LATENCIES = """
SELECT extract(epoch FROM pg_xact_commit_timestamp(xmin) - collected_at) * 1000
FROM lab_results WHERE lab_id LIKE 'X%' AND lab_id >= 'X' || lpad(:first, 8, '0')
"""


def measure(space: Space) -> list[float]:
    """Milliseconds per record, those of the warm-up left out."""
    prepare(space)
    produce(space, CLEAN_TOPIC, clean_result)
    return landed(space)


def prepare(space: Space) -> None:
    """Deploys the sinks anew, with no result in their table."""
    space.run("destroy", "--yes")
    space.declare()
    space.run("deploy")
    with space.database() as connection:
        connection.execute("TRUNCATE lab_results")


def landed(space: Space, per_second: int = PER_SECOND) -> list[float]:
    """Milliseconds from a result's producer to its row, once all are committed."""
    total = per_second * SECONDS
    until(
        lambda: space.count("lab_results"),
        seconds=60,
        done=lambda rows: rows == total,
        describe=lambda rows: f"lab_results has {rows} rows, not {total}",
    )
    query = LATENCIES.replace(":first", f"'{per_second * WARM_UP_S}'")
    return [float(row[0]) for row in space.rows(query)]


def produce(
    space: Space,
    topic: str,
    result: Callable[[int], dict[str, Any]],
    per_second: int = PER_SECOND,
) -> None:
    """Results of laboratory tests, at a steady pace, each made when it is sent."""
    encode = space.encoder(topic)
    producer = librdkafka.producer(space.target.kafka_of("produce"), linger_ms=1)
    begun = time.monotonic()
    for number in range(per_second * SECONDS):
        due = begun + number / per_second
        # A steady pace is what is measured, not a condition that is waited for.
        time.sleep(max(0, due - time.monotonic()))
        producer.produce(topic, key=f"X{number:08}", value=encode(result(number)))
        producer.poll(0)
    assert producer.flush(30) == 0


def raw_result(number: int) -> dict[str, Any]:
    """A result with nothing to clean, as the laboratory sends it."""
    test = {
        "code": "2345-7",
        "name": "Glucose [Mass/volume] in Serum or Plasma",
        "unit": "mg/dL",
        "value": 88.0,
        "reference_low": 70.0,
        "reference_high": 99.0,
    }
    return {
        "lab_id": f"X{number:08}",
        "admission_id": f"A{1000000 + number}",
        "test": test,
        "collected_at": time.time_ns() // 1_000_000,
    }


def clean_result(number: int) -> dict[str, Any]:
    """The same, after the cleansing."""
    result = raw_result(number)
    test = result.pop("test")
    return {**result, **{f"test_{name}": value for name, value in test.items()}}
