"""Runs ksql/*.sql on ksqlDB."""

import re
from collections.abc import Container, Iterable, Mapping
from pathlib import Path

from pipeline.clients.ksqldb import KsqlDb, Source, quoted
from pipeline.errors import PipelineError, SpecError
from pipeline.live import Line, LiveQuery
from pipeline.resources.query import Query
from pipeline.resources.topic import Topic
from pipeline.schemas import Schema
from pipeline.sql import comparison, reader
from pipeline.sql.statements import Statement
from pipeline.wait import until

WEEK_MS = 604_800_000
# The states of a query that does not run.
FAILED = {"ERROR", "UNRESPONSIVE"}


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
        )
        for s in statements
    )


def check_topics(statements: Iterable[Statement], topics: Mapping[str, Topic]) -> None:
    """Checks that ksqlDB accepts the topics that topics.yaml declares for its queries.

    ksqlDB accepts an existing topic only if its partitions and its retention are as in the
    statement's WITH, or else as in the first topic that the query reads. It ignores the retention
    of a table without a window. See TopicCreateInjector and TopicValidationUtil in
    github.com/confluentinc/ksql.

    Raises:
        SpecError: ksqlDB would refuse a topic; the message has both solutions.
    """
    topic_of = {statement.name: statement.topic for statement in statements}
    for statement in statements:
        source = topics.get(topic_of.get(next(iter(statement.sources), ""), ""))
        target = topics.get(statement.topic)
        if target is None or source is None or statement.query is None:
            continue
        _check(statement, "PARTITIONS", str(target.partitions), str(source.partitions))
        if statement.kind == "STREAM" or statement.query.window:
            _check(statement, "RETENTION_MS", _retention(target), _retention(source))


def _check(statement: Statement, key: str, declared: str, of_source: str) -> None:
    expected = statement.properties.get(key, of_source)
    if expected != declared:
        statement.refuse(
            None,
            f"ksqlDB expects {key} {expected} for the topic {statement.topic}, but topics.yaml"
            f" has {declared}: add WITH ({key} = {declared}), or change topics.yaml",
        )


def _retention(topic: Topic) -> str:
    return topic.config.get("retention.ms", str(WEEK_MS))


class KsqlDbEngine:
    """Runs the statements as ksqlDB's streams and tables, and the queries that write them."""

    # ksqlDB's command topic accepts one writer at a time.
    concurrency = 1

    def __init__(self, client: KsqlDb, statements: tuple[Statement, ...]) -> None:
        self._client = client
        self._statements = {statement.name: statement for statement in statements}

    def running(self) -> Mapping[str, LiveQuery]:
        """All streams and tables, with the states of the queries that write them."""
        self._client.check_ready()
        return {source.name: _live(source) for source in self._client.sources().values()}

    def create(self, name: str, deadline_s: float) -> str:
        """Creates a stream or table.

        Raises:
            SpecError: ksqlDB refuses the statement; the error has its line.
            PipelineError: the query failed, or does not run in time.
        """
        statement = self._statements[name]
        self._client.check_health()
        self._client.execute(statement, statement.text, statement.settings)
        return self._await_running(statement, deadline_s)

    def replace(self, name: str, deadline_s: float) -> str:
        """Replaces a stream or table in place, with CREATE OR REPLACE.

        Raises:
            PipelineError: ksqlDB cannot replace it; the message tells what to do.
        """
        statement = self._statements[name]
        self._client.check_health()
        text = re.sub(r"^CREATE", "CREATE OR REPLACE", statement.text, flags=re.IGNORECASE)
        try:
            self._client.execute(statement, text, statement.settings)
        except PipelineError as error:
            raise self._not_replaced(statement, error) from None
        return self._await_running(statement, deadline_s)

    def restart(self, name: str, deadline_s: float) -> str:
        """Waits until the query runs. ksqlDB itself restarts failed queries."""
        self._client.check_health()
        return self._await_running(self._statements[name], deadline_s, failed=frozenset())

    def drop(self, name: str, deadline_s: float) -> str:
        """Drops a stream or table and its query. Its topic stays."""
        self._client.drop(self._client.sources()[name].kind, name)
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
            self._client.drop(sources[name].kind, name)
        until(
            self._client.sources,
            seconds=deadline_s,
            done=lambda remaining: not set(dropped) & remaining.keys(),
            describe=lambda remaining: f"ksqlDB still has {', '.join(remaining or ())}",
        )
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
                self._client.execute(statement, statement.text, settings)
                created.append(statement)
                if statement.query is not None:
                    self._await_end(statement.name, deadline_s)
        finally:
            for statement in reversed(created):
                self._client.drop(statement.kind, statement.name)

    def skipped(self) -> Mapping[str, int]:
        """Always empty: ksqlDB only logs unreadable records, in its processing log."""
        return {}

    def _await_end(self, name: str, deadline_s: float) -> None:
        until(
            lambda: self._client.has_read_all(name),
            seconds=deadline_s,
            describe=lambda _: f"{name} has not read its topics to their end",
        )

    def _await_running(
        self, statement: Statement, deadline_s: float, failed: Container[str] = FAILED
    ) -> str:
        """Waits until the query runs; no longer if it is in one of the `failed` states."""

        def said(state: str | None) -> str:
            file = f"{statement.source.file}:{statement.line}"
            return f"{file}: the query of {statement.name} is in {state}"

        def probe() -> str:
            source = self._client.sources().get(statement.name)
            state = source.query_state if source else "ABSENT"
            if state in failed:
                raise PipelineError(said(state))
            return state

        if statement.query is not None:
            until(
                probe,
                seconds=deadline_s,
                done=lambda state: state == "RUNNING",
                describe=said,
            )
        return ""

    def _not_replaced(self, statement: Statement, error: PipelineError) -> PipelineError:
        sources = self._client.sources()
        drops = " ".join(
            f"DROP {sources[name].kind} {quoted(name)};"
            for name in [*_dependents(statement.name, sources), statement.name]
        )
        return PipelineError(
            f"{error}\nksqlDB cannot replace it in place. To create it again, and all that reads"
            f" it, run {drops} and deploy again"
        )


def _live(source: Source) -> LiveQuery:
    failed = source.query_state in FAILED
    state = source.query_state or "RUNNING"
    note = f"query {source.query_id}" if failed else ""
    text = re.sub(r"^CREATE OR REPLACE", "CREATE", source.statement.strip())
    try:
        (statement,) = reader.parse(Path("ksqlDB"), text if text.endswith(";") else f"{text};")
    except (SpecError, ValueError):
        # Somebody else created it, with SQL that this repository does not use.
        return LiveQuery(text, (Line(text, text),), state, failed, note)
    parts = comparison.parts(statement)
    return LiveQuery(comparison.canonical(statement), parts, state, failed, note)


def _dependents(name: str, sources: Mapping[str, Source]) -> list[str]:
    """The streams and tables that read a source, directly or not, in the order to drop them."""
    direct = [reader for reader in sources[name].readers if reader in sources]
    in_order = [item for reader in direct for item in [*_dependents(reader, sources), reader]]
    return list(dict.fromkeys(in_order))
