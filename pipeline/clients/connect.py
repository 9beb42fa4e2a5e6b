"""Kafka Connect's REST API."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from pydantic import Field

from pipeline.clients.http import Answer, Service
from pipeline.live import LiveConnector, Task
from pipeline.repository.connections import Http
from pipeline.suggest import unknown

# Datagen ends a task with this error when the task has written its `iterations`.
COMPLETED = re.compile(r"Stopping connector: generated the configured \d+ number of messages")


class _Worker(Answer):
    version: str
    kafka_cluster_id: str


class _Info(Answer):
    config: dict[str, str | None]
    # "unknown" on a worker that lacks the plugin.
    type: str = "unknown"


class _State(Answer):
    state: str
    trace: str | None = None


class _Task(_State):
    id: int


class _Status(Answer):
    connector: _State
    tasks: list[_Task]


class _Connector(Answer):
    # A connector that is being deleted lacks one of them.
    info: _Info | None = None
    status: _Status | None = None


class _Plugin(Answer):
    name: str = Field(alias="class")


class _Value(Answer):
    name: str
    errors: list[str]


class _Definition(Answer):
    type: str


class _Property(Answer):
    definition: _Definition
    value: _Value


class _Validation(Answer):
    configs: list[_Property]


@dataclass(frozen=True)
class Validation:
    """The result of a validation: errors as (property, message), and the known properties.

    `passwords` are those whose values the plugin keeps secret.
    """

    errors: tuple[tuple[str, str], ...]
    known: frozenset[str]
    passwords: frozenset[str] = frozenset()


class Connect:
    """A Connect worker. Any worker of a cluster answers for all of them."""

    def __init__(self, place: Http) -> None:
        self._http = Service("Kafka Connect", place, "connect")

    def connectors(self) -> dict[str, LiveConnector]:
        """All connectors by name, from one request.

        Raises:
            ServiceError: as in every method, the worker is unreachable or answers with an error.
        """
        path = "/connectors?expand=info&expand=status"
        items = self._http.json(dict[str, _Connector], "GET", path)
        live = {
            name: _live(name, item.info, item.status)
            for name, item in items.items()
            if item.info and item.status
        }
        if not live:
            # Other servers answer {} as well.
            self._http.json(_Worker, "GET", "/")
        return live

    def plugins(self) -> list[str]:
        """The class names of the installed connectors."""
        plugins = self._http.json(list[_Plugin], "GET", "/connector-plugins")
        return [plugin.name for plugin in plugins]

    def validate(self, config: Mapping[str, str]) -> Validation:
        """Validates a configuration. For an unknown class, the error lists the known ones."""
        name = config.get("connector.class", "")
        if not name:
            return Validation((("connector.class", "is missing"),), frozenset())
        path = f"/connector-plugins/{_quoted(name)}/config/validate"
        response = self._http.call("PUT", path, dict(config))
        if response.ok:
            return _validation(self._http.read(_Validation, "PUT", path, response))
        plugins = self.plugins()
        if name not in plugins and name not in _short_names(plugins):
            message = unknown("connector class", name, plugins)
            return Validation((("connector.class", message),), frozenset())
        raise self._http.error("PUT", path, response)

    def put(self, name: str, config: Mapping[str, str]) -> None:
        """Creates a connector, or changes its configuration."""
        self._http.send("PUT", f"/connectors/{_quoted(name)}/config", dict(config))

    def stop(self, name: str) -> None:
        """Asks the worker to stop a connector. A STOPPED connector has no tasks."""
        self._http.send("PUT", f"/connectors/{_quoted(name)}/stop")

    def resume(self, name: str) -> None:
        """Asks the worker to run a connector again."""
        self._http.send("PUT", f"/connectors/{_quoted(name)}/resume")

    def restart_failed(self, name: str) -> None:
        """Restarts a connector and its tasks, each if it is FAILED."""
        self._http.send(
            "POST", f"/connectors/{_quoted(name)}/restart?includeTasks=true&onlyFailed=true"
        )

    def forget_offsets(self, name: str) -> None:
        """Deletes the offsets of a STOPPED connector. A new connector of this name starts over."""
        self._http.send("DELETE", f"/connectors/{_quoted(name)}/offsets")

    def delete(self, name: str) -> None:
        """Asks the worker to delete a connector. An absent connector is no error."""
        path = f"/connectors/{_quoted(name)}"
        response = self._http.call("DELETE", path)
        if not response.ok and response.status_code != 404:
            raise self._http.error("DELETE", path, response)


def _quoted(name: str) -> str:
    return quote(name, safe="")


def _live(name: str, info: _Info, status: _Status) -> LiveConnector:
    has_topics = bool({"topics", "topics.regex"} & info.config.keys())
    return LiveConnector(
        name=name,
        config={key: value for key, value in info.config.items() if value is not None},
        state=status.connector.state,
        cause=root_cause(status.connector.trace or ""),
        tasks=tuple(_task(task) for task in status.tasks),
        is_sink=has_topics if info.type == "unknown" else info.type == "sink",
    )


def _task(task: _Task) -> Task:
    trace = task.trace or ""
    if task.state == "FAILED" and COMPLETED.search(trace):
        return Task(task.id, "COMPLETED")
    return Task(task.id, task.state, root_cause(trace))


def root_cause(trace: str) -> str:
    """The message of the innermost cause in a Java stack trace; "" if there is none."""
    lines = [line for line in trace.splitlines() if line and not line.startswith(("\t", " "))]
    causes = [line for line in lines if line.startswith("Caused by: ")] or lines[:1]
    return causes[-1].removeprefix("Caused by: ") if causes else ""


def _validation(answer: _Validation) -> Validation:
    values = [item.value for item in answer.configs]
    errors = [(value.name, message) for value in values for message in value.errors]
    return Validation(
        tuple(errors),
        frozenset(value.name for value in values),
        frozenset(item.value.name for item in answer.configs if item.definition.type == "PASSWORD"),
    )


def _short_names(plugins: list[str]) -> set[str]:
    simple = {plugin.rsplit(".", 1)[-1] for plugin in plugins}
    return simple | {name.removesuffix("Connector") for name in simple}
