"""ksqlDB's REST API, /ksql and /healthcheck.

Reference: "REST API" in ksqlDB's documentation.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import requests

from pipeline.clients.http import Service, message_of
from pipeline.errors import PipelineError, ServiceError, SpecError
from pipeline.sql.statements import Statement

SHOW = "SHOW STREAMS EXTENDED; SHOW TABLES EXTENDED;"
PLACE = re.compile(r"^line (\d+):(\d+): ")
MEDIA_TYPE = "application/vnd.ksql.v1+json"


@dataclass(frozen=True)
class Source:
    """A stream or table, and the query that writes it; `query_id` is "" if there is none.

    `readers` are the streams and tables whose queries read it.
    """

    name: str
    kind: str
    statement: str
    query_id: str
    query_state: str
    readers: tuple[str, ...]


class KsqlDb:
    """A ksqlDB server. Any server of a cluster answers for all of them."""

    def __init__(self, url: str) -> None:
        self._http = Service("ksqlDB", url, {"Accept": MEDIA_TYPE})

    def sources(self) -> dict[str, Source]:
        """All streams and tables by name.

        Raises:
            ServiceError: as in every method, ksqlDB is unreachable or answers with an error.
        """
        answers = self._ask(SHOW)
        items = [item for answer in answers for item in answer.get("sourceDescriptions", ())]
        return {item["name"]: _source(item) for item in items}

    def check_health(self) -> None:
        """Checks that the server accepts statements.

        Raises:
            ServiceError: it does not; the message tells what to do.
        """
        details = self._http.json("GET", "/healthcheck")["details"]
        if not details.get("commandRunner", {}).get("isHealthy", True):
            raise ServiceError(
                "ksqlDB accepts no statements, because its command topic is degraded: restart the"
                " server; if that does not help, the command topic is damaged"
            )

    def execute(self, statement: Statement, text: str, settings: Mapping[str, str]) -> None:
        """Runs `text`, which is the text of `statement` or a variant of it.

        Raises:
            SpecError: ksqlDB refuses it; the error has the line in the file.
        """
        properties = {f"ksql.streams.{key}": value for key, value in settings.items()}
        body = {"ksql": f"{text};", "streamsProperties": properties}
        response = self._http.call("POST", "/ksql", body)
        if not response.ok:
            raise _refusal(statement, response)

    def drop(self, kind: str, name: str) -> None:
        """Drops a stream or table and its query. Its topic stays."""
        self._ask(f"DROP {kind} {quoted(name)};")

    def has_read_all(self, name: str) -> bool:
        """Whether a query's consumer group has committed the end offset of all its partitions."""
        answers = self._ask(f"DESCRIBE {quoted(name)} EXTENDED;")
        groups = answers[0]["sourceDescription"].get("queryOffsetSummaries", ())
        offsets = [o for g in groups for t in g["topicSummaries"] for o in t["offsets"]]
        return bool(offsets) and all(o["consumerOffset"] >= o["logEndOffset"] for o in offsets)

    def _ask(self, text: str) -> list[dict[str, Any]]:
        body = {"ksql": text, "streamsProperties": {}}
        answers: list[dict[str, Any]] = self._http.json("POST", "/ksql", body)
        return answers


def quoted(name: str) -> str:
    """A name in ksqlDB's quotes."""
    return f"`{name}`"


def _source(item: Mapping[str, Any]) -> Source:
    writers = item.get("writeQueries") or [{}]
    readers = [sink for query in item.get("readQueries", ()) for sink in query.get("sinks", ())]
    return Source(
        name=item["name"],
        kind=item["type"],
        statement=item.get("statement", ""),
        query_id=writers[0].get("id", ""),
        query_state=writers[0].get("state", ""),
        readers=tuple(readers),
    )


def _refusal(statement: Statement, response: requests.Response) -> PipelineError:
    message = message_of(response)
    place = PLACE.match(message)
    line, column = (int(part) for part in place.groups()) if place else (1, 1)
    text = statement.text.split("\n")
    before = sum(len(part) + 1 for part in text[: line - 1])
    reason = f"ksqlDB: {PLACE.sub('', message)}"
    return SpecError((statement.source.mistake(statement.start + before + column - 1, reason),))
