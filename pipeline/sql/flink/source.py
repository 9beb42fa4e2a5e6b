"""Translates CREATE STREAM and CREATE TABLE on an existing topic."""

from collections.abc import Mapping

from pipeline.sql.flink.tables import Relation
from pipeline.sql.statements import Column, Statement
from pipeline.suggest import unknown


def declare(statement: Statement, fields: Mapping[str, str]) -> Relation:
    """The declared stream or table. `fields` has the ksqlDB type of each field of the schema.

    Raises:
        SpecError: a column does not match the topic's schema, or the key is not one VARCHAR.
    """
    if statement.properties.get("VALUE_FORMAT") != "AVRO":
        statement.refuse(None, "write VALUE_FORMAT = 'AVRO': no other runs on both targets")
    keys = tuple(column for column in statement.columns if column.is_key)
    if len(keys) != 1 or keys[0].type != "STRING":
        statement.refuse(None, "exactly one column must be the KEY, and it must be a VARCHAR")
    types = {column.name: column.type for column in statement.columns}
    return Relation(
        statement.name,
        statement.topic,
        types,
        (keys[0].name,),
        {c.name: _field(statement, c, fields) for c in statement.columns if not c.is_key},
        statement.kind == "TABLE",
        rowtime_column(statement, types),
    )


def rowtime_column(statement: Statement, types: Mapping[str, str]) -> str:
    """The column named by WITH (TIMESTAMP = …), in upper case; "" without one.

    Raises:
        SpecError: it is not a column of type TIMESTAMP.
    """
    column = statement.properties.get("TIMESTAMP", "").upper()
    if column and types.get(column) != "TIMESTAMP":
        statement.refuse(None, f"TIMESTAMP: {column} is not a column of type TIMESTAMP")
    return column


def _field(statement: Statement, column: Column, fields: Mapping[str, str]) -> str:
    file = f"schemas/{statement.topic}.avsc"
    field = {name.upper(): name for name in fields}.get(column.name.upper())
    if field is None:
        message = unknown("field", column.name.lower(), fields)
        statement.source.refuse(column.start, f"{message} in {file}")
    if fields[field] != column.type:
        statement.source.refuse(column.start, f"the type in {file} is {fields[field]}")
    return field
