"""Reads PostgreSQL as bi_reader, and asks again only what may have changed."""

import re
import time
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import Any

import psycopg
from psycopg_pool import ConnectionPool, PoolTimeout

from dashboard.queries import Query
from dashboard.rows import Rows
from pipeline.clients.database import parameters, place_of, reason_of
from pipeline.errors import PipelineError
from pipeline.repository.target import Postgres

STATEMENT_TIMEOUT_MS = 5_000
PATIENCE_S = 3
# One for each thread of the server.
CONNECTIONS = 8
# For so long, a server that is away and a query that took too long are not asked again.
AWAY_S = 2
SLOW_S = 30
# Results that are kept.
KEPT = 500
MOST_ROWS, MOST_KEPT_ROWS = 20_000, 2_000
# A deployment may make views and tables anew.
KNOWN_S = 30
# How often PostgreSQL is asked what has changed, however many look.
LOOK_S = 0.5
# A server process tells of its writes at most once a second, and of the last ones after 10 s. So a
# table whose count has moved lately counts as changed with every commit of any.
SETTLED_S = 12
OPTIONS = (
    "-c default_transaction_read_only=on -c timezone=UTC -c jit=off"
    f" -c statement_timeout={STATEMENT_TIMEOUT_MS} -c max_parallel_workers_per_gather=0"
)
COLUMNS = """
SELECT c.relname, array_agg(a.attname::text), md5(pg_get_viewdef(c.oid)) FROM pg_class c
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
WHERE c.relnamespace = to_regnamespace('bi') AND c.relkind = 'v' GROUP BY c.oid
"""
# The tables that each view reads, through other views too.
TABLES = """
WITH RECURSIVE reads (view, relation) AS (
  SELECT oid, oid FROM pg_class WHERE relnamespace = to_regnamespace('bi') AND relkind = 'v'
  UNION
  SELECT reads.view, d.refobjid FROM reads
  JOIN pg_rewrite r ON r.ev_class = reads.relation
  JOIN pg_depend d ON d.objid = r.oid AND d.refclassid = 'pg_class'::regclass
)
SELECT v.relname, array_agg(DISTINCT t.oid) FROM reads
JOIN pg_class v ON v.oid = reads.view
JOIN pg_class t ON t.oid = reads.relation AND t.relkind IN ('r', 'p') GROUP BY 1
"""
WRITES = """
SELECT pg_current_snapshot()::text, relid, n_tup_ins + n_tup_upd + n_tup_del
FROM pg_stat_user_tables
"""
# A % that begins no parameter, which psycopg is to leave as it is.
LITERAL = re.compile(r"%(?!\(\w+\)s)")
CLOCK = Query("SELECT now FROM bi.clock", {})


class DatabaseError(PipelineError):
    """PostgreSQL is away, or does not answer a query."""


class SlowError(DatabaseError):
    """A query took too long."""

    def __init__(self) -> None:
        seconds = STATEMENT_TIMEOUT_MS // 1000
        super().__init__(f"it took longer than {seconds} s: choose a shorter period")


@dataclass(frozen=True)
class _Views:
    """What the views of the schema bi are made of."""

    columns: Mapping[str, frozenset[str]]
    definitions: Mapping[str, str]
    tables: Mapping[str, frozenset[int]]


class Database:
    """The reporting layer, read by bi_reader. Safe for threads."""

    def __init__(self, postgres: Postgres, password: str) -> None:
        self.place = place_of(postgres)
        self._pool = ConnectionPool(
            kwargs={
                **parameters(postgres, "bi_reader", password), "connect_timeout": PATIENCE_S,
                "options": OPTIONS, "autocommit": True, "prepare_threshold": None,
            },
            min_size=1, max_size=CONNECTIONS, timeout=PATIENCE_S,
            reconnect_timeout=PATIENCE_S, open=False,
            check=ConnectionPool.check_connection,
        )  # fmt: skip
        self._pool.open()
        self._changes = Changes()
        self._kept: OrderedDict[tuple[str, str], tuple[object, Rows]] = OrderedDict()
        self._lock = Lock()
        self._views: _Views | None = None
        self._looked = 0.0
        self._away_until = self._known_until = 0.0
        self._slow: dict[tuple[str, str], float] = {}

    def columns(self) -> Mapping[str, frozenset[str]]:
        """The columns of each view.

        Raises:
            DatabaseError: there are none, or PostgreSQL does not say.
        """
        return self._known().columns

    def now(self) -> datetime | None:
        """The hospital's clock; None if nobody has been admitted.

        Raises:
            DatabaseError: PostgreSQL does not say.
        """
        found: datetime | None = self.rows(CLOCK).rows[0][0]
        return found

    def rows(self, query: Query) -> Rows:
        """The rows of a query; those of before, if none of its tables has changed since.

        Raises:
            DatabaseError: PostgreSQL is away, or refuses the query.
        """
        self._look()
        tables = self._known().tables
        stamp = self._changes.stamp(t for view in query.views for t in tables.get(view, ()))
        with self._lock:
            kept = self._kept.get(query.key)
        if kept and kept[0] == stamp:
            return kept[1]
        now = time.monotonic()
        if now < self._slow.get(query.key, 0):
            raise SlowError
        try:
            found = self._run(query.sql, query.values)
        except SlowError:
            known = {key: until for key, until in self._slow.items() if until > now}
            self._slow = {**known, query.key: now + SLOW_S}
            raise
        if len(found.rows) > MOST_KEPT_ROWS:
            return found
        with self._lock:
            self._kept[query.key] = (stamp, found)
            self._kept.move_to_end(query.key)
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return found

    def written(self) -> Mapping[int, int]:
        """How many rows were written to each table, ever, by its number.

        Raises:
            DatabaseError: PostgreSQL does not say.
        """
        self._look()
        return self._changes.counts

    def close(self) -> None:
        """Closes all connections."""
        self._pool.close()

    def _known(self) -> _Views:
        now = time.monotonic()
        if self._views is None or now > self._known_until:
            found = self._run(COLUMNS, {}).rows
            if not found:
                raise DatabaseError(
                    "there is no schema bi that bi_reader may use: run `make deploy`"
                )
            views = _Views(
                {view: frozenset(names) for view, names, _ in found},
                {view: definition for view, _, definition in found},
                {view: frozenset(oids) for view, oids in self._run(TABLES, {}).rows},
            )
            if views != self._views:
                with self._lock:
                    self._kept.clear()
            self._views, self._known_until = views, now + KNOWN_S
        return self._views

    def _look(self) -> None:
        """Asks what has changed, if that was not done just now."""
        now = time.monotonic()
        if now - self._looked >= LOOK_S:
            found = self._run(WRITES, {}).rows
            snapshot = found[0][0] if found else ""
            self._changes.note(snapshot, {oid: count for _, oid, count in found}, now)
            self._looked = now

    def _run(self, sql: str, values: Mapping[str, Any]) -> Rows:
        away = f"{self.place} does not answer: `make status` shows if it is up"
        if time.monotonic() < self._away_until:
            raise DatabaseError(away)
        try:
            with self._pool.connection() as connection:
                cursor = connection.execute(LITERAL.sub("%%", sql).encode(), values)
                names = tuple(column.name for column in cursor.description or ())
                rows = cursor.fetchmany(MOST_ROWS + 1)
        except PoolTimeout:
            # The other tiles of the page need not find out for themselves.
            self._away_until = time.monotonic() + AWAY_S
            raise DatabaseError(away) from None
        except psycopg.errors.QueryCanceled:
            raise SlowError from None
        except (psycopg.errors.UndefinedTable, psycopg.errors.InsufficientPrivilege) as error:
            # A deployment may have made them anew.
            self._views = None
            raise DatabaseError(f"{_first(error)}: run `make deploy`") from None
        except psycopg.OperationalError as error:
            raise DatabaseError(f"{self.place}: {reason_of(error)}") from None
        except psycopg.Error as error:
            raise DatabaseError(_first(error)) from None
        if len(rows) > MOST_ROWS:
            raise DatabaseError(f"it has more than {MOST_ROWS:,} rows: choose a shorter period")
        return Rows(names, tuple(rows))


class Changes:
    """Which tables may have changed since when, by their counts of writes."""

    def __init__(self) -> None:
        self.counts: Mapping[int, int] = {}
        self._moved: dict[int, float] = {}
        self._snapshot = ""
        self._now = 0.0

    def note(self, snapshot: str, counts: Mapping[int, int], now: float) -> None:
        """What PostgreSQL says: its commits, and the writes by table. `now` is in seconds."""
        for table, count in counts.items():
            if self.counts.get(table) != count:
                self._moved[table] = now
        self.counts, self._snapshot, self._now = counts, snapshot, now

    def stamp(self, tables: Iterable[int]) -> object:
        """Differs from an earlier one if one of the tables may have changed in between."""
        return tuple(
            (table, self.counts.get(table), None if self._is_settled(table) else self._snapshot)
            for table in sorted(set(tables))
        )

    def _is_settled(self, table: int) -> bool:
        return self._now - self._moved.get(table, self._now) > SETTLED_S


def _first(error: psycopg.Error) -> str:
    return str(error).strip().splitlines()[0]
