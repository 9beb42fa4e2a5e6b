"""Kafka Connect's REST API."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from pipeline.clients.http import Service
from pipeline.live import LiveConnector, Task
from pipeline.suggest import unknown

# The words with which Datagen ends a task that wrote its `iterations`.
COMPLETED = re.compile(r"Stopping connector: generated the configured \d+ number of messages")


@dataclass(frozen=True)
class Validation:
    """What the worker says of a configuration."""

    errors: tuple[tuple[str, str], ...]
    known: frozenset[str]


class Connect:
    """A Connect worker (any of a cluster: they answer for each other)."""

    def __init__(self, url: str) -> None:
        self._http = Service("Kafka Connect", url)

    def connectors(self) -> dict[str, LiveConnector]:
        """Every connector by name, in one request.

        Raises:
            ServiceError: here and in every method, the worker is unreachable or refuses.
        """
        listed = self._http.json("GET", "/connectors?expand=info&expand=status")
        return {name: _live(name, item) for name, item in listed.items() if "status" in item}

    def plugins(self) -> list[str]:
        """The classes of the installed connectors."""
        return [str(plugin["class"]) for plugin in self._http.json("GET", "/connector-plugins")]

    def validate(self, config: Mapping[str, str]) -> Validation:
        """The worker's verdict; an unknown class is an error that lists the installed ones."""
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
        """Makes a connector, or gives it another configuration."""
        self._http.json("PUT", f"/connectors/{name}/config", dict(config))

    def stop(self, name: str) -> None:
        """Asks for STOPPED: no tasks at all."""
        self._http.json("PUT", f"/connectors/{name}/stop")

    def resume(self, name: str) -> None:
        """Asks for RUNNING."""
        self._http.json("PUT", f"/connectors/{name}/resume")

    def restart_failed(self, name: str) -> None:
        """Restarts a connector and those of its tasks that are FAILED."""
        self._http.json("POST", f"/connectors/{name}/restart?includeTasks=true&onlyFailed=true")

    def forget_offsets(self, name: str) -> None:
        """Drops the offsets of a STOPPED connector: if it is made again, it begins again."""
        self._http.json("DELETE", f"/connectors/{name}/offsets")

    def delete(self, name: str) -> None:
        """Removes a connector; asynchronous, as everything in Connect."""
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
    """The message of a Java stack trace's innermost cause."""
    lines = [line for line in trace.splitlines() if line and not line.startswith(("\t", " "))]
    causes = [line for line in lines if line.startswith("Caused by: ")] or lines[:1]
    return causes[-1].removeprefix("Caused by: ") if causes else ""


def _validation(answer: Mapping[str, Any]) -> Validation:
    values = [item["value"] for item in answer["configs"]]
    errors = [(value["name"], message) for value in values for message in value["errors"]]
    return Validation(tuple(errors), frozenset(value["name"] for value in values))


def _short_names(plugins: list[str]) -> set[str]:
    simple = {plugin.rsplit(".", 1)[-1] for plugin in plugins}
    return simple | {name.removesuffix("Connector") for name in simple}
