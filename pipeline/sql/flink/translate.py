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
from pipeline.sql.flink import sink
from pipeline.sql.flink.joins import names_in
from pipeline.sql.flink.select import derive
from pipeline.sql.flink.source import declare
from pipeline.sql.flink.tables import Relation, Services, avro_type, sources
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
class Translation:
    """All statements of ksql/."""

    relations: tuple[Relation, ...]
    jobs: tuple[Job, ...]


def translate(
    statements: tuple[Statement, ...],
    schemas: Mapping[str, Schema],
    services: Services,
    *,
    bounded: bool = False,
) -> Translation:
    """The whole of it; if `bounded`, a job ends with what its topics hold now.

    Raises:
        SpecError: a statement does not fit its topic's schema, or would not mean the same on Flink.
    """
    relations: dict[str, Relation] = {}
    views: dict[str, str] = {}
    jobs: list[Job] = []
    for statement in statements:
        _check_settings(statement)
        schema = _schema(statement, schemas)
        fields = {field["name"]: avro_type(field["type"]) for field in schema["fields"]}
        if statement.query is None:
            relations[statement.name] = declare(statement, fields)
            continue
        relation, views[statement.name] = derive(statement, statement.query, relations)
        sink.check_contract(statement, relation, fields)
        needed = upstream(statements, [statement.name])
        declared = [relations[s.name] for s in needed if s.query is None]
        own = replace(services, group=f"{services.group}-{statement.name.lower()}")
        names = frozenset(name for s in needed if s.query for name in names_in(s.query))
        made = [
            *(p for d in declared for p in sources(d, names, own, BOUNDED if bounded else {})),
            *(views[s.name] for s in needed if s.query),
            sink.sink(statement, relation, services, schema),
        ]
        reads = {f"{d.name}__topic": d.topic for d in declared}
        jobs.append(Job(statement, reads, tuple(made), sink.insert(relation)))
        relations[statement.name] = relation
    return Translation(tuple(relations.values()), tuple(jobs))


def catalog(translation: Translation, services: Services) -> Iterator[str]:
    """Every stream and table, as it is now, for questions."""
    for relation in translation.relations:
        if not relation.windowed:
            yield from sources(relation, relation.columns, services, BOUNDED)


def _schema(statement: Statement, schemas: Mapping[str, Schema]) -> Schema:
    found = schemas.get(statement.topic)
    if found is None:
        message = unknown("schema", statement.topic, schemas)
        statement.refuse(None, f"{message} (each topic has schemas/<topic>.avsc)")
    return found


def _check_settings(statement: Statement) -> None:
    for key, value in statement.settings.items():
        if SETTINGS.get(key) != value:
            statement.refuse(None, f"SET '{key}' = '{value}' has no meaning on Flink")
    for key in statement.properties:
        if key not in PROPERTIES:
            statement.refuse_property(key, f"WITH: {unknown('property', key, PROPERTIES)}")
