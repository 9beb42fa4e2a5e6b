"""Translates ksqlDB statements to Flink jobs with the same meaning. Pure functions.

Each CREATE … AS SELECT is one job, so that a change of one trend does not touch the offsets and
state of the others. A job reads only declared topics: it includes the statements that it builds on
as views. Reading them from their topics would add the latency of a write and a read.

Where Flink's standard form would change ksqlDB's meaning, the translation uses another:

- A window is an ordinary GROUP BY column, so that each record updates the result at once and late
  records count. Flink's own windows emit when the watermark passes, and drop late records.
- A join of a stream with a table uses the table's current row: records of both are merged in order
  of arrival, and an OVER aggregate keeps the table's last row.
- A table's group is never deleted: the table's changes are counted as +1 and -1. Flink's own
  aggregate deletes a group that has become empty.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from pipeline.schemas import Schema
from pipeline.sql.derived import value_schema
from pipeline.sql.flink import sink
from pipeline.sql.flink.joins import names_in
from pipeline.sql.flink.select import derive
from pipeline.sql.flink.source import declare
from pipeline.sql.flink.tables import Addresses, Relation, field_types, sources
from pipeline.sql.statements import Statement, upstream
from pipeline.suggest import unknown

SETTINGS = {"auto.offset.reset": "earliest"}
PROPERTIES = {
    "KAFKA_TOPIC", "KEY_FORMAT", "VALUE_FORMAT", "TIMESTAMP", "PARTITIONS", "RETENTION_MS",
}  # fmt: skip
# Reads up to the topic's current end. Without it, a SELECT in Flink's client never ends.
BOUNDED = {"scan.bounded.mode": "latest-offset"}


@dataclass(frozen=True)
class Job:
    """A statement as a Flink job: the CREATE statements it needs, and the INSERT that runs.

    `reads` has the topic of each of its source tables.
    """

    statement: Statement
    reads: Mapping[str, str]
    catalog: tuple[str, ...]
    insert: str

    @property
    def text(self) -> str:
        """All statements of the job, for display."""
        return "".join(f"{part};\n\n" for part in (*self.catalog, self.insert))


@dataclass(frozen=True)
class Analysis:
    """All statements of ksql/, with their relations, views and schemas.

    `relations` and `views` are by statement name. `schemas` has the value schema of each topic that
    the statements read or write; the schema of AS SELECT is the one that ksqlDB registers.
    """

    statements: tuple[Statement, ...]
    relations: Mapping[str, Relation]
    views: Mapping[str, str]
    schemas: Mapping[str, Schema]


def analyse(statements: tuple[Statement, ...], schemas: Mapping[str, Schema]) -> Analysis:
    """Translates all statements. `schemas` are those of the files in schemas/, by topic.

    Raises:
        SpecError: a statement does not fit its topic's schema, or does not mean the same on Flink.
    """
    relations: dict[str, Relation] = {}
    views: dict[str, str] = {}
    known = dict(schemas)
    for statement in statements:
        _check_settings(statement)
        if statement.query is None:
            fields = field_types(_schema(statement, known))
            relations[statement.name] = declare(statement, fields)
            continue
        relation, views[statement.name] = derive(statement, statement.query, relations)
        if statement.topic in known:
            sink.check_contract(statement, relation, field_types(known[statement.topic]))
        else:
            known[statement.topic] = value_schema(relation)
        relations[statement.name] = relation
    used = {statement.topic: known[statement.topic] for statement in statements}
    return Analysis(statements, relations, views, used)


def jobs(analysis: Analysis, addresses: Addresses, *, bounded: bool = False) -> tuple[Job, ...]:
    """One job per query. A `bounded` job stops at the current end of its topics.

    Raises:
        SpecError: a stream's key is not one VARCHAR column.
    """
    queries = (statement for statement in analysis.statements if statement.query)
    return tuple(_job(statement, analysis, addresses, bounded) for statement in queries)


def _job(
    statement: Statement,
    analysis: Analysis,
    addresses: Addresses,
    bounded: bool,  # noqa: FBT001 - passed on
) -> Job:
    needed = upstream(analysis.statements, [statement.name])
    declared = [analysis.relations[s.name] for s in needed if s.query is None]
    own = replace(addresses, group=f"{addresses.group}-{statement.name.lower()}")
    names = frozenset(name for s in needed if s.query for name in names_in(s.query))
    relation = analysis.relations[statement.name]
    catalog = [
        *(p for d in declared for p in sources(d, names, own, BOUNDED if bounded else {})),
        *(analysis.views[s.name] for s in needed if s.query),
        sink.sink(statement, relation, addresses, analysis.schemas[statement.topic]),
    ]
    reads = {f"{d.name}__topic": d.topic for d in declared}
    return Job(statement, reads, tuple(catalog), sink.insert(relation))


def catalog(analysis: Analysis, addresses: Addresses) -> Iterator[str]:
    """CREATEs for Flink's client: every stream and table, up to the topics' current end."""
    for relation in analysis.relations.values():
        if not relation.windowed:
            yield from sources(relation, relation.columns, addresses, BOUNDED)


def _schema(statement: Statement, schemas: Mapping[str, Schema]) -> Schema:
    schema = schemas.get(statement.topic)
    if schema is None:
        message = unknown("schema", statement.topic, schemas)
        statement.refuse(
            None, f"{message} (a topic that no statement writes needs schemas/<topic>.avsc)"
        )
    return schema


def _check_settings(statement: Statement) -> None:
    for key, value in statement.settings.items():
        if SETTINGS.get(key) != value:
            statement.refuse(None, f"SET '{key}' = '{value}' does not run on Flink: remove it")
    for key in statement.properties:
        if key not in PROPERTIES:
            statement.refuse_property(key, f"WITH: {unknown('property', key, PROPERTIES)}")
