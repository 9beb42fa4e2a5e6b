"""Flink: how fast the heaviest trend is, and how long a clean record takes to its trend's row."""

import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from bench import topics
from bench.space import Space
from pipeline.clients import librdkafka
from pipeline.engines import choice
from pipeline.errors import DeadlineError
from pipeline.paths import REPOSITORY
from pipeline.repository.loader import load
from pipeline.wait import until

PATIENTS = 50_000
ADMISSIONS = 200_000
PER_SECOND = 50
SECONDS = 20
WARM_UP_S = 5
QUIET_S = 5
BEGIN = datetime(2025, 1, 1, tzinfo=UTC)
# A join of two tables, and a count of the result's changes.
HEAVIEST = "ADMISSIONS_BY_AGE_DAILY"
# What it is compared with: a stream, field by field, with no state.
PLAIN = "PLAIN"
PLAIN_SQL = """
CREATE STREAM plain_source (admission_id VARCHAR KEY, patient_id VARCHAR, department VARCHAR,
  admission_type VARCHAR, admission_date TIMESTAMP, length_of_stay_hours INTEGER)
  WITH (KAFKA_TOPIC = 'patient_admissions_clean', KEY_FORMAT = 'KAFKA', VALUE_FORMAT = 'AVRO');
CREATE STREAM plain WITH (KAFKA_TOPIC = 'plain') AS
  SELECT admission_id AS admission_key, AS_VALUE(admission_id) AS admission_id,
    patient_id AS patient_id, COALESCE(department, 'Unknown') AS department,
    COALESCE(admission_type, 'Unknown') AS admission_type, admission_date AS admission_date,
    length_of_stay_hours AS length_of_stay_hours
  FROM plain_source EMIT CHANGES;
"""
PLAIN_FIELDS = 6
COMMITS = """
SELECT extract(epoch FROM window_start)::bigint, extract(epoch FROM pg_xact_commit_timestamp(xmin))
FROM admissions_hourly
"""


def prepare(space: Space) -> None:
    """Declares the plain projection beside the trends."""
    (space.root / "ksql" / "99_plain.sql").write_text(PLAIN_SQL)
    topics_file = space.root / "topics.yaml"
    # A stream's records bear the time of what they were made of: the broker stamps these anew.
    stamped = "{config: {message.timestamp.type: LogAppendTime}}"
    topics_file.write_text(f"{topics_file.read_text()}  plain: {stamped}\n")
    schema = load(space.root).schemas["admissions_named"]
    plain = {**schema, "fields": schema["fields"][:PLAIN_FIELDS]}
    (space.root / "schemas" / "plain.avsc").write_text(json.dumps(plain))


def measure(space: Space) -> dict[str, float]:
    """Admissions per second through the heaviest trend, and through a plain projection."""
    patients = ((f"P{n}", _patient(n)) for n in range(PATIENTS))
    space.write("patients_clean", patients)
    admissions = ((f"A{n}", _admission(n, BEGIN + timedelta(minutes=n))) for n in range(ADMISSIONS))
    space.write("patient_admissions_clean", admissions)
    return {name: ADMISSIONS / _seconds(space, name) for name in (PLAIN, HEAVIEST)}


def _seconds(space: Space, name: str) -> float:
    engine, _ = choice.choose(REPOSITORY, load(space.root), space.target)
    assert engine
    engine.create(name, 60)
    kafka, topic = space.target.kafka, name.lower()
    before = 0
    written = until(
        lambda: topics.count(kafka, topic), seconds=60, describe=lambda _: f"{topic} is empty"
    )
    while written > before:
        before, written = written, _grown(kafka, topic, written)
    engine.remove(30)
    # From the first record that it wrote to the last.
    return topics.span_ms(kafka, topic) / 1000


def _grown(kafka: Mapping[str, str], topic: str, before: int) -> int:
    """The topic's records once there are more than before, or after QUIET_S without a new one."""
    try:
        return until(
            lambda: topics.count(kafka, topic),
            seconds=QUIET_S,
            done=lambda now: now > before,
            describe=str,
            every=0.5,
        )
    except DeadlineError:
        return before


def await_counted(space: Space) -> None:
    """Waits until the trends have counted all admissions."""
    until(
        lambda: _counted(space),
        seconds=300,
        done=lambda sums: set(sums.values()) == {ADMISSIONS},
        describe=lambda sums: f"the trends have counted {sums}, not {ADMISSIONS} admissions",
        every=2,
    )


def through(space: Space, topic: str, year: int) -> list[float]:
    """Milliseconds from an admission's producer to its trend's row, committed.

    The topic is the raw or the clean one. In the year of the admissions there are no others.
    """
    encode = space.encoder(topic)
    producer = librdkafka.producer(space.target.kafka, linger_ms=1)
    sent: dict[int, float] = {}
    begun = time.monotonic()
    for number in range(PER_SECOND * SECONDS):
        # A steady pace is what is measured, not a condition that is waited for.
        time.sleep(max(0, begun + number / PER_SECOND - time.monotonic()))
        # An hour of its own for each: its row is written once.
        at = datetime(year, 1, 1, tzinfo=UTC) + timedelta(hours=number)
        sent[int(at.timestamp())] = time.time()
        admission = _admission(number, at) | {"admission_id": f"{topic}-{number}"}
        producer.produce(topic, key=admission["admission_id"], value=encode(admission))
        producer.poll(0)
    assert producer.flush(30) == 0
    committed = until(
        lambda: {hour: float(at) for hour, at in space.rows(COMMITS) if hour in sent},
        seconds=60,
        done=lambda rows: rows.keys() == sent.keys(),
        describe=lambda rows: f"{len(rows or {})} of {len(sent)} rows",
        every=0.5,
    )
    counted = sorted(sent)[PER_SECOND * WARM_UP_S :]
    return [(committed[hour] - sent[hour]) * 1000 for hour in counted]


def _counted(space: Space) -> dict[str, int | None]:
    """The admissions that each trend has counted so far."""
    tables = "admissions_hourly", "admissions_by_age_daily", "length_of_stay_daily"
    return {table: space.rows(f"SELECT sum(admissions) FROM {table}")[0][0] for table in tables}


def _patient(number: int) -> dict[str, Any]:
    born = datetime(1930 + number % 90, 1, 1, tzinfo=UTC).date()
    names = ("first_name", "last_name", "race", "insurance", "medical_history")
    value: dict[str, Any] = dict.fromkeys(names)
    return value | {"patient_id": f"P{number}", "gender": "FMX"[number % 3], "birth_date": born}


def _admission(number: int, at: datetime) -> dict[str, Any]:
    return {
        "admission_id": f"A{number}",
        "patient_id": f"P{number % PATIENTS}",
        "department": ("Cardiology", "Surgery", "Oncology")[number % 3],
        "admission_type": "Emergency",
        "admission_date": at,
        "length_of_stay_hours": number % 50,
        "discharge_disposition": "Home",
    }
