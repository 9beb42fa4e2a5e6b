"""Runs ksql/*.sql on ksqlDB."""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from pipeline.clients.ksqldb import KsqlDb, Source
from pipeline.engines.engine import IsDirty
from pipeline.errors import NotTakenError, PipelineError, SpecError
from pipeline.live import Line, LiveQuery
from pipeline.resources.query import Query
from pipeline.schemas import Schema
from pipeline.sql import comparison, reader
from pipeline.sql.statements import Statement
from pipeline.wait import until

# Why a query does not run, by its state.
FAILED = {
    "ERROR": "query {}",
    "UNRESPONSIVE": "query {}",
    "PAUSED": "somebody has paused query {}",
    "STOPPED": "somebody has terminated its query",
}
AS_SELECT = re.compile(r"\bAS\s+SELECT\b", re.IGNORECASE)
KEEPS = "what it has written before stays as it was: --recreate {} starts over"
# How often a statement is looked up that ksqlDB may have taken, and sent again.
LOOK_S = 1.0


def queries(statements: Iterable[Statement]) -> tuple[Query, ...]:
    """The statements as declared queries."""
    return tuple(
        Query(
            s.name,
            comparison.canonical(s),
            comparison.parts(s),
            s.sources,
            reads=() if s.query else (s.topic,),
            writes=s.topic if s.query else "",
            origin=_origin(s),
        )
        for s in statements
    )


class KsqlDbEngine:
    """Runs the statements as ksqlDB's streams and tables, and the queries that write them."""

    # ksqlDB's command topic accepts one writer at a time.
    concurrency = 1
    marks = False
    needs_empty_topics = True

    def __init__(self, client: KsqlDb, statements: tuple[Statement, ...]) -> None:
        self._client = client
        self._statements = {statement.name: statement for statement in statements}

    def running(self) -> Mapping[str, LiveQuery]:
        """All streams and tables, with the states of the queries that write them."""
        self._client.check_ready()
        sources = self._client.sources().values()
        return {s.name: _live(s, self._statements.get(s.name)) for s in sources}

    def create(self, name: str, deadline_s: float) -> str:
        """Creates a stream or table.

        Raises:
            SpecError: ksqlDB refuses the statement; the error has its line.
            PipelineError: the query failed, or does not run in time.
        """
        statement = self._statements[name]
        self._client.check_health()
        self._create(statement, statement.settings, deadline_s)
        return self._await_running(statement, deadline_s)

    def replace(self, name: str, deadline_s: float) -> str:
        """Replaces a stream or table in place, with CREATE OR REPLACE.

        Raises:
            PipelineError: ksqlDB cannot replace it; the message tells what to do.
        """
        statement = self._statements[name]
        self._client.check_health()
        try:
            self._replace(statement, deadline_s)
        except SpecError as error:
            raise PipelineError(
                f"{error}\nksqlDB cannot replace it in place: `deploy --recreate {name}` makes it"
                " anew, with its topic and all that reads it"
            ) from None
        return self._await_running(statement, deadline_s)

    def restart(self, name: str, deadline_s: float) -> str:
        """Resumes a paused query. One that failed is replaced by itself, which starts it again."""
        statement = self._statements[name]
        source = self._client.sources()[name]
        self._client.check_health()
        if source.query_state == "PAUSED":
            self._send(
                lambda: self._client.resume(source.query_id),
                lambda: self._client.sources()[name].query_state != "PAUSED",
                deadline_s,
            )
        else:
            # A join cannot be replaced, not even by itself. ksqlDB tries it again now and then.
            with suppress(SpecError):
                self._replace(statement, deadline_s)
        return self._await_running(statement, deadline_s, patient=True)

    def drop(self, name: str, deadline_s: float) -> str:
        """Drops a stream or table and its query, if it is there. Its topic stays."""
        source = self._client.sources().get(name)
        if source:
            self._send(
                lambda: self._client.drop(source.kind, name),
                lambda: name not in self._client.sources(),
                deadline_s,
            )
            until(
                lambda: name not in self._client.sources(),
                seconds=deadline_s,
                describe=lambda _: f"ksqlDB still has {name}",
            )
        return ""

    def remove(self, deadline_s: float) -> list[str]:
        """Drops the declared streams and tables with their queries, in reverse order."""
        sources = self._client.sources()
        dropped = [name for name in reversed(self._statements) if name in sources]
        for name in dropped:
            self.drop(name, deadline_s)
        return dropped

    def trial(
        self,
        statements: tuple[Statement, ...],
        schemas: Mapping[str, Schema],
        wanted: frozenset[str],
        deadline_s: float,
    ) -> None:
        """Creates the statements, waits until their queries have read all records, drops them."""
        # ksqlDB reads the schemas from the registry, and all statements must run.
        del schemas, wanted
        self._client.check_health()
        created: list[Statement] = []
        try:
            for statement in statements:
                # Without the cache, every change of a row is written. With it, the number of
                # records would depend on timing.
                settings = {**statement.settings, "cache.max.bytes.buffering": "0"}
                self._create(statement, settings, deadline_s)
                created.append(statement)
                if statement.query is not None:
                    self._await_end(statement.name, deadline_s)
        finally:
            for statement in reversed(created):
                self.drop(statement.name, deadline_s)

    def purge(self, names: Collection[str], is_dirty: IsDirty, deadline_s: float) -> str:
        """Nothing: ksqlDB has its state in topics of its own, and in files that it keeps itself."""
        del names, is_dirty, deadline_s
        return (
            "ksqlDB's own files and changelog topics were not looked at: they follow at the next"
            " compaction of both"
        )

    def skipped(self) -> Mapping[str, int]:
        """Always empty: ksqlDB only logs unreadable records, in its processing log."""
        return {}

    def _await_end(self, name: str, deadline_s: float) -> None:
        until(
            lambda: self._client.has_read_all(name),
            seconds=deadline_s,
            describe=lambda _: f"{name} has not read its topics to their end",
        )

    def _create(self, statement: Statement, settings: Mapping[str, str], deadline_s: float) -> None:
        self._send(
            lambda: self._client.execute(statement, statement.text, settings),
            lambda: statement.name in self._client.sources(),
            deadline_s,
        )

    def _replace(self, statement: Statement, deadline_s: float) -> None:
        text = re.sub(r"^CREATE", "CREATE OR REPLACE", statement.text, flags=re.IGNORECASE)
        self._send(
            lambda: self._client.execute(statement, text, statement.settings),
            # To replace it twice does no harm.
            lambda: False,
            deadline_s,
        )

    def _send(
        self, statement: Callable[[], None], is_done: Callable[[], bool], deadline_s: float
    ) -> None:
        """Sends a statement until ksqlDB has taken it.

        After a time-out nobody knows whether it has: that is looked up before it is sent again.
        """

        def probe() -> bool:
            if is_done():
                return True
            try:
                statement()
            except NotTakenError:
                return False
            return True

        until(
            probe,
            seconds=deadline_s,
            describe=lambda _: "ksqlDB is busy, and has not taken the statement",
            every=LOOK_S,
        )

    def _await_running(
        self, statement: Statement, deadline_s: float, *, patient: bool = False
    ) -> str:
        """Waits until the query runs; no longer if it has failed, unless it is `patient`."""

        def said(state: str | None) -> str:
            return f"{_origin(statement)}: the query of {statement.name} is in {state}"

        def probe() -> str:
            source = self._client.sources().get(statement.name)
            state = _state(source) if source else "ABSENT"
            if state in FAILED and not patient:
                raise PipelineError(said(state))
            return state

        until(probe, seconds=deadline_s, done=lambda state: state == "RUNNING", describe=said)
        return ""


def _origin(statement: Statement) -> str:
    return f"{statement.source.file}:{statement.line}"


def _state(source: Source) -> str:
    """The state of its query. What selects from others has one, unless it was terminated."""
    is_query = AS_SELECT.search(source.statement)
    return source.query_state or ("STOPPED" if is_query else "RUNNING")


def _live(source: Source, declared: Statement | None) -> LiveQuery:
    text = re.sub(r"^CREATE OR REPLACE", "CREATE", source.statement.strip())
    state = _state(source)
    note = FAILED.get(state, "").format(source.query_id)
    parts: tuple[Line, ...] = (Line(text, text),)
    meaning = text
    try:
        (statement,) = reader.parse(Path("ksqlDB"), text if text.endswith(";") else f"{text};")
    except (SpecError, ValueError):
        # Somebody else created it, with SQL that this repository does not use.
        pass
    else:
        parts, meaning = comparison.parts(statement), comparison.canonical(statement)
    if declared and declared.query and meaning != comparison.canonical(declared):
        note = "; ".join(filter(None, (note, KEEPS.format(source.name))))
    return LiveQuery(
        meaning,
        parts,
        state,
        failed=state in FAILED,
        note=note,
        over=state == "STOPPED",
        readers=source.readers,
    )
