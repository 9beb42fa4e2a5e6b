"""The repository's files after loading and checking."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from pipeline import privacy
from pipeline.repository.rules import Rules
from pipeline.repository.source import Source
from pipeline.repository.specs import TopicsFile
from pipeline.schemas import Schema, field_names
from pipeline.sql.flink.translate import Analysis
from pipeline.sql.statements import Statement

# Of the topic of rejects: the coordinates of the raw record.
REJECT_KEY = "reject_id"
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

    def key_of(self, topic: str) -> str:
        """The field that a topic's records have as their key; "" if no source or rule says so."""
        if self.rules:
            for raw, own in self.rules.topics.items():
                if topic in {raw, own.clean}:
                    return own.key
            if topic == self.rules.rejects:
                return REJECT_KEY
        writers = (source for source in self.connectors if topic in source.writes)
        return str(next((f for one in writers for f in one.given("field").values()), ""))

    @cached_property
    def kinds(self) -> Mapping[str, str]:
        """What a column tells of a person, by its name; without those that tell nothing.

        A column of ksql/ tells what the field tells whose name it has.
        """
        return {
            name: kind
            for topic, schema in self.schemas.items()
            if topic not in self.queries
            for name, kind in privacy.kinds(schema).items()
            if kind != privacy.NONE
        }

    @cached_property
    def identifying(self) -> frozenset[str]:
        """The topics with records that tell who somebody is, and their dead letter queues."""
        topics = {
            topic
            for topic, schema in self.schemas.items()
            if any(name.lower() in self.kinds for name in field_names(schema))
        }
        topic_of = {statement.name: statement.topic for statement in self.statements}
        for statement in self.queries.values():
            # Its rows are those of its sources, one by one, and so are their keys.
            is_aggregate = statement.query and statement.query.select.args.get("group")
            if not is_aggregate and topics & {topic_of.get(s, s) for s in statement.sources}:
                topics.add(statement.topic)
        queues = {
            source.queue for source in self.connectors if source.queue and topics & {*source.reads}
        }
        return frozenset(topics | queues)

    @property
    def statements(self) -> tuple[Statement, ...]:
        """The statements of ksql/, in order."""
        return self.analysis.statements

    @property
    def queries(self) -> Mapping[str, Statement]:
        """The statements that write a topic, by topic, in order."""
        return {statement.topic: statement for statement in self.statements if statement.query}
