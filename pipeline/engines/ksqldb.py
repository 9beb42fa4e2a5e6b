"""The statements of ksql/ on ksqlDB."""

import re
from collections.abc import Iterable, Mapping
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


def queries(statements: Iterable[Statement]) -> tuple[Query, ...]:
    """The statements as queries, comparable with what ksqlDB says that it runs."""
    return tuple(
        Query(s.name, comparison.canonical(s), comparison.parts(s), s.sources) for s in statements
    )


def check_topics(statements: Iterable[Statement], topics: Mapping[str, Topic]) -> None:
    """Refuses a query whose topic is, by topics.yaml, not as ksqlDB would make it.

    ksqlDB takes a topic that is there if it has the partitions and, but for a table without a
    window, the retention that the statement says, or else those of the first topic that it reads.
    Source: TopicCreateInjector and TopicValidationUtil (github.com/confluentinc/ksql).

    Raises:
        SpecError: with the place of the statement, and both ways to mend it.
    """
    topic_of = {statement.name: statement.topic for statement in statements}
    for statement in statements:
        source = topics.get(topic_of.get(next(iter(statement.sources), ""), ""))
        own = topics.get(statement.topic)
        if own is None or source is None or statement.query is None:
            continue
        _check(statement, "PARTITIONS", str(own.partitions), str(source.partitions))
        if statement.kind == "STREAM" or statement.query.window:
            _check(statement, "RETENTION_MS", _retention(own), _retention(source))


def _check(statement: Statement, key: str, actual: str, of_source: str) -> None:
    wanted = statement.properties.get(key, of_source)
    if wanted != actual:
        statement.refuse(
            None,
            f"ksqlDB wants {key} {wanted} of the topic {statement.topic}, topics.yaml says"
            f" {actual}: WITH ({key} = {actual}), or change topics.yaml",
        )


def _retention(topic: Topic) -> str:
    return topic.config.get("retention.ms", str(WEEK_MS))


class KsqlDbEngine:
    """One ksqlDB; it keeps streams and tables as well as the queries that fill them."""

    # Its command topic takes one writer at a time.
    concurrency = 1

    def __init__(self, client: KsqlDb, statements: tuple[Statement, ...]) -> None:
        self._client = client
        self._statements = {statement.name: statement for statement in statements}

    def running(self) -> Mapping[str, LiveQuery]:
        """Every stream and table, with the state of the query that fills it."""
        return {source.name: _live(source) for source in self._client.sources().values()}

    def create(self, name: str, deadline_s: float) -> str:
        """Creates a stream or table.

        Raises:
            SpecError: ksqlDB refuses the statement; with its place in the file.
            PipelineError: its query does not run.
        """
        statement = self._statements[name]
        self._client.check_health()
        self._client.execute(statement, statement.text, statement.settings)
        return self._await_running(statement, deadline_s)

    def replace(self, name: str, deadline_s: float) -> str:
        """Replaces a stream or table in place.

        Raises:
            PipelineError: ksqlDB cannot; with what to do.
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
        """Waits for the query: ksqlDB itself restarts what failed."""
        self._client.check_health()
        return self._await_running(self._statements[name], deadline_s)

    def drop(self, name: str, deadline_s: float) -> str:
        """Drops a stream or table and its query; its topic stays."""
        self._client.drop(self._client.sources()[name].kind, name)
        until(
            lambda: name not in self._client.sources(),
            seconds=deadline_s,
            describe=lambda _: f"ksqlDB still has {name}",
        )
        return ""

    def remove(self, deadline_s: float) -> list[str]:
        """Drops the declared streams and tables with their queries, the last one first."""
        sources = self._client.sources()
        removed = [name for name in reversed(self._statements) if name in sources]
        for name in removed:
            self._client.drop(sources[name].kind, name)
        until(
            self._client.sources,
            seconds=deadline_s,
            done=lambda left: not set(removed) & left.keys(),
            describe=lambda left: f"ksqlDB still has {', '.join(left or ())}",
        )
        return removed

    def trial(
        self,
        statements: tuple[Statement, ...],
        schemas: Mapping[str, Schema],
        wanted: frozenset[str],
        deadline_s: float,
    ) -> None:
        """Creates the statements, waits until their queries have read what there is, drops them."""
        del schemas, wanted  # are registered; each statement reads the topic of another
        self._client.check_health()
        made: list[Statement] = []
        try:
            for statement in statements:
                # Every change of a row is written: what a case shows does not depend on its pace.
                settings = {**statement.settings, "cache.max.bytes.buffering": "0"}
                self._client.execute(statement, statement.text, settings)
                made.append(statement)
                if statement.query is not None:
                    self._await_end(statement.name, deadline_s)
        finally:
            for statement in reversed(made):
                self._client.drop(statement.kind, statement.name)

    def skipped(self) -> Mapping[str, int]:
        """Nothing: ksqlDB passes over what it cannot read, and says so in its processing log."""
        return {}

    def _await_end(self, name: str, deadline_s: float) -> None:
        until(
            lambda: self._client.has_read_all(name),
            seconds=deadline_s,
            describe=lambda _: f"{name} does not read all of its topics",
        )

    def _await_running(self, statement: Statement, deadline_s: float) -> str:
        def probe() -> str:
            source = self._client.sources().get(statement.name)
            state = source.query_state if source else "ABSENT"
            if state in {"ERROR", "UNRESPONSIVE"}:
                file = f"{statement.source.file}:{statement.line}"
                raise PipelineError(f"{file}: the query of {statement.name} is in {state}")
            return state

        if statement.query is not None:
            until(
                probe,
                seconds=deadline_s,
                done=lambda state: state == "RUNNING",
                describe=lambda state: f"{statement.name} is {state}",
            )
        return ""

    def _not_replaced(self, statement: Statement, error: PipelineError) -> PipelineError:
        sources = self._client.sources()
        drops = " ".join(
            f"DROP {sources[name].kind} {quoted(name)};"
            for name in [*_dependents(statement.name, sources), statement.name]
        )
        return PipelineError(
            f"{error}\nksqlDB cannot replace it in place. To create it again, with all that reads"
            f" it: {drops} and deploy again"
        )


def _live(source: Source) -> LiveQuery:
    failed = source.query_state in {"ERROR", "UNRESPONSIVE"}
    state = source.query_state or "RUNNING"
    note = f"query {source.query_id}" if failed else ""
    text = re.sub(r"^CREATE OR REPLACE", "CREATE", source.statement.strip())
    try:
        (statement,) = reader.parse(Path("ksqlDB"), text if text.endswith(";") else f"{text};")
    except (SpecError, ValueError):
        # Made by somebody else, with what this repository does not use.
        return LiveQuery(text, (Line(text, text),), state, failed, note)
    parts = comparison.parts(statement)
    return LiveQuery(comparison.canonical(statement), parts, state, failed, note)


def _dependents(name: str, sources: Mapping[str, Source]) -> list[str]:
    """What reads from a source, directly or not, the farthest first."""
    direct = [reader for reader in sources[name].readers if reader in sources]
    found = [far for reader in direct for far in [*_dependents(reader, sources), reader]]
    return list(dict.fromkeys(found))
