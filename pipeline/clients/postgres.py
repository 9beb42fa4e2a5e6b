"""Reads and changes the pipeline's database, as its administrator."""

import getpass
import os
import socket
import zlib
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg
from psycopg import sql

from pipeline.clients import database
from pipeline.errors import PipelineError
from pipeline.live import LiveColumn, LiveTable
from pipeline.repository.target import Postgres

MARK = "db_setup.sql sha256:"
# By role in db_setup.sql: the name of the secret with its password.
ROLE_PASSWORDS = {
    "connect_writer": "CONNECT_WRITER_PASSWORD",
    "bi_reader": "BI_READER_PASSWORD",
    "orchestrator": "ORCHESTRATOR_PASSWORD",
}
COLUMNS = """
SELECT c.relname, obj_description(c.oid, 'pg_class'), a.attname,
       format_type(a.atttypid, a.atttypmod), NOT a.attnotnull,
       coalesce(col_description(c.oid, a.attnum), ''), a.atthasdef OR a.attidentity <> ''
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
ORDER BY c.relname, a.attnum
"""
KEYS = """
SELECT t.relname, array_agg(a.attname::text ORDER BY a.attname)
FROM pg_constraint c
JOIN pg_class t ON t.oid = c.conrelid
JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = ANY (c.conkey)
WHERE c.contype IN ('p', 'u') AND c.connamespace = 'public'::regnamespace
GROUP BY t.relname, c.oid
"""
GRANTS = """
SELECT table_name, grantee, array_agg(privilege_type::text) FROM information_schema.table_privileges
WHERE table_schema = 'public' GROUP BY table_name, grantee
"""
MARKED = """
SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = current_database()
"""
# Our key among the advisory locks of a database, and a pipeline's key below it.
LOCKS = 20_250_101
LOCK = "SELECT pg_try_advisory_lock(%(space)s, %(pipeline)s)"
HOLDER = """
SELECT a.application_name, a.backend_start FROM pg_locks l JOIN pg_stat_activity a USING (pid)
WHERE l.locktype = 'advisory' AND l.granted AND l.classid = %(space)s AND l.objid = %(pipeline)s
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
# While we wait for a lock, whoever comes later waits behind us: the sinks, too.
LOCK_TIMEOUT_S = 5
SINCE = "%Y-%m-%d %H:%M:%S"


class Database:
    """The pipeline's database. It connects when a transaction begins."""

    def __init__(self, postgres: Postgres, secrets: Mapping[str, str]) -> None:
        self._postgres = postgres
        self._secrets = secrets

    @contextmanager
    def transaction(self) -> Iterator["Transaction"]:
        """Opens a transaction. It is committed at the end of the block, or rolled back on error.

        Raises:
            ServiceError: PostgreSQL is unreachable or refuses the login.
        """
        postgres = self._postgres
        connection = database.connect(postgres, postgres.admin, self._secrets["POSTGRES_PASSWORD"])
        with connection:
            connection.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT_S}s'")
            yield Transaction(connection, postgres.database, self._secrets)

    @contextmanager
    def locked(self, pipeline: str, command: str) -> Iterator[None]:
        """Keeps all other deployments of a pipeline out, until the end of the block.

        PostgreSQL gives the lock back when the connection ends, and so when this process dies.

        Raises:
            ServiceError: PostgreSQL is unreachable or refuses the login.
            PipelineError: somebody else has the lock; the message says who.
        """
        postgres = self._postgres
        password = self._secrets["POSTGRES_PASSWORD"]
        key = {"space": LOCKS, "pipeline": zlib.crc32(pipeline.encode()) & 0x7FFFFFFF}
        with closing(
            database.connect(postgres, postgres.admin, password, autocommit=True)
        ) as connection:
            us = f"{command}, pid {os.getpid()}, {_user()}@{socket.gethostname()}"
            connection.execute("SELECT set_config('application_name', %s, false)", [us])
            row = connection.execute(LOCK, key).fetchone()
            if not row or not row[0]:
                holder = connection.execute(HOLDER, key).fetchone()
                who = f": {holder[0]}, since {holder[1].astimezone():{SINCE}}" if holder else ""
                raise PipelineError(
                    f"another `deploy` or `destroy` of {pipeline} is under way{who}. Wait until it"
                    " has ended"
                )
            yield


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # In a container, a user may have a number only.
        return str(os.getuid())


class Transaction:
    """The queries and changes in one transaction."""

    def __init__(
        self, connection: psycopg.Connection, name: str, secrets: Mapping[str, str]
    ) -> None:
        self._connection = connection
        self._database = name
        self._secrets = secrets

    def applied(self) -> str | None:
        """The SHA-256 of the db_setup.sql that ran last; None if none ran."""
        row = self._connection.execute(MARKED).fetchone()
        mark = str(row[0] or "") if row else ""
        return mark.removeprefix(MARK) if mark.startswith(MARK) else None

    def tables(self) -> dict[str, LiveTable]:
        """The tables of the schema public, by name."""
        columns: dict[str, dict[str, LiveColumn]] = {}
        comments: dict[str, str] = {}
        for table, comment, name, *rest in self._connection.execute(COLUMNS):
            columns.setdefault(table, {})[name] = LiveColumn(name, *rest)
            comments[table] = comment or ""
        keys: dict[str, frozenset[tuple[str, ...]]] = {}
        for table, key in self._connection.execute(KEYS):
            keys[table] = keys.get(table, frozenset()) | {tuple(key)}
        grants: dict[str, dict[str, frozenset[str]]] = {}
        for table, role, privileges in self._connection.execute(GRANTS):
            grants.setdefault(table, {})[role] = frozenset(privileges)
        return {
            table: LiveTable(
                table, by_name, keys.get(table, frozenset()), comments[table], grants.get(table, {})
            )
            for table, by_name in columns.items()
        }

    def execute(self, statement: str, file: Path) -> None:
        """Runs a statement. `file` is the spec that it comes from, for messages.

        Raises:
            PipelineError: PostgreSQL refuses it; the message names the file.
        """
        try:
            self._connection.execute(statement.encode())
        except psycopg.Error as error:
            raise PipelineError(f"{file}: {_message(error)}") from None

    def run_script(self, file: Path, text: str, sha256: str) -> None:
        """Runs the script, sets its roles' passwords, and stores the script's SHA-256.

        The database's comment holds the SHA-256: `applied` reads it.

        Raises:
            PipelineError: PostgreSQL refuses the script; the message has the line.
        """
        try:
            self._connection.execute(text.encode())
        except psycopg.Error as error:
            position = error.diag.statement_position
            line = f":{text.count(chr(10), 0, int(position)) + 1}" if position else ""
            raise PipelineError(f"{file}{line}: {_message(error)}") from None
        for role, secret in ROLE_PASSWORDS.items():
            verifier = self._connection.pgconn.encrypt_password(
                self._secrets[secret].encode(), role.encode(), b"scram-sha-256"
            ).decode()
            alter = sql.SQL("ALTER ROLE {} PASSWORD {}")
            self._connection.execute(alter.format(sql.Identifier(role), sql.Literal(verifier)))
        mark = sql.SQL("COMMENT ON DATABASE {} IS {}")
        self._connection.execute(
            mark.format(sql.Identifier(self._database), sql.Literal(MARK + sha256))
        )

    def rolled_back(self) -> dict[str, LiveTable]:
        """Rolls the transaction back; returns the tables as they were just before that.

        Empty if a statement of the transaction has failed.
        """
        failed = psycopg.pq.TransactionStatus.INERROR
        tables = {} if self._connection.info.transaction_status is failed else self.tables()
        self._connection.rollback()
        return tables


def _message(error: psycopg.Error) -> str:
    if isinstance(error, psycopg.errors.LockNotAvailable):
        return (
            f"a table is in use: somebody's transaction did not end within {LOCK_TIMEOUT_S} s."
            " Try again, or end it: pg_stat_activity has it"
        )
    return error.diag.message_primary or str(error)
