"""Kafka Connect's REST API."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from pipeline.clients.http import Service
from pipeline.live import LiveConnector, Task
from pipeline.suggest import unknown

# Datagen ends a task with this error when the task has written its `iterations`.
COMPLETED = re.compile(r"Stopping connector: generated the configured \d+ number of messages")


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

    def __init__(self, url: str) -> None:
        self._http = Service("Kafka Connect", url)

    def connectors(self) -> dict[str, LiveConnector]:
        """All connectors by name, from one request.

        Raises:
            ServiceError: as in every method, the worker is unreachable or answers with an error.
        """
        items = self._http.json("GET", "/connectors?expand=info&expand=status")
        return {name: _live(name, item) for name, item in items.items() if "status" in item}

    def plugins(self) -> list[str]:
        """The class names of the installed connectors."""
        return [str(plugin["class"]) for plugin in self._http.json("GET", "/connector-plugins")]

    def validate(self, config: Mapping[str, str]) -> Validation:
        """Validates a configuration. For an unknown class, the error lists the known ones."""
        name = config.get("connector.class", "")
        if not name:
            return Validation((("connector.class", "is missing"),), frozenset())
        path = f"/connector-plugins/{quote(name, safe='')}/config/validate"
        response = self._http.call("PUT", path, dict(config))
        if response.ok:
            return _validation(response.json())
        plugins = self.plugins()
        if name not in plugins and name not in _short_names(plugins):
            message = unknown("connector class", name, plugins)
            return Validation((("connector.class", message),), frozenset())
        raise self._http.error("PUT", path, response)

    def put(self, name: str, config: Mapping[str, str]) -> None:
        """Creates a connector, or changes its configuration."""
        self._http.json("PUT", f"/connectors/{name}/config", dict(config))

    def stop(self, name: str) -> None:
        """Asks the worker to stop a connector. A STOPPED connector has no tasks."""
        self._http.json("PUT", f"/connectors/{name}/stop")

    def resume(self, name: str) -> None:
        """Asks the worker to run a connector again."""
        self._http.json("PUT", f"/connectors/{name}/resume")

    def restart_failed(self, name: str) -> None:
        """Restarts a connector and its tasks, each if it is FAILED."""
        self._http.json("POST", f"/connectors/{name}/restart?includeTasks=true&onlyFailed=true")

    def forget_offsets(self, name: str) -> None:
        """Deletes the offsets of a STOPPED connector. A new connector of this name starts over."""
        self._http.json("DELETE", f"/connectors/{name}/offsets")

    def delete(self, name: str) -> None:
        """Asks the worker to delete a connector. An absent connector is no error."""
        response = self._http.call("DELETE", f"/connectors/{name}")
        if not response.ok and response.status_code != 404:
            raise self._http.error("DELETE", f"/connectors/{name}", response)


def _live(name: str, item: Mapping[str, Any]) -> LiveConnector:
    status = item["status"]
    connector = status["connector"]
    return LiveConnector(
        name=name,
        config=item["info"]["config"],
        state=connector["state"],
        cause=root_cause(connector.get("trace", "")),
        tasks=tuple(_task(task) for task in status["tasks"]),
    )


def _task(task: Mapping[str, Any]) -> Task:
    trace = task.get("trace", "")
    if task["state"] == "FAILED" and COMPLETED.search(trace):
        return Task(task["id"], "COMPLETED")
    return Task(task["id"], task["state"], root_cause(trace))


def root_cause(trace: str) -> str:
    """The message of the innermost cause in a Java stack trace; "" if there is none."""
    lines = [line for line in trace.splitlines() if line and not line.startswith(("\t", " "))]
    causes = [line for line in lines if line.startswith("Caused by: ")] or lines[:1]
    return causes[-1].removeprefix("Caused by: ") if causes else ""


def _validation(body: Mapping[str, Any]) -> Validation:
    values = [item["value"] for item in body["configs"]]
    errors = [(value["name"], message) for value in values for message in value["errors"]]
    definitions = [item["definition"] for item in body["configs"]]
    return Validation(
        tuple(errors),
        frozenset(value["name"] for value in values),
        frozenset(one["name"] for one in definitions if one["type"] == "PASSWORD"),
    )


def _short_names(plugins: list[str]) -> set[str]:
    simple = {plugin.rsplit(".", 1)[-1] for plugin in plugins}
    return simple | {name.removesuffix("Connector") for name in simple}
