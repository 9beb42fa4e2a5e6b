"""Schema ids that nobody knew when the job started: the registry is asked for them."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from pyspark.sql import SparkSession

from pipeline import codec
from pipeline.clients.registry import Registry
from pipeline.repository.connections import at
from pipeline.schemas import subject_of
from spark import cleanse
from spark.payload import Source
from tests.support.registry import ConfluentRegistry
from tests.support.serving import serving

TOPIC = "patients"
SUBJECT = subject_of(TOPIC)
STAMP = datetime(2025, 3, 1, tzinfo=UTC)
ID = {"name": "patient_id", "type": "string"}
NAME = {"name": "last_name", "type": ["null", "string"], "default": None}
SCHEMA = {"type": "record", "name": "patient", "fields": [ID, NAME]}
NEWER = {**SCHEMA, "fields": [NAME, {**NAME, "name": "email"}, ID]}
RECORD = {"patient_id": "P1", "last_name": "Lee"}
FIRST, SECOND = 1, 2


class Asked:
    """A registry that counts what it is asked for, and fails as often as it is told to."""

    def __init__(self) -> None:
        self.registry = ConfluentRegistry()
        self.paths: list[str] = []
        self.failures = 0
        self.failure: tuple[int, Any] = 503, {"message": "not now"}

    def answer(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        if method == "GET" and path.startswith("/subjects"):
            self.paths.append(path)
            if self.failures:
                self.failures -= 1
                return self.failure
        return self.registry.answer(method, path, body)


@pytest.fixture
def asked() -> Iterator[tuple[Asked, str]]:
    server = Asked()
    with serving(server.answer) as url:
        assert Registry(at(url)).register(SUBJECT, SCHEMA) == FIRST
        yield server, url


def _payloads(spark: SparkSession, url: str, *values: bytes) -> list[bytes | None]:
    """Of values in one partition, by one task."""
    rows = [(None, value, TOPIC, 0, offset, STAMP) for offset, value in enumerate(values)]
    raw = spark.createDataFrame(rows, cleanse.KAFKA_SOURCE).coalesce(1)
    source = Source(TOPIC, SCHEMA, {}, at(url))
    found = raw.select("offset", source.payload(spark).alias("payload")).collect()
    return [row.payload and bytes(row.payload) for row in sorted(found)]


def test_versions_are_asked_for_once_and_become_the_contract(
    spark: SparkSession, asked: tuple[Asked, str]
) -> None:
    server, url = asked
    assert Registry(at(url)).register(SUBJECT, NEWER) == SECOND
    server.paths.clear()
    old, new = codec.encoder(SCHEMA, FIRST)(RECORD), codec.encoder(NEWER, SECOND)(RECORD)
    assert _payloads(spark, url, old, new, new, old) == [old[5:]] * 4
    assert server.paths == [f"/subjects/{SUBJECT}/versions{end}" for end in ("", "/1", "/2")]


def test_the_registrys_address_may_end_with_a_slash(
    spark: SparkSession, asked: tuple[Asked, str]
) -> None:
    _, url = asked
    value = codec.encoder(SCHEMA, FIRST)(RECORD)
    assert _payloads(spark, f"{url}/", value) == [value[5:]]


def test_a_subject_that_is_not_there_has_no_schema(
    spark: SparkSession, asked: tuple[Asked, str]
) -> None:
    server, url = asked
    server.registry.versions.clear()
    assert _payloads(spark, url, codec.header(FIRST) + b"abc") == [None]


def test_a_schema_that_cannot_be_read_costs_only_its_own_records(
    spark: SparkSession, asked: tuple[Asked, str]
) -> None:
    server, url = asked
    server.registry.versions[SUBJECT][2] = '{"type": "record", "name": "x", "fields": "none"}'
    server.registry.ids[server.registry.versions[SUBJECT][2]] = SECOND
    value = codec.encoder(SCHEMA, FIRST)(RECORD)
    assert _payloads(spark, url, codec.header(SECOND) + b"abc", value) == [None, value[5:]]


def test_an_unknown_id_is_null_and_a_damaged_value_is_empty(
    spark: SparkSession, asked: tuple[Asked, str]
) -> None:
    _, url = asked
    Registry(at(url)).register(SUBJECT, NEWER)
    damaged = codec.header(SECOND) + b"\xff" * 30
    assert _payloads(spark, url, codec.header(99) + b"abc", b"abc", damaged) == [None, b"", b""]


def test_garbage_asks_seldom(spark: SparkSession, asked: tuple[Asked, str]) -> None:
    server, url = asked
    server.paths.clear()
    begun = time.monotonic()
    assert _payloads(spark, url, *[codec.header(99) + b"abc"] * 2000) == [None] * 2000
    # The list of versions five times in each second that it took, and the one version once.
    assert len(server.paths) <= 3 + 5 * (time.monotonic() - begun)


@pytest.mark.parametrize("status", [503, 404])
def test_a_registry_that_is_away_is_waited_for(
    spark: SparkSession, asked: tuple[Asked, str], status: int
) -> None:
    # A proxy before it may say 404, which is not the registry's own "no such subject".
    server, url = asked
    server.failures, server.failure = 3, (status, {"message": "not now"})
    value = codec.encoder(SCHEMA, FIRST)(RECORD)
    assert _payloads(spark, url, value) == [value[5:]]
    assert server.failures == 0
