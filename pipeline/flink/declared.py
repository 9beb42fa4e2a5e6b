"""CREATE STREAM and CREATE TABLE on a topic."""

from collections.abc import Mapping

from pipeline.flink.expressions import millis
from pipeline.flink.relations import (
    Relation,
    Services,
    avro_options,
    flink_type,
    kafka_options,
    quoted,
    view,
    with_options,
)
from pipeline.ksql import Column, Statement
from pipeline.suggest import unknown


def declare(
    statement: Statement, fields: Mapping[str, str], services: Services
) -> tuple[Relation, list[str]]:
    """The topic as a table under its fields' own names, and the view that people see.

    Flink yields nulls, and says nothing, for a column in another case than its Avro field.

    Raises:
        SpecError: the columns are not those of the topic's schema.
    """
    if statement.properties.get("VALUE_FORMAT") != "AVRO":
        statement.refuse(None, "VALUE_FORMAT = 'AVRO' is the only one that runs on both targets")
    keys = tuple(column for column in statement.columns if column.is_key)
    if len(keys) != 1 or keys[0].type != "STRING":
        statement.refuse(None, "exactly one column is the KEY, a VARCHAR: keys are plain strings")
    key = keys[0].name
    values = {c.name: _field(statement, c, fields) for c in statement.columns if not c.is_key}
    types = {column.name: column.type for column in statement.columns}
    is_table = statement.kind == "TABLE"
    items = [f"`__key` AS {quoted(key)}"]
    items += [f"{quoted(field)} AS {quoted(name)}" for name, field in values.items()]
    if not is_table:
        items.append(f"{_rowtime(statement, values, types)} AS `ROWTIME`")
    columns = {field: fields[field] for field in values.values()}

    def pair(name: str, *, updating: bool) -> list[str]:
        topic = f"{name}__topic"
        table = _topic(statement, topic, columns, services, updating=updating)
        return [table, view(name, f"SELECT {', '.join(items)} FROM {quoted(topic)}")]

    made = pair(statement.name, updating=is_table)
    if is_table:
        # Each record of the topic, for the streams that are joined with the table.
        made += pair(f"{statement.name}__changes", updating=False)
    return Relation(statement.name, types, (key,), is_table, is_declared=True), made


def _field(statement: Statement, column: Column, fields: Mapping[str, str]) -> str:
    file = f"schemas/{statement.topic}.avsc"
    field = {name.upper(): name for name in fields}.get(column.name.upper())
    if field is None:
        message = unknown("field", column.name.lower(), fields)
        statement.source.refuse(column.start, f"{message} in {file}")
    if fields[field] != column.type:
        statement.source.refuse(column.start, f"{file} says {fields[field]}")
    return field


def _rowtime(statement: Statement, values: Mapping[str, str], types: Mapping[str, str]) -> str:
    column = statement.properties.get("TIMESTAMP", "").upper()
    if not column:
        return millis("CAST(`__timestamp` AS TIMESTAMP(3))")
    if types.get(column) != "TIMESTAMP":
        statement.refuse(None, f"TIMESTAMP: {column} is no column of type TIMESTAMP")
    return millis(quoted(values[column]))


def _topic(
    statement: Statement,
    name: str,
    fields: Mapping[str, str],
    services: Services,
    *,
    updating: bool,
) -> str:
    columns = ["`__key` STRING"]
    columns += [f"{quoted(field)} {flink_type(type_)}" for field, type_ in fields.items()]
    columns.append("`__timestamp` TIMESTAMP_LTZ(3) METADATA FROM 'timestamp' VIRTUAL")
    options = kafka_options("upsert-kafka" if updating else "kafka", statement.topic, services)
    if updating:
        columns.append("PRIMARY KEY (`__key`) NOT ENFORCED")
    else:
        options |= {"scan.startup.mode": "earliest-offset", "key.fields": "__key"}
    options |= {"properties.group.id": services.group, "key.format": "raw"}
    options |= avro_options("value", services)
    body = ",\n  ".join(columns)
    return f"CREATE TABLE {quoted(name)} (\n  {body}\n) {with_options(options)}"
