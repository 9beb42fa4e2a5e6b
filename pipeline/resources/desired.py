"""Everything that the repository declares."""

from dataclasses import dataclass, replace
from typing import Any

from pipeline.resources import connector, query, script, subject, topic
from pipeline.resources.connector import Connector
from pipeline.resources.query import Query
from pipeline.resources.script import Script
from pipeline.resources.subject import Subject
from pipeline.resources.table import Table
from pipeline.resources.topic import Topic


@dataclass(frozen=True)
class Desired:
    """Everything that must run. `owner` marks it as ours on the services."""

    owner: str
    topics: tuple[Topic, ...]
    subjects: tuple[Subject, ...]
    tables: tuple[Table, ...]
    script: Script
    connectors: tuple[Connector, ...]
    queries: tuple[Query, ...] = ()

    def of(self, kind: str) -> tuple[Any, ...]:
        """The declared resources of one kind."""
        return {
            topic.KIND: self.topics,
            subject.KIND: self.subjects,
            # The script needs the tables.
            script.KIND: (*self.tables, self._script_beside_tables()),
            query.KIND: self.queries,
            connector.SINK: tuple(c for c in self.connectors if c.is_sink),
            connector.SOURCE: tuple(c for c in self.connectors if not c.is_sink),
        }[kind]

    def without_operated(self) -> "Desired":
        """Without what Strimzi's operators make, on a target that has them."""
        return replace(self, topics=(), connectors=())

    def _script_beside_tables(self) -> Script:
        columns = {t.name: frozenset(column.name for column in t.columns) for t in self.tables}
        return replace(self.script, tables=columns)
