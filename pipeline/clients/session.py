"""A transaction that waits for no lock for long, and tells who holds it."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any, TypeVar

import psycopg
from psycopg import errors

from pipeline.errors import LockedError, SlowError

Result = TypeVar("Result")
# Of the time to wait for a lock: after that, it is asked who holds it.
ASKING = 0.6
HOLDERS = """
SELECT DISTINCT w.relation::regclass::text, a.pid, a.usename, a.application_name,
       to_char(a.query_start AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS'), a.state
FROM pg_locks w, unnest(pg_blocking_pids(w.pid)) blocker JOIN pg_stat_activity a ON a.pid = blocker
WHERE w.pid = %s AND NOT w.granted
ORDER BY a.pid
"""


@dataclass(frozen=True)
class Patience:
    """How long a transaction waits for each lock, and in all; None: without end."""

    lock_s: float
    in_all_s: float | None = None


class Session:
    """The statements of one transaction. `another` opens a second connection, to ask."""

    def __init__(
        self,
        connection: psycopg.Connection,
        another: Callable[[], psycopg.Connection],
        patience: Patience,
    ) -> None:
        self._connection = connection
        self._another = another
        self._patience = patience
        connection.execute(f"SET LOCAL lock_timeout = {int(patience.lock_s * 1000)}".encode())
        self._begun = time.monotonic()

    def wait(self, ask: Callable[[], Result]) -> Result:
        """What a function returns that uses the connection, and nothing else does meanwhile.

        Raises:
            LockedError: somebody holds a lock for too long. The message says who.
            SlowError: the transaction takes too long, or somebody cancelled the statement.
        """
        self._limit()
        holders = ""
        with ThreadPoolExecutor(1) as pool:
            asked = pool.submit(ask)
            try:
                if not wait([asked], self._patience.lock_s * ASKING).done:
                    holders = self._holders()
                return asked.result()
            except KeyboardInterrupt:
                self._connection.cancel_safe()
                raise
            except errors.LockNotAvailable:
                locked = holders or "it is locked by another session"
                waited = f"{self._patience.lock_s:g} s were waited for it, and nothing was changed"
                raise LockedError(f"{locked}; {waited}") from None
            except errors.QueryCanceled as error:
                raise SlowError(str(error.diag.message_primary)) from None

    def _limit(self) -> None:
        """What is left of the time is the next statement's."""
        if self._patience.in_all_s:
            left_s = self._begun + self._patience.in_all_s - time.monotonic()
            left_ms = max(1, int(left_s * 1000))
            self._connection.execute(f"SET LOCAL statement_timeout = {left_ms}".encode())

    def _holders(self) -> str:
        with self._another() as connection:
            found = connection.execute(HOLDERS, (self._connection.info.backend_pid,)).fetchall()
        return "; ".join(_holder(*row) for row in found)


def _holder(relation: str | None, pid: int, *about: Any) -> str:
    user, application, since, state = about
    program = f" with {application}" if application else ""
    return (
        f"{relation or 'it'} is locked by pid {pid}: {user}{program}, {state}, whose query began at"
        f" {since} UTC (SELECT pg_terminate_backend({pid}) ends it)"
    )
