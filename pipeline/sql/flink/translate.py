"""ksqlDB statements as Flink jobs that mean the same. Pure.

Each CREATE … AS SELECT is a job of its own, so that a change of one trend leaves the others'
offsets and state alone. A job reads the declared topics only: what a statement builds on is in it
as views. A topic between two statements would cost a record the time to be written and read again.

What keeps ksqlDB's meaning, where Flink's obvious form would not:

- A window is an ordinary column that rows are grouped by, so that each record updates its result at
  once and a late record counts. Flink's own windows speak when the watermark passes, and drop.
- A stream joined with a table takes the table's row of that moment: both are one sequence in order
  of arrival, and an OVER aggregate carries the last row along.
- A group of a table never goes: the table's changes are counted as +1 and -1. Flink's own aggregate
  deletes a group that became empty.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from pipeline.schemas import Schema
from pipeline.sql.derived import value_schema
from pipeline.sql.flink import sink
from pipeline.sql.flink.joins import names_in
from pipeline.sql.flink.select import derive
from pipeline.sql.flink.source import declare
from pipeline.sql.flink.tables import Relation, Services, field_types, sources
from pipeline.sql.statements import Statement, upstream
from pipeline.suggest import unknown

SETTINGS = {"auto.offset.reset": "earliest"}
PROPERTIES = {
    "KAFKA_TOPIC", "KEY_FORMAT", "VALUE_FORMAT", "TIMESTAMP", "PARTITIONS", "RETENTION_MS",
}  # fmt: skip
# Until what is in the topic now: of a topic without an end, no SELECT of Flink ends.
BOUNDED = {"scan.bounded.mode": "latest-offset"}


@dataclass(frozen=True)
class Job:
    """A statement as Flink runs it: what it reads and writes, and the INSERT that keeps it so.

    `reads` has the topic of each of its source tables.
    """

    statement: Statement
    reads: Mapping[str, str]
    catalog: tuple[str, ...]
    insert: str

    @property
    def text(self) -> str:
        """All of it, for people."""
        return "".join(f"{part};\n\n" for part in (*self.catalog, self.insert))


@dataclass(frozen=True)
class Analysis:
    """All statements of ksql/ with what follows from them.

    `relations` and `views` are by statement; `schemas` has the value schema of every topic that the
    statements read or write, those of AS SELECT as ksqlDB registers them.
    """

    statements: tuple[Statement, ...]
    relations: Mapping[str, Relation]
    views: Mapping[str, str]
    schemas: Mapping[str, Schema]


def analyse(statements: tuple[Statement, ...], schemas: Mapping[str, Schema]) -> Analysis:
    """Reads all statements against the schemas of the topics that others write.

    Raises:
        SpecError: a statement does not fit its topic's schema, or would not mean the same on Flink.
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


def jobs(analysis: Analysis, services: Services, *, bounded: bool = False) -> tuple[Job, ...]:
    """One job per query; if `bounded`, it ends with what its topics hold now.

    Raises:
        SpecError: a statement has a key that its topic cannot have.
    """
    queries = (statement for statement in analysis.statements if statement.query)
    return tuple(_job(statement, analysis, services, bounded) for statement in queries)


def _job(
    statement: Statement,
    analysis: Analysis,
    services: Services,
    bounded: bool,  # noqa: FBT001 - passed on
) -> Job:
    needed = upstream(analysis.statements, [statement.name])
    declared = [analysis.relations[s.name] for s in needed if s.query is None]
    own = replace(services, group=f"{services.group}-{statement.name.lower()}")
    names = frozenset(name for s in needed if s.query for name in names_in(s.query))
    relation = analysis.relations[statement.name]
    catalog = [
        *(p for d in declared for p in sources(d, names, own, BOUNDED if bounded else {})),
        *(analysis.views[s.name] for s in needed if s.query),
        sink.sink(statement, relation, services, analysis.schemas[statement.topic]),
    ]
    reads = {f"{d.name}__topic": d.topic for d in declared}
    return Job(statement, reads, tuple(catalog), sink.insert(relation))


def catalog(analysis: Analysis, services: Services) -> Iterator[str]:
    """Every stream and table, as it is now, for a person's queries."""
    for relation in analysis.relations.values():
        if not relation.windowed:
            yield from sources(relation, relation.columns, services, BOUNDED)


def _schema(statement: Statement, schemas: Mapping[str, Schema]) -> Schema:
    found = schemas.get(statement.topic)
    if found is None:
        message = unknown("schema", statement.topic, schemas)
        statement.refuse(
            None, f"{message} (a topic that no statement writes needs schemas/<topic>.avsc)"
        )
    return found


def _check_settings(statement: Statement) -> None:
    for key, value in statement.settings.items():
        if SETTINGS.get(key) != value:
            statement.refuse(None, f"SET '{key}' = '{value}' has no meaning on Flink")
    for key in statement.properties:
        if key not in PROPERTIES:
            statement.refuse_property(key, f"WITH: {unknown('property', key, PROPERTIES)}")
