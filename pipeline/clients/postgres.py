"""Reads and changes the pipeline's database, as its administrator."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg

from pipeline.clients import catalog, database, locks, stored
from pipeline.clients.session import Patience, Session
from pipeline.clients.stored import Stored
from pipeline.errors import (
    DeniedError,
    LockedError,
    PipelineError,
    ServiceError,
    SlowError,
    UsageError,
)
from pipeline.live import LiveColumn, LiveTable
from pipeline.repository.target import Postgres
from pipeline.sql import ddl
from pipeline.sql.objects import Catalog
from pipeline.sql.steps import Step

# Of a check, and of reading: nobody waits for long behind what is rolled back anyway.
CHECKING = Patience(lock_s=2, in_all_s=10)
DEPLOYING = Patience(lock_s=5)
# REPLACE adds columns to a view, and does nothing else to them.
VIEW = ". If it is a view, DROP it by hand: the deployment creates it again"
# By role in db_setup.sql: the name of the secret with its password.
ROLE_PASSWORDS = {
    "connect_writer": "CONNECT_WRITER_PASSWORD",
    "bi_reader": "BI_READER_PASSWORD",
    "orchestrator": "ORCHESTRATOR_PASSWORD",
    "cleanser": "CLEANSER_PASSWORD",
    "exporter": "EXPORTER_PASSWORD",
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
SELECT t.relname, array_agg(a.attname::text ORDER BY a.attname), c.contype = 'p'
FROM pg_constraint c
JOIN pg_class t ON t.oid = c.conrelid
JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = ANY (c.conkey)
WHERE c.contype IN ('p', 'u') AND c.connamespace = 'public'::regnamespace
GROUP BY t.relname, c.oid
"""
GRANTS = """
SELECT c.relname, coalesce(r.rolname, 'PUBLIC'), array_agg(a.privilege_type::text)
FROM pg_class c
CROSS JOIN aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) a
LEFT JOIN pg_roles r ON r.oid = a.grantee
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
GROUP BY c.relname, r.rolname
"""

COLUMN_GRANTS = """
SELECT c.relname, r.rolname, array_agg(t.attname::text)
FROM pg_class c
JOIN pg_attribute t ON t.attrelid = c.oid AND NOT t.attisdropped
CROSS JOIN aclexplode(t.attacl) a
JOIN pg_roles r ON r.oid = a.grantee
WHERE c.relnamespace = 'public'::regnamespace AND a.privilege_type = 'SELECT'
GROUP BY c.relname, r.rolname
"""


class Database:
    """The database of a pipeline. It connects when a transaction begins."""

    def __init__(self, postgres: Postgres, secrets: Mapping[str, str], pipeline: str) -> None:
        self._postgres = postgres
        self._secrets = secrets
        self._pipeline = pipeline

    @contextmanager
    def transaction(self, *, deploying: bool = False) -> Iterator["Transaction"]:
        """Opens a transaction. It is committed at the end of the block, or rolled back on error.

        One that only asks or checks is less patient.

        Raises:
            ServiceError: PostgreSQL is unreachable or refuses the login.
        """
        patience = DEPLOYING if deploying else CHECKING
        try:
            with self._connect() as connection:
                session = Session(connection, self._connect, patience)
                yield Transaction(connection, session, self._pipeline, self._secrets)
        except psycopg.Error as error:
            reason = " ".join(str(error).split())
            raise ServiceError(f"{database.place_of(self._postgres)}: {reason}") from None

    @contextmanager
    def locked(self, command: str) -> Iterator[None]:
        """Keeps all other deployments of the pipeline out, until the end of the block.

        Raises:
            ServiceError: PostgreSQL is unreachable or refuses the login.
            PipelineError: somebody else has the lock; the message says who.
        """
        with closing(self._connect(autocommit=True)) as connection:
            other = locks.take(connection, self._pipeline, command)
            if other is not None:
                who = f": {other}" if other else ""
                raise PipelineError(
                    f"another `deploy` or `destroy` of {self._pipeline} is under way{who}. Wait"
                    " until it has ended"
                )
            yield

    def _connect(self, *, autocommit: bool = False) -> psycopg.Connection:
        postgres = self._postgres
        user, password = database.login(postgres, self._secrets)
        return database.connect(postgres, user, password, autocommit=autocommit)


class Transaction:
    """The queries and changes in one transaction."""

    def __init__(
        self,
        connection: psycopg.Connection,
        session: Session,
        pipeline: str,
        secrets: Mapping[str, str],
    ) -> None:
        self._connection = connection
        self._session = session
        self._pipeline = pipeline
        self._secrets = secrets

    def tables(self) -> dict[str, LiveTable]:
        """The tables of the schema public, by name."""
        columns: dict[str, dict[str, LiveColumn]] = {}
        comments: dict[str, str] = {}
        for table, comment, name, *rest in self._connection.execute(COLUMNS):
            columns.setdefault(table, {})[name] = LiveColumn(name, *rest)
            comments[table] = comment or ""
        keys: dict[str, frozenset[tuple[str, ...]]] = {}
        primary: set[str] = set()
        for table, key, is_primary in self._connection.execute(KEYS):
            keys[table] = keys.get(table, frozenset()) | {tuple(key)}
            primary |= {table} if is_primary else set()
        grants: dict[str, dict[str, frozenset[str]]] = {}
        for table, role, privileges in self._connection.execute(GRANTS):
            grants.setdefault(table, {})[role] = frozenset(privileges)
        for table, role, columns_read in self._connection.execute(COLUMN_GRANTS):
            of_table = grants.setdefault(table, {})
            of_table[role] = of_table.get(role, frozenset()) | {ddl.select_of(columns_read)}
        return {
            table: LiveTable(
                table,
                by_name,
                keys.get(table, frozenset()),
                comments[table],
                grants.get(table, {}),
                table in primary,
            )
            for table, by_name in columns.items()
        }

    def catalog(self) -> Catalog:
        """Every object in the database, and every role.

        Raises:
            LockedError: somebody holds a view for too long.
        """
        return self._session.wait(lambda: catalog.read(self._connection))

    def stored(self) -> Stored | None:
        """What was deployed last; None if nothing was, or by a version that stored nothing."""
        return stored.read(self._connection, self._pipeline)

    def store(self, script: str, made: Catalog) -> None:
        """Stores what is deployed."""
        stored.write(self._connection, self._pipeline, script, made)

    def owned(self, kind: str) -> frozenset[str]:
        """The names of what deployments have made, of one kind."""
        return stored.owned(self._connection, self._pipeline, kind)

    def own(self, kind: str, names: Sequence[str]) -> None:
        """Stores names of what a deployment makes."""
        stored.own(self._connection, self._pipeline, kind, names)

    def disown(self, kind: str, names: Sequence[str]) -> None:
        """Forgets names of what is gone."""
        stored.disown(self._connection, self._pipeline, kind, names)

    def rotated(self) -> dict[str, str] | None:
        """The roles whose password is not that of the secrets, with the secret's name.

        None if we may not see that.
        """
        roles = database.rotated(self._connection, ROLE_PASSWORDS, _complete(self._secrets))
        return None if roles is None else {role: ROLE_PASSWORDS[role] for role in sorted(roles)}

    def set_passwords(self) -> None:
        """Gives the roles of db_setup.sql their passwords."""
        secrets = _complete(self._secrets)
        for role, secret in ROLE_PASSWORDS.items():
            database.set_password(self._connection, role, secrets[secret])

    def execute(self, statement: str, file: Path) -> None:
        """Runs a statement. `file` is the spec that it comes from, for messages.

        Raises:
            PipelineError: PostgreSQL refuses it; the message names the file.
        """
        self._run(Step(0, statement, ()), file)

    def run_script(self, file: Path, steps: tuple[Step, ...]) -> None:
        """Runs the statements of a script, one by one.

        Raises:
            PipelineError: PostgreSQL refuses one; the message has its line.
        """
        for step in steps:
            self._run(step, file)
        if not self._is_open():
            raise PipelineError(f"{file}: it has ended the transaction of the deployment")

    def _run(self, step: Step, file: Path) -> None:
        place = f"{file}:{step.line}" if step.line else str(file)
        try:
            # Of the extended protocol: it takes one statement only.
            self._session.wait(
                lambda: self._connection.execute(step.text.encode(), prepare=False, binary=True)
            )
        except (LockedError, SlowError) as error:
            raise type(error)(f"{place}: {error}") from None
        except psycopg.errors.InsufficientPrivilege as error:
            user = self._connection.info.user
            raise DeniedError(f"{place}: {user}: {error.diag.message_primary}") from None
        except psycopg.Error as error:
            position = error.diag.statement_position
            if position and step.line:
                line = step.line + step.text.count("\n", 0, int(position) - 1)
                place = f"{file}:{line}"
            message = error.diag.message_primary or error
            hint = VIEW if isinstance(error, psycopg.errors.InvalidTableDefinition) else ""
            raise PipelineError(f"{place}: {message}{hint}") from None

    def _is_open(self) -> bool:
        return self._connection.info.transaction_status is psycopg.pq.TransactionStatus.INTRANS

    def rolled_back(self) -> dict[str, LiveTable]:
        """Rolls the transaction back; returns the tables as they were just before that.

        Empty if a statement of the transaction has failed.
        """
        tables = self.tables() if self._is_open() else {}
        self._connection.rollback()
        return tables


def _complete(secrets: Mapping[str, str]) -> Mapping[str, str]:
    """The secrets, which have the password of each role."""
    missing = [name for name in ROLE_PASSWORDS.values() if name not in secrets]
    if missing:
        raise UsageError(
            f"{', '.join(missing)}: missing among the target's secrets, a line KEY=value for each"
            " role of db_setup.sql (on embedded, `make up` adds them)"
        )
    return secrets
