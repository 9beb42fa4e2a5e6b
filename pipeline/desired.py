"""What the repository declares, ready to be compared with what runs."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pipeline.schemas import Schema


@dataclass(frozen=True)
class Topic:
    """A topic as declared; `config` has what differs from the broker's defaults."""

    name: str
    partitions: int
    replication: int
    config: Mapping[str, str]


@dataclass(frozen=True)
class Subject:
    """A subject of the Schema Registry: the contract of one topic's values."""

    name: str
    schema: Schema
    compatibility: str
    file: Path


@dataclass(frozen=True)
class Script:
    """db_setup.sql."""

    file: Path
    text: str
    sha256: str


@dataclass(frozen=True)
class Table:
    """What one sink needs of its table."""

    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...]
    connector: str
    file: Path


@dataclass(frozen=True)
class Connector:
    """A connector's whole configuration, as it is sent."""

    name: str
    config: Mapping[str, str]
    file: Path
    is_sink: bool


@dataclass(frozen=True)
class Line:
    """A line of a statement as it is written; equal in meaning to one that is written otherwise."""

    meaning: str
    text: str


@dataclass(frozen=True)
class Query:
    """A statement of ksql/ that an engine is to run.

    `meaning` is compared with what the engine runs, `lines` show a difference to people, `sources`
    are the queries that it builds on.
    """

    name: str
    meaning: str
    lines: tuple[Line, ...]
    sources: tuple[str, ...] = ()


@dataclass(frozen=True)
class Desired:
    """Everything the repository declares."""

    topics: tuple[Topic, ...]
    subjects: tuple[Subject, ...]
    script: Script
    tables: tuple[Table, ...]
    connectors: tuple[Connector, ...]
    queries: tuple[Query, ...] = ()
