"""What runs, as the services report it. Clients fill these classes, resources compare them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pipeline.sql.objects import Catalog


@dataclass(frozen=True)
class LiveTopic:
    """A topic on the broker. `config` has the topic's own settings, without the defaults.

    `ours`: a deployment of this pipeline made it. `hidden`: we may not see it, or what it is like;
    then the rest says nothing.
    """

    name: str
    partitions: int
    replication: int
    config: Mapping[str, str]
    ours: bool = False
    hidden: bool = False


@dataclass(frozen=True)
class LiveSubject:
    """The latest registered version of a subject.

    `foreign` is what it is in words, if it is no Avro record; then `schema` is empty. `ours`: a
    deployment of this pipeline made it.
    """

    name: str
    version: int
    id: int
    schema: dict[str, Any]
    compatibility: str
    foreign: str = ""
    ours: bool = False


@dataclass(frozen=True)
class LiveColumn:
    """A column of a table. `filled`: it gets a value when an INSERT does not give one."""

    name: str
    type: str
    nullable: bool
    comment: str = ""
    filled: bool = False


@dataclass(frozen=True)
class LiveTable:
    """A table: its columns by name, its unique keys, and the privileges of each role."""

    name: str
    columns: Mapping[str, LiveColumn]
    keys: frozenset[tuple[str, ...]]
    comment: str = ""
    grants: Mapping[str, frozenset[str]] = field(default_factory=dict)
    has_primary_key: bool = True


@dataclass(frozen=True)
class LiveScript:
    """The db_setup.sql that ran last, what it made, and what there is of that now.

    `made` is None if PostgreSQL has been upgraded since. `rotated` has the roles with another
    password than that of the secrets, with the secret's name; it is None if we may not see that.
    """

    text: str
    made: Catalog | None
    found: Catalog
    rotated: Mapping[str, str] | None = field(default_factory=dict)


@dataclass(frozen=True)
class Line:
    """A line of a statement: its text, and a normal form in which two spellings are equal."""

    meaning: str
    text: str


@dataclass(frozen=True)
class LiveQuery:
    """A query on its engine. It is up to date if `meaning` equals that of the declared query.

    `ours`: this repository deployed it; `theirs`: certainly not. `over`: it was ended, and cannot
    go on. `readers` are the queries that read what it writes.
    """

    meaning: str
    lines: tuple[Line, ...]
    state: str
    failed: bool = False
    note: str = ""
    ours: bool = False
    theirs: bool = False
    over: bool = False
    readers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Task:
    """A task of a connector: RUNNING, FAILED, PAUSED, UNASSIGNED, RESTARTING or COMPLETED."""

    id: int
    state: str
    cause: str = ""


@dataclass(frozen=True)
class LiveConnector:
    """A connector on the worker."""

    name: str
    config: Mapping[str, str]
    state: str
    cause: str
    tasks: tuple[Task, ...]
    is_sink: bool = field(kw_only=True)

    @property
    def failed(self) -> tuple[str, ...]:
        """A message for the connector and for each task, if it FAILED."""
        connector = [f"connector FAILED: {self.cause}"] if self.state == "FAILED" else []
        tasks = [f"task {t.id} FAILED: {t.cause}" for t in self.tasks if t.state == "FAILED"]
        return (*connector, *tasks)

    @property
    def settled(self) -> bool:
        """Whether the connector is RUNNING, and each of its tasks is RUNNING or COMPLETED."""
        states = {task.state for task in self.tasks}
        return self.state == "RUNNING" and bool(states) and states <= {"RUNNING", "COMPLETED"}

    @property
    def summary(self) -> str:
        """The connector's and its tasks' states in one word; COMPLETED if all tasks are."""
        states = {task.state for task in self.tasks}
        if self.failed:
            return "FAILED"
        if states == {"COMPLETED"}:
            return "COMPLETED"
        return self.state if states <= {self.state, "COMPLETED"} else "/".join(sorted(states))
