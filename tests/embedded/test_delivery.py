"""Every record that Datagen wrote is in PostgreSQL exactly once, whatever is killed on the way."""

import os
import signal
from collections import defaultdict
from typing import Any

import pytest
import yaml
from confluent_kafka import Producer
from psycopg.rows import dict_row

from pipeline.wait import until
from stack.layout import Layout
from tests.embedded import records
from tests.embedded.stack_fixture import pid_of
from tests.embedded.workspace import Workspace, counts

TABLES = {
    "patients": ("patients", "patient_id"),
    "patient_admissions": ("admissions", "admission_id"),
    "patient_diagnoses": ("diagnoses", "diagnosis_id"),
    "patient_labs": ("lab_results", "lab_id"),
}
RECORDS = 5000
REDELIVERED = 500


def _bounded(space: Workspace, max_interval_ms: int) -> None:
    """The repository's sources, but fewer records of each, and at another pace."""
    for file in (space.root / "connectors" / "sources").glob("*.yaml"):
        redelivery = "redelivery" in file.name
        iterations = REDELIVERED if redelivery else RECORDS
        path = str(file.relative_to(space.root))
        space.edit(path, iterations=iterations, max_interval_ms=max_interval_ms)


def _specs(space: Workspace) -> dict[str, list[dict[str, Any]]]:
    specs = defaultdict(list)
    for file in sorted((space.root / "connectors" / "sources").glob("*.yaml")):
        spec = yaml.safe_load(file.read_text())
        specs[spec["topic"]].append(spec)
    return specs


def _wait_for_rows(space: Workspace, wanted: dict[str, int]) -> None:
    tables = tuple(wanted)
    seen = [counts(space, tables)]

    def probe() -> bool | None:
        seen[0] = counts(space, tables)
        return True if seen[0] == wanted else None

    def describe() -> str:
        return f"rows are {seen[0]}, not {wanted}\n{space.run('status').stdout}"

    until(probe, seconds=120, describe=describe, every=0.5)


ALL_ROWS = {
    "patients": RECORDS,
    "admissions": RECORDS,
    "diagnoses": 2 * RECORDS,
    "lab_results": 2 * RECORDS,
}


def _account(space: Workspace) -> None:
    """Compares the topics with what the specs ask for, and the tables with the topics."""
    for topic, specs in _specs(space).items():
        found = records.read(space.target, topic)
        written = {(record.key, record.iteration) for record in found}
        assert written == _expected(specs), f"{topic}: records are missing, or too many"
        _assert_same_content(found)
        _assert_table_equals_topic(space, *TABLES[topic], found)


def _expected(specs: list[dict[str, Any]]) -> set[tuple[str, int]]:
    prefixes = {"patient_id": ("P", 10000)}
    expected = set()
    for spec in specs:
        override = spec.get("generator", {}).get(spec["key"])
        default = (spec["key"][0].upper(), 1000000)
        prefix, start = prefixes.get(spec["key"], default)
        if override:
            prefix, start = override["prefix"], override["iteration"]["start"]
        expected |= {(f"{prefix}{start + i}", i) for i in range(spec["iterations"])}
    return expected


def _assert_same_content(found: list[records.Record]) -> None:
    """A record that is written again, after a kill or as a redelivery, is the same record."""
    first: dict[str, dict[str, Any]] = {}
    for record in found:
        assert first.setdefault(record.key, record.value) == record.value, record


def _assert_table_equals_topic(
    space: Workspace, table: str, key: str, found: list[records.Record]
) -> None:
    wanted = {record.key: records.row(record.value) for record in found}
    with space.database() as connection:
        cursor = connection.cursor(row_factory=dict_row).execute(f"SELECT * FROM {table}".encode())
        rows = {row[key]: row for row in cursor}
    assert rows.keys() == wanted.keys()
    for identifier, columns in wanted.items():
        row = rows[identifier]
        assert {name: row[name] for name in columns} == columns


def test_every_record_lands_exactly_once_through_two_kills(
    hospital: Workspace, stack: Layout
) -> None:
    _bounded(hospital, max_interval_ms=6)
    hospital.ok("deploy")
    for rows in (1000, 6000):
        _kill_connect_at(hospital, stack, rows)
    _wait_for_rows(hospital, ALL_ROWS)
    _account(hospital)
    # The kills hit the sources in the middle: some records carry a later generation.
    generations = {r.generation for r in records.read(hospital.target, "patient_admissions")}
    assert max(generations) >= 1


def _kill_connect_at(space: Workspace, stack: Layout, rows: int) -> None:
    def probe() -> bool | None:
        return True if counts(space, ("diagnoses",))["diagnoses"] >= rows else None

    def describe() -> str:
        return f"diagnoses has fewer than {rows} rows\n{space.run('status').stdout}"

    until(probe, seconds=90, describe=describe)
    pid = pid_of(stack, "connect")
    os.kill(pid, signal.SIGKILL)
    until(
        lambda: True if pid_of(stack, "connect") not in {0, pid} else None,
        seconds=30,
        describe=lambda: "the supervisor does not start Connect again",
    )


def test_a_fast_feed_lands_exactly_once_and_dead_letters_do_not_stop_it(
    hospital: Workspace,
) -> None:
    _bounded(hospital, max_interval_ms=0)
    hospital.ok("deploy")
    _produce_garbage(hospital, "patient_admissions", [b"not avro", b"\x00\x00\x0f\xff\xffx", b""])
    _wait_for_rows(hospital, ALL_ROWS)
    letters = list(records.raw(hospital.target, "admissions-sink_dlq"))
    assert sorted(message.value() for message in letters)[-1] == b"not avro"
    headers = dict(letters[0].headers())
    assert headers["__connect.errors.topic"] == b"patient_admissions"
    assert headers["__connect.errors.connector.name"] == b"admissions-sink"
    assert headers["__connect.errors.exception.message"]
    # The sink went on: what came after the garbage is there too.
    hospital.edit("connectors/sources/admissions.yaml", iterations=RECORDS + 100)
    hospital.ok("deploy")
    _wait_for_rows(hospital, {"admissions": RECORDS + 100})
    assert "FAILED" not in hospital.run("status").stdout


def _produce_garbage(space: Workspace, topic: str, values: list[bytes]) -> None:
    producer = Producer({"bootstrap.servers": space.target.kafka})
    for value in values:
        producer.produce(topic, key=b"garbage", value=value)
    assert producer.flush(20) == 0


def test_ids_join_across_topics(hospital: Workspace) -> None:
    _bounded(hospital, max_interval_ms=0)
    hospital.edit("connectors/sources/patients.yaml", iterations=50000)
    hospital.ok("deploy")
    _wait_for_rows(hospital, {**ALL_ROWS, "patients": 50000})
    for child, parent, key in [
        ("admissions", "patients", "patient_id"),
        ("diagnoses", "admissions", "admission_id"),
        ("lab_results", "admissions", "admission_id"),
    ]:
        orphans = f"SELECT count(*) FROM {child} LEFT JOIN {parent} p USING ({key}) WHERE p IS NULL"
        assert hospital.rows(orphans) == [(0,)], f"{child} without {parent}"


@pytest.mark.parametrize("where", ["worker", "plan", "logs"])
def test_no_secret_shows(hospital: Workspace, stack: Layout, where: str) -> None:
    _bounded(hospital, max_interval_ms=0)
    hospital.ok("deploy")
    shown = {
        "worker": lambda: str(hospital.connectors()),
        "plan": lambda: hospital.ok("plan", "--json", "--prune") + hospital.ok("render"),
        "logs": lambda: "".join(file.read_text() for file in stack.logs.glob("*.log*")),
    }[where]()
    leaked = [name for name, secret in hospital.secrets.items() if secret in shown]
    assert leaked == []
    assert shown
