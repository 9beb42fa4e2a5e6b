"""A person is erased from everywhere, and everybody else stays."""

import json
import re
import signal
from datetime import timedelta
from typing import Any

import pytest

from pipeline.repository.loader import load
from pipeline.wait import until
from tests.support import records
from tests.support.delivery import TABLES, bounded
from tests.support.stacks import Stack
from tests.support.trends import wait_until_trends_equal
from tests.support.workspace import Workspace, counts

PATIENT = "P770421"
ADMISSIONS = ("A770421001", "A770421002")
REJECTED = "A770421009"
IDS = re.compile(rb"P770421|A7704210\d\d|D7704210\d\d|L7704210\d\d")
RECORDS = 400
QUEUE = "patients-sink_dlq"


def test_a_patient_is_erased_and_everybody_else_stays(whole: Workspace, stack: Stack) -> None:
    if not stack.has_backup:
        pytest.skip("the files of compose's services are in volumes: erase does not search them")
    bounded(whole, max_interval_ms=0)
    for file in (whole.root / "connectors" / "sources").glob("*.yaml"):
        whole.edit(str(file.relative_to(whole.root)), iterations=RECORDS)
    whole.ok("deploy")
    _wait_for_all(whole)
    wait_until_trends_equal(whole)
    others, trends = _everything(whole), _trends(whole)
    _come(whole)
    wait_until_trends_equal(whole)
    assert _trends(whole) != trends
    # Raw, clean, rejected, a letter, and two rows in each of five topics of ksql/.
    assert len(_places(whole)) == 8 + 7 + 1 + 1 + 5 * 2
    _cut_off(whole)
    said = whole.run("erase", "--patient", PATIENT, "--yes")
    assert said.returncode == 0, said.stdout + said.stderr
    assert f"{PATIENT} is erased" in said.stderr
    assert re.search(r"data/postgres +[\d,]+ files +[\d,]+ bytes", said.stdout)
    assert _places(whole) == set()
    assert _everything(whole) == others
    wait_until_trends_equal(whole)
    assert _trends(whole) == trends
    ((hashed, ended, erased),) = whole.rows("SELECT patient, ended_at, records FROM erasures")
    assert re.fullmatch("[0-9a-f]{64}", hashed)
    assert ended
    assert erased >= len(ADMISSIONS)
    whole.await_changes([])
    again = whole.run("erase", "--patient", PATIENT, "--yes")
    assert (again.returncode, again.stderr.strip()) == (
        1,
        f"error: no record of {PATIENT} in Kafka or PostgreSQL",
    )


def _wait_for_all(space: Workspace) -> None:
    wanted = {table for _, table, _ in TABLES.values()}
    until(
        lambda: _landed(space),
        seconds=120,
        done=lambda landed: all(landed[topic] >= RECORDS for topic in TABLES),
        describe=lambda landed: f"landed are {landed}\n{space.run('status').stdout}",
        every=0.5,
    )
    assert counts(space, tuple(wanted))


def _landed(space: Workspace) -> dict[str, int]:
    rejected = dict(
        space.rows(
            "SELECT source_topic, count(DISTINCT record_key) FROM rejected_records GROUP BY 1"
        )
    )
    rows = counts(space, tuple(table for _, table, _ in TABLES.values()))
    return {topic: rows[table] + rejected.get(topic, 0) for topic, (_, table, _) in TABLES.items()}


def _everything(space: Workspace) -> dict[str, list[tuple[Any, ...]]]:
    """The rows of all people."""
    tables = (*(table for _, table, _ in TABLES.values()), "rejected_records")
    return {table: space.rows(f"SELECT * FROM {table} ORDER BY 1") for table in tables}


def _trends(space: Workspace) -> dict[str, list[tuple[Any, ...]]]:
    """The counts of groups that have somebody."""
    counted = {
        "admissions_hourly": "admissions",
        "diagnoses_daily": "diagnoses",
        "abnormal_labs_hourly": "abnormal",
        "admissions_by_age_daily": "admissions",
    }
    return {
        table: space.rows(f"SELECT * FROM {table} WHERE {count} > 0 ORDER BY 1, 2, 3")
        for table, count in counted.items()
    }


def _come(space: Workspace) -> None:
    """The patient comes: two admissions, each with a diagnosis and a laboratory result; one that is
    rejected; and a letter that the sink cannot read."""
    schemas = load(space.root).schemas
    like = {topic: _one(space, topic) for topic in TABLES}
    stay = like["patient_admissions"]
    early = stay["admission_date"] - timedelta(days=400)
    admissions = [
        {
            **stay,
            "admission_id": one,
            "patient_id": PATIENT,
            "admission_date": early + timedelta(hours=hour),
        }
        for hour, one in enumerate(ADMISSIONS)
    ]
    bad = {**admissions[0], "admission_id": REJECTED, "length_of_stay_hours": -24}
    test = {**like["patient_labs"]["test"], "value": like["patient_labs"]["test"]["reference_low"]}
    coming = {
        "patients": [{**like["patients"], "patient_id": PATIENT}],
        "patient_admissions": [*admissions, bad],
        "patient_diagnoses": [
            {
                **like["patient_diagnoses"],
                "diagnosis_id": one.replace("A", "D"),
                "admission_id": one,
                "diagnosis_rank": "Primary",
            }
            for one in ADMISSIONS
        ],
        "patient_labs": [
            {
                **like["patient_labs"],
                "lab_id": one.replace("A", "L"),
                "admission_id": one,
                "test": {**test, "value": test["reference_low"] * 0.9},
            }
            for one in ADMISSIONS
        ],
    }
    for topic, values in coming.items():
        key = TABLES[topic][2]
        records.write(space.target, topic, schemas[topic], [(v[key], v) for v in values])
    records.write_raw(
        space.target, "patients_clean", [(PATIENT.encode(), b"of " + PATIENT.encode())]
    )
    listed = ", ".join(f"'{one}'" for one in ADMISSIONS)
    there = f"""SELECT (SELECT count(*) FROM admissions WHERE admission_id IN ({listed})),
        (SELECT count(*) FROM diagnoses WHERE admission_id IN ({listed})),
        (SELECT count(*) FROM lab_results WHERE admission_id IN ({listed})),
        (SELECT count(*) FROM patients WHERE patient_id = '{PATIENT}'),
        (SELECT count(*) FROM rejected_records WHERE record_key = '{REJECTED}')"""
    until(
        lambda: space.rows(there),
        seconds=60,
        done=lambda rows: rows == [(2, 2, 2, 1, 1)],
        describe=lambda rows: f"of the patient there are {rows}",
        every=0.5,
    )
    until(
        lambda: list(records.raw(space.target, QUEUE)),
        seconds=30,
        describe=lambda _: "there is no letter",
    )


def _one(space: Workspace, topic: str) -> dict[str, Any]:
    """A record that is clean as it is."""
    clean, _, key = TABLES[topic]
    good = {record.key for record in records.read(space.target, clean)}
    found = records.read(space.target, topic)
    return next(
        {**record.value, key: record.key}
        for record in found
        if record.key in good and all(value != "" for value in record.value.values())
    )


def _places(space: Workspace) -> set[tuple[str, bytes]]:
    """Where the patient's records are: topic and key, of records and of tombstones."""
    return {
        (topic, message.key())
        for topic in load(space.root).identifying
        for message in records.raw(space.target, topic)
        if IDS.search((message.key() or b"") + b" " + (message.value() or b""))
    }


def _cut_off(space: Workspace) -> None:
    """A run that is killed in the middle: the next one takes up its identifiers."""
    running = space.start("erase", "--patient", PATIENT, "--yes")
    begun = "SELECT count(*) FROM erasures"
    until(
        lambda: space.rows(begun),
        seconds=60,
        done=lambda rows: rows == [(1,)] or not running.alive,
        describe=lambda _: "no erasure has begun",
        every=0.05,
    )
    running.cut_off(signal.SIGKILL)
    assert running.ended().returncode == -signal.SIGKILL
    kept = list((space.target.state / "run").glob("erasing-*.json"))
    assert len(kept) <= 1
    for file in kept:
        assert PATIENT in json.loads(file.read_text())
