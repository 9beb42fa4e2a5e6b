"""ksqlDB's REST API, /ksql and /healthcheck.

Reference: "REST API" in ksqlDB's documentation.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import Field

from pipeline.clients.http import Answer, Service, message_of
from pipeline.errors import NotTakenError, PipelineError, ServiceError, SpecError
from pipeline.repository.connections import Http
from pipeline.sql.statements import Statement

SHOW = "SHOW STREAMS EXTENDED; SHOW TABLES EXTENDED;"
PLACE = re.compile(r"^line (\d+):(\d+): ")
# The server is busy with the statements before this one, and has not written it.
NOT_TAKEN = "Timeout while waiting for command topic consumer"
# Of several servers, the worst state counts. A paused query is RUNNING, but in these counts.
WORST_FIRST = ("ERROR", "UNRESPONSIVE", "PAUSED", "RUNNING")
MEDIA_TYPE = "application/vnd.ksql.v1+json"


class _Version(Answer):
    version: str


class _Info(Answer):
    server: _Version = Field(alias="KsqlServerInfo")


class _Check(Answer):
    is_healthy: bool = Field(alias="isHealthy")


class _Details(Answer):
    command_runner: _Check | None = Field(None, alias="commandRunner")


class _Health(Answer):
    details: _Details


class _Query(Answer):
    id: str = ""
    state: str = ""
    counts: dict[str, int] = Field(default={}, alias="statusCount")
    sinks: tuple[str, ...] = ()


class _Source(Answer):
    name: str
    type: str
    statement: str = ""
    writers: list[_Query] = Field([], alias="writeQueries")
    readers: list[_Query] = Field([], alias="readQueries")


class _Sources(Answer):
    sources: list[_Source] = Field(alias="sourceDescriptions")


class _Offset(Answer):
    end: int = Field(alias="logEndOffset")
    consumed: int = Field(alias="consumerOffset")


class _Topic(Answer):
    offsets: list[_Offset]


class _Group(Answer):
    topics: list[_Topic] = Field(alias="topicSummaries")


class _Groups(Answer):
    groups: list[_Group] = Field([], alias="queryOffsetSummaries")


class _Description(Answer):
    source: _Groups = Field(alias="sourceDescription")


@dataclass(frozen=True)
class Source:
    """A stream or table, and the query that writes it.

    `query_id` and `query_state` are "" if there is none: it is on a topic that others write, or its
    query was terminated. `readers` are the streams and tables whose queries read it.
    """

    name: str
    kind: str
    statement: str
    query_id: str
    query_state: str
    readers: tuple[str, ...]


class KsqlDb:
    """A ksqlDB server. Any server of a cluster answers for all of them."""

    def __init__(self, place: Http) -> None:
        self._http = Service("ksqlDB", place, "ksqldb", {"Accept": MEDIA_TYPE})

    def sources(self) -> dict[str, Source]:
        """All streams and tables by name.

        Raises:
            ServiceError: as in every method, ksqlDB is unreachable or answers with an error.
        """
        answers = self._http.json(list[_Sources], "POST", "/ksql", _body(SHOW))
        return {item.name: _source(item) for answer in answers for item in answer.sources}

    def check_ready(self) -> None:
        """Checks that a ksqlDB answers.

        Raises:
            ServiceError: none does.
        """
        self._http.json(_Info, "GET", "/info")

    def check_health(self) -> None:
        """Checks that the server accepts statements.

        Raises:
            ServiceError: it does not; the message tells what to do.
        """
        runner = self._http.json(_Health, "GET", "/healthcheck").details.command_runner
        if runner and not runner.is_healthy:
            raise ServiceError(
                "ksqlDB accepts no statements, because its command topic is degraded: restart the"
                " server; if that does not help, the command topic is damaged"
            )

    def execute(self, statement: Statement, text: str, settings: Mapping[str, str]) -> None:
        """Runs `text`, which is the text of `statement` or a variant of it.

        Raises:
            SpecError: ksqlDB refuses it; the error has the line in the file.
            NotTakenError: ksqlDB was too busy.
        """
        properties = {f"ksql.streams.{key}": value for key, value in settings.items()}
        body = {"ksql": f"{text};", "streamsProperties": properties}
        response = self._http.call("POST", "/ksql", body)
        if not response.ok:
            message = message_of(response)
            if not message:
                raise self._http.error("POST", "/ksql", response)
            raise _not_taken(message) or _refusal(statement, message)

    def drop(self, kind: str, name: str) -> None:
        """Drops a stream or table and its query. Its topic stays.

        Raises:
            NotTakenError: ksqlDB was too busy.
        """
        self._order(f"DROP {kind} {quoted(name)};")

    def resume(self, query_id: str) -> None:
        """Lets a paused query go on.

        Raises:
            NotTakenError: ksqlDB was too busy.
        """
        self._order(f"RESUME {query_id};")

    def _order(self, text: str) -> None:
        response = self._http.call("POST", "/ksql", _body(text))
        if not response.ok:
            error = self._http.error("POST", "/ksql", response)
            raise _not_taken(message_of(response)) or error

    def has_read_all(self, name: str) -> bool:
        """Whether a query's consumer group has committed the end offset of all its partitions."""
        text = f"DESCRIBE {quoted(name)} EXTENDED;"
        answers = self._http.json(list[_Description], "POST", "/ksql", _body(text))
        groups = [group for answer in answers for group in answer.source.groups]
        offsets = [offset for g in groups for topic in g.topics for offset in topic.offsets]
        return bool(offsets) and all(offset.consumed >= offset.end for offset in offsets)


def _body(text: str) -> Mapping[str, Any]:
    return {"ksql": text, "streamsProperties": {}}


def quoted(name: str) -> str:
    """A name in ksqlDB's quotes."""
    return f"`{name}`"


def _source(item: _Source) -> Source:
    writer = item.writers[0] if item.writers else _Query(statusCount={})
    return Source(
        name=item.name,
        kind=item.type,
        statement=item.statement,
        query_id=writer.id,
        query_state=_state(writer),
        readers=tuple(sink for query in item.readers for sink in query.sinks),
    )


def _state(query: _Query) -> str:
    states = {query.state, *query.counts}
    return next((state for state in WORST_FIRST if state in states), query.state)


def _not_taken(message: str) -> NotTakenError | None:
    return NotTakenError(f"ksqlDB: {message}") if NOT_TAKEN in message else None


def _refusal(statement: Statement, message: str) -> PipelineError:
    place = PLACE.match(message)
    line, column = (int(part) for part in place.groups()) if place else (1, 1)
    text = statement.text.split("\n")
    before = sum(len(part) + 1 for part in text[: line - 1])
    reason = f"ksqlDB: {PLACE.sub('', message)}"
    return SpecError((statement.source.mistake(statement.start + before + column - 1, reason),))
