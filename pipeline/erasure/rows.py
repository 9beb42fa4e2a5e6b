"""A person's rows in PostgreSQL, what their pages keep after that, and the note of the erasure."""

import hashlib
import hmac
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
from psycopg import sql

from pipeline.clients import database
from pipeline.errors import PipelineError, ServiceError, UsageError
from pipeline.repository.project import Project
from pipeline.repository.target import Target

KEY = "ERASURE_KEY"
NOTES = "erasures"


@dataclass(frozen=True)
class Column:
    """A column that a person's rows are found by. `is_bytes`: it holds a key as bytes."""

    table: str
    name: str
    is_bytes: bool


def columns(project: Project, types: Mapping[str, Mapping[str, str]]) -> Iterator[Column]:
    """The columns that have identifiers; `types` are by table and column."""
    for table, by_column in types.items():
        for name, type_ in by_column.items():
            is_key = any(
                project.key_of(t) == name for sink in project.sinks_of(table) for t in sink.reads
            )
            if project.kinds.get(name) == "code" or is_key:
                yield Column(table, name, type_ == "bytea")


@contextmanager
def connected(target: Target, secrets: Mapping[str, str]) -> Iterator[psycopg.Connection]:
    """A connection of the administrator.

    Raises:
        ServiceError: PostgreSQL is unreachable or refuses.
    """
    try:
        with database.connect(
            target.postgres,
            target.postgres.admin,
            secrets["POSTGRES_PASSWORD"],
            autocommit=True,
        ) as connection:
            yield connection
    except psycopg.Error as error:
        reason = " ".join(str(error).split())
        raise ServiceError(f"{database.place_of(target.postgres)}: {reason}") from None


def count(connection: psycopg.Connection, places: Sequence[Column], ids: set[str]) -> int:
    """How many rows have one of the identifiers, counted for each column."""
    found = 0
    for place in places:
        query = sql.SQL("SELECT count(*) FROM {} WHERE {}").format(*_where(place))
        row = connection.execute(query, [_values(place, ids)]).fetchone()
        found += row[0] if row else 0
    return found


def delete(connection: psycopg.Connection, places: Sequence[Column], ids: set[str]) -> int:
    """Deletes the rows that no sink deletes; returns how many."""
    gone = 0
    for place in places:
        query = sql.SQL("DELETE FROM {} WHERE {}").format(*_where(place))
        gone += connection.execute(query, [_values(place, ids)]).rowcount
    return gone


def _where(place: Column) -> tuple[sql.Composable, sql.Composable]:
    condition = sql.SQL("{} = ANY(%s)").format(sql.Identifier(place.name))
    return sql.Identifier(place.table), condition


def _values(place: Column, ids: set[str]) -> list[str] | list[bytes]:
    return [one.encode() for one in ids] if place.is_bytes else sorted(ids)


def forget(connection: psycopg.Connection, tables: Sequence[str]) -> None:
    """Has the server write tables and statistics anew, and drop its log of what was before.

    A table is locked while it is written.
    """
    for table in (*tables, "pg_statistic"):
        options = sql.SQL("FULL, ANALYZE") if table in tables else sql.SQL("FULL")
        connection.execute(sql.SQL("VACUUM ({}) {}").format(options, sql.Identifier(table)))
    # Twice: the log is kept from the last checkpoint but one on.
    for _ in range(2):
        connection.execute("SELECT pg_logical_emit_message(true, 'erase', '')")
        connection.execute("SELECT pg_switch_wal()")
        connection.execute("CHECKPOINT")


def digest(secrets: Mapping[str, str], patient: str) -> str:
    """What the note has in place of the identifier: HMAC-SHA256 under a secret.

    Who has the secret can tell whether a patient was erased; who has not learns nothing.

    Raises:
        UsageError: there is no such secret.
    """
    key = secrets.get(KEY)
    if not key:
        raise UsageError(f"{KEY} is missing among the secrets: a long random text, that is kept")
    return hmac.new(key.encode(), patient.encode(), hashlib.sha256).hexdigest()


def begin(connection: psycopg.Connection, patient: str) -> None:
    """Notes that an erasure begins; `patient` is a digest.

    Raises:
        PipelineError: the table of the notes is missing.
    """
    try:
        connection.execute(
            "INSERT INTO erasures (patient) SELECT %s WHERE NOT EXISTS"
            " (SELECT FROM erasures WHERE patient = %s AND ended_at IS NULL)",
            [patient, patient],
        )
    except psycopg.errors.UndefinedTable:
        raise PipelineError(f"there is no table {NOTES}: make deploy") from None


def end(connection: psycopg.Connection, patient: str, records: int) -> None:
    """Notes that it has ended, and how many records it concerned."""
    connection.execute(
        "UPDATE erasures SET ended_at = now(), records = %s"
        " WHERE patient = %s AND ended_at IS NULL",
        [records, patient],
    )
