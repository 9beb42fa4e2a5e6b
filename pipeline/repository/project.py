"""The repository's files after loading and checking."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.repository.rules import Rules
from pipeline.repository.source import Source
from pipeline.repository.specs import TopicsFile
from pipeline.schemas import Schema
from pipeline.sql.flink.translate import Analysis
from pipeline.sql.statements import Statement

SCRIPT = Path("postgres") / "db_setup.sql"


@dataclass(frozen=True)
class Project:
    """The files of the repository.

    `from_target` has the defaults of topics that a target's file gives, with that file.
    `schemas` has the value schema of each topic, also of the topics that ksql/ writes. `rules` is
    None if there is no spark/rules.yaml.
    """

    root: Path
    topics: TopicsFile
    schemas: Mapping[str, Schema]
    connectors: tuple[Source, ...]
    analysis: Analysis
    rules: Rules | None
    from_target: Mapping[str, str] = field(default_factory=dict)

    @property
    def tables(self) -> tuple[str, ...]:
        """The tables that the sinks write, in the order of their files."""
        return tuple(dict.fromkeys(source.table for source in self.connectors if source.table))

    def sinks_of(self, table: str) -> tuple[Source, ...]:
        """The specs of the sinks that write a table, in the order of their files."""
        return tuple(source for source in self.connectors if source.table == table)

    def schemas_of(self, table: str) -> tuple[Schema, ...]:
        """The schemas of the topics that these sinks read."""
        topics = dict.fromkeys(topic for sink in self.sinks_of(table) for topic in sink.reads)
        return tuple(self.schemas[topic] for topic in topics if topic in self.schemas)

    @property
    def statements(self) -> tuple[Statement, ...]:
        """The statements of ksql/, in order."""
        return self.analysis.statements

    @property
    def queries(self) -> Mapping[str, Statement]:
        """The statements that write a topic, by topic, in order."""
        return {statement.topic: statement for statement in self.statements if statement.query}
