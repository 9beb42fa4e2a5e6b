"""ksqlDB's REST API: what it runs, and how the statements of ksql/ get there.

Reference: "REST API" in ksqlDB's documentation (/ksql, /healthcheck).
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import requests

from pipeline.clients.http import Service, message_of
from pipeline.desired import Line, Query, Topic
from pipeline.engines.engine import LiveQuery
from pipeline.errors import PipelineError, ServiceError, SpecError
from pipeline.schemas import Schema
from pipeline.sql import comparison, reader
from pipeline.sql.statements import Statement
from pipeline.wait import until

SHOW = "SHOW STREAMS EXTENDED; SHOW TABLES EXTENDED;"
PLACE = re.compile(r"^line (\d+):(\d+): ")
MEDIA_TYPE = "application/vnd.ksql.v1+json"
WEEK_MS = 604_800_000


@dataclass(frozen=True)
class _Source:
    """A stream or table as ksqlDB describes it."""

    name: str
    kind: str
    statement: str
    query_id: str
    query_state: str
    readers: tuple[str, ...]


def declared(statements: Iterable[Statement]) -> tuple[Query, ...]:
    """The statements as queries, comparable with what ksqlDB says that it runs."""
    return tuple(
        Query(s.name, comparison.canonical(s), comparison.parts(s), s.sources) for s in statements
    )


def check_topics(statements: Iterable[Statement], topics: Mapping[str, Topic]) -> None:
    """Refuses a query whose topic is not as ksqlDB would have made it.

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


class KsqlDb:
    """One ksqlDB server (any of a cluster: they answer for each other)."""

    # Its command topic takes one writer at a time.
    concurrency = 1

    def __init__(self, url: str, statements: tuple[Statement, ...]) -> None:
        self._http = Service("ksqlDB", url, {"Accept": MEDIA_TYPE})
        self._statements = {statement.name: statement for statement in statements}

    def running(self) -> Mapping[str, LiveQuery]:
        """Every stream and table, with the state of the query that fills it."""
        return {source.name: _live(source) for source in self._sources().values()}

    def make(self, query: Query, live: LiveQuery | None, deadline_s: float) -> str:
        """Creates or replaces a stream or table; returns when its query runs, with nothing to tell.

        Raises:
            SpecError: ksqlDB refuses the statement; with its place in the file.
            PipelineError: it cannot be replaced, or its query does not run; with what to do.
        """
        self._check_health()
        statement = self._statements[query.name]
        if live is None:
            self._send(statement, statement.text)
        elif live.meaning != query.meaning:
            replacing = re.sub(r"^CREATE", "CREATE OR REPLACE", statement.text, flags=re.IGNORECASE)
            self._replace(statement, replacing)
        if statement.query is not None:
            self._wait_running(statement, deadline_s)
        return ""

    def remove(self, deadline_s: float) -> list[str]:
        """Drops the declared streams and tables with their queries, the last one first."""
        found = self._sources()
        removed = [name for name in reversed(self._statements) if name in found]
        for name in removed:
            self._ask(f"DROP {found[name].kind} {_quoted(name)};")
        until(
            lambda: None if set(removed) & self._sources().keys() else True,
            seconds=deadline_s,
            describe=lambda _: f"ksqlDB still has {', '.join(self._sources())}",
        )
        return removed

    def drop(self, name: str, deadline_s: float) -> None:
        """Drops a stream or table and its query; its topic stays."""
        self._ask(f"DROP {self._sources()[name].kind} {_quoted(name)};")
        until(
            lambda: None if name in self._sources() else True,
            seconds=deadline_s,
            describe=lambda _: f"ksqlDB still has {name}",
        )

    def trial(
        self,
        statements: tuple[Statement, ...],
        schemas: Mapping[str, Schema],
        wanted: frozenset[str],
        deadline_s: float,
    ) -> None:
        """Creates the statements, waits until their queries have read what there is, drops them."""
        del schemas, wanted  # are registered; each statement reads the topic of another
        self._check_health()
        made: list[Statement] = []
        try:
            for statement in statements:
                # Every change of a row is written: what a case shows does not depend on its pace.
                settings = {**statement.settings, "cache.max.bytes.buffering": "0"}
                self._send(replace(statement, settings=settings), statement.text)
                made.append(statement)
                if statement.query is not None:
                    until(
                        lambda name=statement.name: self._has_read(name) or None,  # type: ignore[misc]
                        seconds=deadline_s,
                        describe=lambda _, name=statement.name: f"{name} does not read all",  # type: ignore[misc]
                    )
        finally:
            for statement in reversed(made):
                self._ask(f"DROP {statement.kind} {_quoted(statement.name)};")

    def _has_read(self, name: str) -> bool:
        """Whether a query's consumer has committed the end of each partition that it reads."""
        described = self._ask(f"DESCRIBE {_quoted(name)} EXTENDED;")
        groups = described[0]["sourceDescription"].get("queryOffsetSummaries", ())
        offsets = [o for g in groups for t in g["topicSummaries"] for o in t["offsets"]]
        return bool(offsets) and all(o["consumerOffset"] >= o["logEndOffset"] for o in offsets)

    def skipped(self) -> Mapping[str, int]:
        """Nothing: ksqlDB passes over what it cannot read, and says so in its processing log."""
        return {}

    def _sources(self) -> dict[str, _Source]:
        answers = self._ask(SHOW)
        described = [item for answer in answers for item in answer.get("sourceDescriptions", ())]
        return {item["name"]: _source(item) for item in described}

    def _check_health(self) -> None:
        details = self._http.json("GET", "/healthcheck")["details"]
        if not details.get("commandRunner", {}).get("isHealthy", True):
            raise ServiceError(
                "ksqlDB: the command topic is degraded, so it takes no statements: restart the"
                " server; if that does not help, its command topic is damaged"
            )

    def _ask(self, text: str) -> list[dict[str, Any]]:
        answers: list[dict[str, Any]] = self._http.json("POST", "/ksql", _body(text, {}))
        return answers

    def _send(self, statement: Statement, text: str) -> None:
        response = self._http.call("POST", "/ksql", _body(f"{text};", statement.settings))
        if not response.ok:
            raise _refusal(statement, response)

    def _replace(self, statement: Statement, text: str) -> None:
        try:
            self._send(statement, text)
        except PipelineError as error:
            found = self._sources()
            drops = " ".join(
                f"DROP {found[name].kind} {_quoted(name)};"
                for name in [*_dependents(statement.name, found), statement.name]
            )
            raise PipelineError(
                f"{error}\nksqlDB cannot replace it in place. To make it anew, with all that hangs"
                f" on it: {drops} and deploy again"
            ) from None

    def _wait_running(self, statement: Statement, deadline_s: float) -> None:
        seen = [""]

        def probe() -> bool | None:
            source = self._sources().get(statement.name)
            seen[0] = source.query_state if source else "ABSENT"
            if seen[0] in {"ERROR", "UNRESPONSIVE"}:
                place = f"{statement.source.file}:{statement.line}"
                raise PipelineError(f"{place}: the query of {statement.name} is in {seen[0]}")
            return seen[0] == "RUNNING"

        until(probe, seconds=deadline_s, describe=lambda _: f"{statement.name} is {seen[0]}")


def _body(text: str, settings: Mapping[str, str]) -> dict[str, Any]:
    properties = {f"ksql.streams.{key}": value for key, value in settings.items()}
    return {"ksql": text, "streamsProperties": properties}


def _quoted(name: str) -> str:
    return f"`{name}`"


def _source(item: Mapping[str, Any]) -> _Source:
    writers = item.get("writeQueries") or [{}]
    readers = [sink for query in item.get("readQueries", ()) for sink in query.get("sinks", ())]
    return _Source(
        name=item["name"],
        kind=item["type"],
        statement=item.get("statement", ""),
        query_id=writers[0].get("id", ""),
        query_state=writers[0].get("state", ""),
        readers=tuple(readers),
    )


def _live(source: _Source) -> LiveQuery:
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


def _dependents(name: str, sources: Mapping[str, _Source]) -> list[str]:
    """What reads from a source, directly or not, the farthest first."""
    direct = [reader for reader in sources[name].readers if reader in sources]
    found = [far for reader in direct for far in [*_dependents(reader, sources), reader]]
    return list(dict.fromkeys(found))


def _refusal(statement: Statement, response: requests.Response) -> PipelineError:
    message = message_of(response)
    place = PLACE.match(message)
    line, column = (int(part) for part in place.groups()) if place else (1, 1)
    text = statement.text.split("\n")
    before = sum(len(part) + 1 for part in text[: line - 1])
    reason = f"ksqlDB: {PLACE.sub('', message)}"
    return SpecError((statement.source.mistake(statement.start + before + column - 1, reason),))
