"""ksqlDB's REST API: /ksql and /healthcheck.

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
    """A stream or table as ksqlDB describes it, and the query that fills it, if one does."""

    name: str
    kind: str
    statement: str
    query_id: str
    query_state: str
    readers: tuple[str, ...]


class KsqlDb:
    """One ksqlDB server (any of a cluster: they answer for each other)."""

    def __init__(self, url: str) -> None:
        self._http = Service("ksqlDB", url, {"Accept": MEDIA_TYPE})

    def sources(self) -> dict[str, Source]:
        """Every stream and table by name.

        Raises:
            ServiceError: here and in every method, ksqlDB is unreachable or refuses.
        """
        answers = self._ask(SHOW)
        described = [item for answer in answers for item in answer.get("sourceDescriptions", ())]
        return {item["name"]: _source(item) for item in described}

    def check_health(self) -> None:
        """Returns if the server takes statements."""
        details = self._http.json("GET", "/healthcheck")["details"]
        if not details.get("commandRunner", {}).get("isHealthy", True):
            raise ServiceError(
                "ksqlDB: the command topic is degraded, so it takes no statements: restart the"
                " server; if that does not help, its command topic is damaged"
            )

    def execute(self, statement: Statement, text: str, settings: Mapping[str, str]) -> None:
        """Runs a statement's text.

        Raises:
            SpecError: ksqlDB refuses it; with its place in the file.
        """
        properties = {f"ksql.streams.{key}": value for key, value in settings.items()}
        body = {"ksql": f"{text};", "streamsProperties": properties}
        response = self._http.call("POST", "/ksql", body)
        if not response.ok:
            raise _refusal(statement, response)

    def drop(self, kind: str, name: str) -> None:
        """Drops a stream or table and its query; its topic stays."""
        self._ask(f"DROP {kind} {quoted(name)};")

    def has_read_all(self, name: str) -> bool:
        """Whether a query's consumer has committed the end of each partition that it reads."""
        described = self._ask(f"DESCRIBE {quoted(name)} EXTENDED;")
        groups = described[0]["sourceDescription"].get("queryOffsetSummaries", ())
        offsets = [o for g in groups for t in g["topicSummaries"] for o in t["offsets"]]
        return bool(offsets) and all(o["consumerOffset"] >= o["logEndOffset"] for o in offsets)

    def _ask(self, text: str) -> list[dict[str, Any]]:
        body = {"ksql": text, "streamsProperties": {}}
        answers: list[dict[str, Any]] = self._http.json("POST", "/ksql", body)
        return answers


def quoted(name: str) -> str:
    """A name as it is, in ksqlDB's quotes."""
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
