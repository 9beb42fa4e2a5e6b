"""ksqlDB statements as one Flink script that means the same. Pure.

What keeps ksqlDB's meaning, where Flink's obvious form would not:

- A window is an ordinary column that rows are grouped by, so that each record updates its result at
  once and a late record counts. Flink's own windows speak when the watermark passes, and drop.
- A stream joined with a table takes the table's row of that moment: both are one sequence in order
  of arrival, and an OVER aggregate carries the last row along.
- A group of a table never goes: the table's changes are counted as +1 and -1. Flink's own aggregate
  deletes a group that became empty.
"""

from collections.abc import Mapping

from pipeline.flink import sinks
from pipeline.flink.declared import declare
from pipeline.flink.derived import derive
from pipeline.flink.relations import Relation, Script, Services, avro_type
from pipeline.ksql import Statement
from pipeline.schemas import Schema
from pipeline.suggest import unknown

SETTINGS = {"auto.offset.reset": "earliest"}
PROPERTIES = {
    "KAFKA_TOPIC", "KEY_FORMAT", "VALUE_FORMAT", "FORMAT", "TIMESTAMP",
    "PARTITIONS", "RETENTION_MS",
}  # fmt: skip


def script(
    statements: tuple[Statement, ...], schemas: Mapping[str, Schema], services: Services
) -> Script:
    """The whole of it.

    Raises:
        SpecError: a statement does not fit its topic's schema, or would not mean the same on Flink.
    """
    relations: dict[str, Relation] = {}
    catalog: list[str] = []
    outputs: list[str] = []
    inserts: list[str] = []
    for statement in statements:
        _check_settings(statement)
        schema = _schema(statement, schemas)
        fields = {field["name"]: avro_type(field["type"]) for field in schema["fields"]}
        if statement.query is None:
            relation, made = declare(statement, fields, services)
            catalog += made
        else:
            relation, view = derive(statement, statement.query, relations)
            sinks.check_contract(statement, relation, fields)
            catalog.append(view)
            outputs.append(sinks.sink(statement, relation, services, schema))
            inserts.append(sinks.insert(relation))
        relations[statement.name] = relation
    return Script(tuple(catalog), tuple(outputs), tuple(inserts))


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
            statement.refuse(None, f"WITH: {unknown('property', key, PROPERTIES)}")
