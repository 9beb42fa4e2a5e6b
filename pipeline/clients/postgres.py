"""The tables: db_setup.sql, and what the sinks need of it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
from psycopg import sql

from pipeline.desired import Script
from pipeline.errors import PipelineError, ServiceError
from pipeline.repository.target import Postgres

MARK = "db_setup.sql sha256:"
# The role in db_setup.sql, and the secret that is its password.
ROLE_PASSWORDS = {
    "connect_writer": "CONNECT_WRITER_PASSWORD",
    "bi_reader": "BI_READER_PASSWORD",
    "orchestrator": "ORCHESTRATOR_PASSWORD",
}
COLUMNS = """
SELECT table_name, array_agg(column_name::text) FROM information_schema.columns
WHERE table_schema = 'public' GROUP BY table_name
"""
KEYS = """
SELECT c.conrelid::regclass::text, array_agg(a.attname::text ORDER BY a.attname)
FROM pg_constraint c JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = ANY (c.conkey)
WHERE c.contype IN ('p', 'u') AND c.connamespace = 'public'::regnamespace
GROUP BY c.conrelid, c.oid
"""
MARKED = """
SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = current_database()
"""


@dataclass(frozen=True)
class LiveTables:
    """The tables' columns and unique keys, by table."""

    columns: Mapping[str, frozenset[str]]
    keys: Mapping[str, frozenset[tuple[str, ...]]]


class Database:
    """The pipeline's database, as its administrator."""

    def __init__(self, postgres: Postgres, secrets: Mapping[str, str]) -> None:
        self._postgres = postgres
        self._secrets = secrets

    def applied(self) -> str | None:
        """The SHA-256 of the db_setup.sql that ran last.

        Raises:
            ServiceError: here and in every method, PostgreSQL is unreachable or refuses.
        """
        with self._connection() as connection:
            row = connection.execute(MARKED).fetchone()
        mark = str(row[0] or "") if row else ""
        return mark.removeprefix(MARK) if mark.startswith(MARK) else None

    def preview(self, script: Script | None) -> LiveTables:
        """The tables as they will be once the script ran: it runs here, and is rolled back.

        Raises:
            PipelineError: the script fails; the message has its line.
        """
        with self._connection() as connection:
            if script:
                _run(connection, script)
            columns = {row[0]: frozenset(row[1]) for row in connection.execute(COLUMNS)}
            keys: dict[str, frozenset[tuple[str, ...]]] = {}
            for table, key in connection.execute(KEYS):
                keys[table] = keys.get(table, frozenset()) | {tuple(key)}
            connection.rollback()
        return LiveTables(columns, keys)

    def apply(self, script: Script) -> None:
        """Runs the script, sets the roles' passwords and marks what ran, all or nothing."""
        with self._connection() as connection:
            _run(connection, script)
            for role, secret in ROLE_PASSWORDS.items():
                verifier = connection.pgconn.encrypt_password(
                    self._secrets[secret].encode(), role.encode(), b"scram-sha-256"
                ).decode()
                alter = sql.SQL("ALTER ROLE {} PASSWORD {}")
                connection.execute(alter.format(sql.Identifier(role), sql.Literal(verifier)))
            mark = sql.SQL("COMMENT ON DATABASE {} IS {}").format(
                sql.Identifier(self._postgres.database), sql.Literal(MARK + script.sha256)
            )
            connection.execute(mark)

    @contextmanager
    def _connection(self) -> Iterator[psycopg.Connection]:
        postgres = self._postgres
        place = f"PostgreSQL at {postgres.host}:{postgres.port}"
        try:
            connection = psycopg.connect(
                host=postgres.host,
                port=postgres.port,
                dbname=postgres.database,
                user=postgres.admin,
                password=self._secrets["POSTGRES_PASSWORD"],
                connect_timeout=5,
            )
        except psycopg.OperationalError as error:
            reason = str(error).strip().splitlines()[-1]
            raise ServiceError(f"{place}: {reason}; `make status` shows if it is up") from None
        with connection:
            yield connection


def _run(connection: psycopg.Connection, script: Script) -> None:
    try:
        connection.execute(script.text.encode())
    except psycopg.Error as error:
        position = error.diag.statement_position
        line = script.text.count("\n", 0, int(position)) + 1 if position else None
        place = f"{script.file}:{line}" if line else f"{script.file}"
        raise PipelineError(f"{place}: {error.diag.message_primary or error}") from None
