"""Sends a record to a raw topic by Confluent's REST Proxy, and reads it back.

The request is scripts/requests/TOPIC.json; scripts/requests/curl.sh does the same with curl.

Exit codes: 0 it was delivered and came back as it was sent; 1 it was not; 2 usage.
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any
from uuid import uuid4

import typer
from pydantic import Field
from rich.console import Console

from pipeline import codec, command
from pipeline.clients.http import Answer, Service
from pipeline.clients.registry import Registry
from pipeline.errors import PipelineError, ServiceError, UsageError
from pipeline.repository import target as targets
from pipeline.repository.connections import Http
from pipeline.schemas import subject_of
from pipeline.suggest import unknown
from pipeline.wait import until

REQUESTS = Path("scripts") / "requests"
NAME = "REST Proxy"
V2 = "application/vnd.kafka.v2+json"
# The proxy reads key and value in one format. Keys are plain strings, which its `avro` format would
# take for damaged Avro: so it gives us bytes.
BINARY = "application/vnd.kafka.binary.v2+json"
READ_S = 30
console = Console(stderr=True)
app = typer.Typer(add_completion=False)


class _Cluster(Answer):
    cluster_id: str


class _Clusters(Answer):
    data: list[_Cluster] = Field(min_length=1)


class _Report(Answer):
    error_code: int
    message: str = ""
    # Where the record is, if it was delivered.
    partition_id: int = -1
    offset: int = -1


class _Record(Answer):
    offset: int
    key: str | None = None
    value: str | None = None


@dataclass(frozen=True)
class Position:
    """Where Kafka holds a record."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.topic}, partition {self.partition}, offset {self.offset}"


@app.command(help=__doc__)
def main(
    topic: Annotated[str, typer.Argument(help="A topic with a file in scripts/requests/.")],
    target_name: Annotated[
        str, typer.Option("--target", help="A file in targets/, or a path.")
    ] = "compose",
) -> None:
    """Sends, reads back, compares, and prints the record."""
    target = targets.load(Path(), target_name)
    if target.rest is None:
        raise UsageError(
            f"target {target_name} has no `rest`: Confluent's REST Proxy is in no package registry;"
            " make produce-http TARGET=compose"
        )
    request = _request(topic)
    position = produce(target.rest, topic, request)
    console.print(f"delivered to {position}", highlight=False)
    key, value = read(target.rest, Registry(target.registry), position)
    if (key, value) != (request["key"]["data"], request["value"]["data"]):
        raise PipelineError(f"another record came back: {key} {value}")
    print(json.dumps({"key": key, "value": value}, indent=2))


def _request(topic: str) -> Mapping[str, Any]:
    file = REQUESTS / f"{topic}.json"
    if not file.is_file():
        raise UsageError(unknown("topic", topic, [f.stem for f in REQUESTS.glob("*.json")]))
    request: Mapping[str, Any] = json.loads(file.read_text())
    return request


def produce(rest: Http, topic: str, request: Mapping[str, Any]) -> Position:
    """Sends one record by the API's version 3, whose key and value have formats of their own.

    Raises:
        ServiceError: the proxy is unreachable, or the record was not delivered.
    """
    http = Service(NAME, rest, "rest")
    cluster = http.json(_Clusters, "GET", "/v3/clusters").data[0].cluster_id
    path = f"/v3/clusters/{cluster}/topics/{topic}/records"
    report = http.json(_Report, "POST", path, request)
    # The request succeeds as soon as it can be read; each record has a code of its own.
    if report.error_code != 200:
        raise ServiceError(f"{NAME}: {topic}: {report.error_code}: {report.message}")
    return Position(topic, report.partition_id, report.offset)


def read(rest: Http, registry: Registry, position: Position) -> tuple[str, Any]:
    """The key and value of the record at a position, by a consumer of the API's version 2.

    Raises:
        ServiceError: the proxy or the registry is unreachable or refuses.
        DeadlineError: the record does not come.
    """
    http = Service(NAME, rest, "rest", {"Content-Type": V2, "Accept": f"{BINARY}, {V2}"})
    name = uuid4().hex
    group = "/consumers/rest_proxy"
    http.send("POST", group, {"name": name, "format": "binary"})
    consumer = f"{group}/instances/{name}"
    try:
        record = _record(http, consumer, position)
    finally:
        http.send("DELETE", consumer)
    value = base64.b64decode(record.value or "")
    return base64.b64decode(record.key or "").decode(), _decoded(registry, position.topic, value)


def _record(http: Service, consumer: str, position: Position) -> _Record:
    partition = {"topic": position.topic, "partition": position.partition}
    http.send("POST", f"{consumer}/assignments", {"partitions": [partition]})
    start = {**partition, "offset": position.offset}
    http.send("POST", f"{consumer}/positions", {"offsets": [start]})

    def probe() -> _Record | None:
        records = http.json(list[_Record], "GET", f"{consumer}/records?timeout=1000")
        return next((r for r in records if r.offset == position.offset), None)

    return until(probe, seconds=READ_S, describe=lambda _: f"{position} does not come back")


def _decoded(registry: Registry, topic: str, value: bytes) -> Any:
    """The value as the request has it: dates and times are numbers."""
    registered = registry.latest(subject_of(topic))
    try:
        schema_id = codec.schema_id(value)
    except ValueError as error:
        raise PipelineError(f"the value that came back is {error}") from None
    if registered.id != schema_id:
        raise PipelineError(
            f"the value has schema {schema_id}, {registered.name} has {registered.id}"
        )
    return codec.to_json(registered.schema, codec.decoder(registered.schema)(value))


if __name__ == "__main__":
    command.run(app)
