"""Whether each raw record is in PostgreSQL once: what is lost, and what is counted twice."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
from psycopg import sql

from pipeline.clients import records
from pipeline.clients.connect import Connect
from pipeline.clients.kafka import Kafka
from pipeline.context import Context
from pipeline.resources.connector import Connector
from pipeline.wait import until
from spark import status as cleansing

LANDED_S = 300
# Trends that count each admission once.
COUNTED = ("admissions_hourly", "length_of_stay_daily", "admissions_by_age_daily")


@dataclass(frozen=True)
class Account:
    """Records of the raw topics that are in no table and no reject; and counts above the rows."""

    lost: int
    doubled: int


@contextmanager
def _stopped(connect: Connect, sources: Sequence[str]) -> Iterator[None]:
    for name in sources:
        connect.stop(name)
    try:
        yield
    finally:
        for name in sources:
            connect.resume(name)


def take(loaded: Context, connection: psycopg.Connection) -> Account:
    """Stops the sources, waits until all has landed, and compares topics, rows and trends.

    Raises:
        DeadlineError: it does not land, or the trends do not settle.
    """
    sources = [c.name for c in loaded.desired.connectors if not c.is_sink]
    with _stopped(loaded.services.connect, sources):
        _wait_until_read(loaded)
        lost = until(
            lambda: _lost(loaded, connection),
            seconds=LANDED_S,
            done=lambda missing: not any(missing.values()),
            describe=lambda missing: f"records that have not landed, by topic: {missing}",
            every=2,
        )
        surplus = until(
            lambda: _surplus(connection),
            seconds=LANDED_S,
            done=lambda found: not any(found.values()),
            describe=lambda found: f"counts that are not those of the rows: {found}",
            every=2,
        )
    return Account(sum(lost.values()), sum(surplus.values()))


def _wait_until_read(loaded: Context) -> None:
    """Until the cleansing and the sinks have read all that there is."""
    kafka = Kafka(loaded.target.kafka)
    rules = loaded.project.rules
    groups: dict[str, Sequence[str]] = {
        sink.name: sink.topics for sink in loaded.desired.connectors if sink.is_sink
    }
    groups = {f"connect-{name}": _read(loaded, name) for name in groups}
    if rules:
        groups[cleansing.group_of(loaded.target)] = list(rules.topics)
    until(
        lambda: kafka.lags(groups),
        seconds=LANDED_S,
        done=lambda lags: not any(lags.values()),
        describe=lambda lags: f"still unread: {lags}",
        every=1,
    )


def _read(loaded: Context, name: str) -> list[str]:
    specs = (source for source in loaded.project.connectors if source.spec.name == name)
    return [topic for source in specs for topic in source.reads]


def _lost(loaded: Context, connection: psycopg.Connection) -> Mapping[str, int]:
    """How many keys of each raw topic are in no row and no reject."""
    rules = loaded.project.rules
    sinks: dict[str, Connector] = {t: c for c in loaded.desired.connectors for t in c.topics}
    found: dict[str, int] = {}
    for raw, own in rules.topics.items() if rules else ():
        sink = sinks.get(own.clean)
        if sink is None:
            continue
        newest: dict[str, bool] = {}
        for message in records.messages(loaded.target.kafka_of("monitor"), raw):
            newest[_text(message.key())] = message.value() is not None
        keys = {key for key, has_value in newest.items() if has_value}
        found[raw] = len(keys - _landed(connection, sink.table, own.key, raw))
    return found


def _text(key: str | bytes | None) -> str:
    return key.decode(errors="replace") if isinstance(key, bytes) else key or ""


def _landed(connection: psycopg.Connection, table: str, key: str, raw: str) -> set[str]:
    query = sql.SQL(
        "SELECT {key} FROM {table} UNION"
        " SELECT convert_from(record_key, 'UTF8') FROM rejected_records WHERE source_topic = {raw}"
    ).format(key=sql.Identifier(key), table=sql.Identifier(table), raw=sql.Literal(raw))
    return {row[0] for row in connection.execute(query)}


def _surplus(connection: psycopg.Connection) -> Mapping[str, int]:
    """By how many each trend has counted more, or fewer, admissions than there are rows."""
    rows = _number(connection, sql.SQL("SELECT count(*) FROM admissions"))
    total = sql.SQL("SELECT coalesce(sum(admissions), 0) FROM {}")
    return {
        trend: _number(connection, total.format(sql.Identifier(trend))) - rows for trend in COUNTED
    }


def _number(connection: psycopg.Connection, query: sql.SQL | sql.Composed) -> int:
    row = connection.execute(query).fetchone()
    return int(row[0]) if row else 0
