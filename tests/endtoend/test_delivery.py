"""Every record that Datagen wrote is in PostgreSQL exactly once, clean or rejected, whatever is
killed or lost on the way."""

import json
from collections import defaultdict
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from psycopg.rows import dict_row

from pipeline.clients.registry import Registry
from pipeline.repository.loader import load
from pipeline.wait import until
from tests.support import golden, records
from tests.support.delivery import (
    ENTITIES,
    FED,
    RECORDS,
    TABLES,
    bounded,
    wait_until_landed,
)
from tests.support.stacks import Stack
from tests.support.trends import wait_until_trends_equal
from tests.support.workspace import Workspace, counts

# What is killed, once the table diagnoses has so many rows. The sources run for less than a minute:
# Connect comes first: on the cluster both of its workers, so that the one with the source's task is
# among them.
KILLS = (
    (300, "connect"),
    (1000, "other connect"),
    (2000, "cleanse"),
    (3500, "cleanse"),
    (5000, "registry"),
    (6500, "kafka"),
    (7500, "cleanse"),
)
# When the backup is made, and when the disk is lost.
BACKED_UP, LOST = 7800, 8500


def _specs(space: Workspace) -> dict[str, list[dict[str, Any]]]:
    specs = defaultdict(list)
    for file in sorted((space.root / "connectors" / "sources").glob("*.yaml")):
        spec = yaml.safe_load(file.read_text())
        specs[spec["topic"]].append(spec)
    return specs


def _account(space: Workspace) -> None:
    """Compares topics with specs, clean topics and rejects with topics, and tables with those."""
    rejects = {r.key: r.value for r in records.read(space.target, "patient_rejects")}
    for topic, specs in _specs(space).items():
        found = records.read(space.target, topic)
        written = {(record.key, record.iteration) for record in found}
        assert written == _expected(specs), f"{topic}: records are missing, or too many"
        _assert_same_content(found)
        clean_topic, table, key = TABLES[topic]
        clean = records.read(space.target, clean_topic)
        _assert_each_is_clean_or_rejected(found, clean, rejects)
        _assert_table_equals_topic(space, table, key, clean)
    with space.database() as connection:
        cursor = connection.cursor(row_factory=dict_row).execute("SELECT * FROM rejected_records")
        assert {row["reject_id"]: row for row in cursor} == rejects


def _assert_each_is_clean_or_rejected(
    raw: list[records.Record], clean: list[records.Record], rejects: dict[str, dict[str, Any]]
) -> None:
    clean_keys = {record.key for record in clean}
    rejected_keys = {reject["record_key"].decode() for reject in rejects.values()}
    keys = {record.key for record in raw}
    assert not clean_keys & (rejected_keys & keys), "both clean and rejected"
    assert clean_keys | (rejected_keys & keys) == keys


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


def test_nothing_is_lost_or_counted_twice_whatever_is_killed_or_comes_again(
    whole: Workspace, stack: Stack, tmp_path: Path
) -> None:
    bounded(whole, max_interval_ms=20)
    whole.ok("deploy")
    for rows, part in KILLS:
        _wait_for_rows(whole, rows)
        stack.kill(part)
    if stack.has_backup:
        _lose_the_disk(whole, stack, tmp_path / "backups")
    wait_until_landed(whole, ENTITIES)
    _account(whole)
    # The kills hit the sources in the middle: some records carry a later generation.
    generations = {r.generation for r in records.read(whole.target, "patient_admissions")}
    assert max(generations) >= 1
    wait_until_trends_equal(whole)
    _deliver_again(whole)
    _correct(whole, 100)
    wait_until_trends_equal(whole)
    stack.kill("trends")
    _correct(whole, 101)
    wait_until_trends_equal(whole)


def _deliver_again(space: Workspace) -> None:
    """The whole of a raw topic a second time."""
    messages = [(m.key(), m.value()) for m in records.raw(space.target, "patient_admissions")]
    before = len(records.read(space.target, "patient_admissions_clean"))
    records.write_raw(space.target, "patient_admissions", messages)

    wanted = before + RECORDS * 0.9
    until(
        lambda: len(records.read(space.target, "patient_admissions_clean")),
        seconds=120,
        done=lambda count: count >= wanted,
        describe=lambda count: f"the clean topic has {count} records, not {wanted}",
        every=1,
    )


def _correct(space: Workspace, admissions: int) -> None:
    """Moves admissions to another department and hour, in the raw topic."""
    topic = "patient_admissions"
    found = {r.key: r.value for r in records.read(space.target, topic)}
    clean = {r.key for r in records.read(space.target, TABLES[topic][0])}
    chosen = sorted(found.keys() & clean)[:admissions]
    moved = [(key, _elsewhere(found[key])) for key in chosen]
    records.write(space.target, topic, load(space.root).schemas[topic], moved)
    listed = ", ".join(f"'{key}'" for key in chosen)
    there = f"SELECT count(*) FROM admissions WHERE admission_id IN ({listed})"
    query = f"{there} AND department = 'Neurology'"
    until(
        lambda: space.rows(query),
        seconds=120,
        done=lambda rows: rows == [(admissions,)],
        describe=lambda rows: f"landed are {rows} of {admissions} corrections",
        every=1,
    )


def _elsewhere(value: dict[str, Any]) -> dict[str, Any]:
    at = value["admission_date"] + timedelta(hours=7)
    return {**value, "department": "Neurology", "admission_date": at}


def _wait_for_rows(space: Workspace, rows: int) -> None:
    until(
        lambda: counts(space, ("diagnoses",))["diagnoses"],
        seconds=120,
        done=lambda count: count >= rows,
        describe=lambda count: f"diagnoses has {count} rows\n{space.run('status').stdout}",
    )


def _lose_the_disk(space: Workspace, stack: Stack, folder: Path) -> None:
    """What came after the backup is written once more, by the sources and by all others."""
    _wait_for_rows(space, BACKED_UP)
    backup = stack.back_up(folder)
    _wait_for_rows(space, LOST)
    registered = _registered(space)
    stack.lose_and_restore(backup)
    assert _registered(space) == registered
    space.await_changes([])


def _registered(space: Workspace) -> dict[str, int]:
    """The id of each schema."""
    registry = Registry(space.target.registry)
    return {subject: registry.latest(subject).id for subject in registry.subjects()}


def test_a_fast_feed_lands_with_the_rejects_that_its_seeds_give(fed: Workspace) -> None:
    _account(fed)
    found = fed.rows(
        """SELECT source_topic, rules, count(DISTINCT record_key) FROM rejected_records
        GROUP BY 1, 2 ORDER BY 1, 2"""
    )
    golden.check(
        "rejects.txt", "".join(f"{topic} {rules} {count}\n" for topic, rules, count in found)
    )
    # Each count is near the share that the fields' documentation states.
    shares = {(topic, rules): count / FED[topic] for topic, rules, count in found}
    negative_stays = shares["patient_admissions", "discharge_not_before_admission"]
    assert negative_stays == pytest.approx(1 / 60, rel=0.2)
    out_of_range = shares["patient_labs", "value_in_human_range"]
    assert out_of_range == pytest.approx(4 / 130, rel=0.2)


def test_ids_join_across_topics(fed: Workspace) -> None:
    raw = {topic: records.read(fed.target, topic) for topic in FED}
    keys = {topic: {record.key for record in found} for topic, found in raw.items()}
    for child, parent, field in [
        ("patient_admissions", "patients", "patient_id"),
        ("patient_diagnoses", "patient_admissions", "admission_id"),
        ("patient_labs", "patient_admissions", "admission_id"),
    ]:
        assert {record.value[field] for record in raw[child]} <= keys[parent]


def test_no_secret_shows_in_the_worker_a_plan_or_a_log(fed: Workspace, stack: Stack) -> None:
    shown = {
        "worker": str(fed.connectors()),
        "plan": fed.ok("plan", "--json", "--prune"),
        "logs": stack.logs(),
    }
    secrets = fed.secrets
    leaks = [
        (where, name) for where, text in shown.items() for name in secrets if secrets[name] in text
    ]
    assert leaks == []
    assert all(shown.values())


def test_garbage_is_rejected_by_the_cleansing_or_dead_lettered_by_the_sink(fed: Workspace) -> None:
    garbage = {
        b"not avro": "not_avro",
        b"\x00\x00\x0f\xff\xffx": "unknown_schema",
        b"": "empty_value",
    }
    raw = [(b"garbage", value) for value in garbage]
    records.write_raw(fed.target, "patient_admissions", raw)
    records.write_raw(fed.target, "patient_admissions_clean", [(b"garbage", b"not avro")])
    rejected = "SELECT record_value, rules FROM rejected_records WHERE record_key = 'garbage'"
    until(
        lambda: fed.rows(rejected),
        seconds=60,
        done=lambda rows: len(rows) == len(garbage),
        describe=lambda rows: f"rejected are {rows}",
    )
    assert {bytes(value): rules for value, rules in fed.rows(rejected)} == garbage
    (letter,) = until(
        lambda: records.raw(fed.target, "admissions-sink_dlq"),
        seconds=30,
        describe=lambda _: "the dead letter queue is empty",
    )
    assert letter.value() == b"not avro"
    headers = dict(letter.headers())
    assert headers["__connect.errors.topic"] == b"patient_admissions_clean"
    assert headers["__connect.errors.connector.name"] == b"admissions-sink"
    assert headers["__connect.errors.exception.message"]
    _replay_the_letter(fed)
    # Both went on: what came after the garbage is there too.
    fed.edit("connectors/sources/admissions.yaml", iterations=RECORDS + 100)
    fed.ok("deploy")
    wait_until_landed(fed, {**FED, "patient_admissions": RECORDS + 100})
    assert "FAILED" not in fed.run("status").stdout


def _replay_the_letter(space: Workspace) -> None:
    """It is listed and sent again, once: the sink still cannot read it."""
    sink = ("--connector", "admissions-sink")
    (listed,) = json.loads(space.ok("dlq", "--json", *sink))
    assert (listed["topic"], listed["records"]) == ("patient_admissions_clean", 1)
    letter = json.loads(space.ok("dlq", "show", listed["newest"]["id"]))
    assert (letter["key"], letter["value"][:7]) == ("garbage", "8 bytes")
    assert letter["why"]
    assert "1 records sent again" in space.run("dlq", "replay", *sink).stderr
    until(
        lambda: list(records.raw(space.target, "admissions-sink_dlq")),
        seconds=30,
        done=lambda letters: len(letters) == 2,
        describe=lambda letters: f"letters: {letters}",
    )
    (again,) = json.loads(space.ok("dlq", "--json", *sink))
    assert again["records"] == 1
    assert again["newest"]["id"] != letter["id"]
    said = space.run("dlq", "replay", *sink).stderr
    assert "nothing is sent again; 1 were before, and the sink could not read them again" in said
