"""What runs, as the services tell it. Pure data: the clients make it, the resources compare it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class LiveTopic:
    """A topic as the broker has it; `config` holds what was set on the topic itself."""

    name: str
    partitions: int
    replication: int
    config: Mapping[str, str]


@dataclass(frozen=True)
class LiveSubject:
    """A subject's latest version, as registered."""

    name: str
    version: int
    id: int
    schema: dict[str, Any]
    compatibility: str


@dataclass(frozen=True)
class LiveColumn:
    """A column of a table; `filled` if PostgreSQL has a value for it when an INSERT gives none."""

    name: str
    type: str
    nullable: bool
    comment: str = ""
    filled: bool = False


@dataclass(frozen=True)
class LiveTable:
    """A table: its columns, its unique keys, and the privileges of each role."""

    name: str
    columns: Mapping[str, LiveColumn]
    keys: frozenset[tuple[str, ...]]
    comment: str = ""
    grants: Mapping[str, frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class LiveScript:
    """The db_setup.sql that ran last."""

    sha256: str


@dataclass(frozen=True)
class Line:
    """A line of a statement as it is written; equal in meaning to one that is written otherwise."""

    meaning: str
    text: str


@dataclass(frozen=True)
class LiveQuery:
    """A query as its engine has it; `meaning` is comparable with that of a declared one.

    One that is `ours` was deployed by this repository.
    """

    meaning: str
    lines: tuple[Line, ...]
    state: str
    failed: bool = False
    note: str = ""
    ours: bool = False


@dataclass(frozen=True)
class Task:
    """A connector's task: RUNNING, FAILED, PAUSED, UNASSIGNED, RESTARTING, or COMPLETED."""

    id: int
    state: str
    cause: str = ""


@dataclass(frozen=True)
class LiveConnector:
    """A connector as the worker has it."""

    name: str
    config: Mapping[str, str]
    state: str
    cause: str
    tasks: tuple[Task, ...]

    @property
    def failed(self) -> tuple[str, ...]:
        """One message per part that failed."""
        connector = [f"connector FAILED: {self.cause}"] if self.state == "FAILED" else []
        tasks = [f"task {t.id} FAILED: {t.cause}" for t in self.tasks if t.state == "FAILED"]
        return (*connector, *tasks)

    @property
    def settled(self) -> bool:
        """Whether the connector and at least one task are up, or have done all they had to do."""
        states = {task.state for task in self.tasks}
        return self.state == "RUNNING" and bool(states) and states <= {"RUNNING", "COMPLETED"}

    @property
    def summary(self) -> str:
        """The state in a word, COMPLETED where all tasks are."""
        states = {task.state for task in self.tasks}
        if self.failed:
            return "FAILED"
        if states == {"COMPLETED"}:
            return "COMPLETED"
        return self.state if states <= {self.state, "COMPLETED"} else "/".join(sorted(states))
