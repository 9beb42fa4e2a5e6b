"""CREATE STREAM and CREATE TABLE on a topic."""

from collections.abc import Mapping

from pipeline.sql.flink.tables import Relation
from pipeline.sql.statements import Column, Statement
from pipeline.suggest import unknown


def declare(statement: Statement, fields: Mapping[str, str]) -> Relation:
    """The stream or table; `fields` has the types of its topic's schema by field.

    Raises:
        SpecError: the columns are not those of the topic's schema.
    """
    if statement.properties.get("VALUE_FORMAT") != "AVRO":
        statement.refuse(None, "VALUE_FORMAT = 'AVRO' is the only one that runs on both targets")
    keys = tuple(column for column in statement.columns if column.is_key)
    if len(keys) != 1 or keys[0].type != "STRING":
        statement.refuse(None, "exactly one column is the KEY, a VARCHAR: keys are plain strings")
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
    """The column that WITH (TIMESTAMP=) names, in upper case; "" without."""
    column = statement.properties.get("TIMESTAMP", "").upper()
    if column and types.get(column) != "TIMESTAMP":
        statement.refuse(None, f"TIMESTAMP: {column} is no column of type TIMESTAMP")
    return column


def _field(statement: Statement, column: Column, fields: Mapping[str, str]) -> str:
    file = f"schemas/{statement.topic}.avsc"
    field = {name.upper(): name for name in fields}.get(column.name.upper())
    if field is None:
        message = unknown("field", column.name.lower(), fields)
        statement.source.refuse(column.start, f"{message} in {file}")
    if fields[field] != column.type:
        statement.source.refuse(column.start, f"{file} says {fields[field]}")
    return field
