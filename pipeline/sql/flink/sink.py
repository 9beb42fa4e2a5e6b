"""The Flink table and INSERT that write a query's result to its topic."""

from collections.abc import Mapping

from pipeline.schemas import Schema, contract, subject_of, text
from pipeline.sql.flink.tables import (
    ABSENT,
    VALUE_FORMAT,
    Addresses,
    Relation,
    flink_type,
    kafka_options,
    quoted,
    table,
)
from pipeline.sql.statements import Statement

# Batches: a few milliseconds more latency, a tenth of the requests.
PRODUCER = {
    "properties.linger.ms": "5",
    "properties.batch.size": "131072",
    "properties.compression.type": "lz4",
}


def check_contract(statement: Statement, relation: Relation, fields: Mapping[str, str]) -> None:
    """Compares the query's columns with the fields of its topic's schema (ksqlDB type by name).

    Raises:
        SpecError: they differ in name, order or type.
    """
    values = {name: relation.columns[name] for name in relation.fields}
    if list(values.items()) != list(fields.items()):
        yields = ", ".join(f"{name} {type_}" for name, type_ in values.items())
        says = ", ".join(f"{name} {type_}" for name, type_ in fields.items())
        statement.refuse(
            None, f"the query yields ({yields}), but schemas/{statement.topic}.avsc has ({says})"
        )


def sink(statement: Statement, relation: Relation, addresses: Addresses, schema: Schema) -> str:
    """The CREATE TABLE for the topic as a sink. Key columns have the prefix __key_.

    Raises:
        SpecError: a stream's key is not one VARCHAR column.
    """
    columns = [f"{quoted(f'__key_{n}')} {flink_type(relation.columns[n])}" for n in relation.keys]
    keys = [f"__key_{name}" for name in relation.keys]
    if relation.windowed:
        columns.append("`__key_window` BIGINT")
        keys.append("__key_window")
    columns += [f"{quoted(name)} {flink_type(relation.columns[name])}" for name in relation.fields]
    options = kafka_options(relation, addresses) | PRODUCER
    options["key.format"] = "raw" if relation.plain_key else "csv"
    options[f"value.{VALUE_FORMAT}.schema"] = text(contract(schema)).replace("'", "''")
    options[f"value.{VALUE_FORMAT}.subject"] = subject_of(statement.topic)
    if relation.is_table:
        columns.append(f"PRIMARY KEY ({', '.join(map(quoted, keys))}) NOT ENFORCED")
        # Without this buffer, Flink writes each update as a tombstone and a record.
        options |= {"sink.buffer-flush.max-rows": "2000", "sink.buffer-flush.interval": "50ms"}
    elif not relation.plain_key:
        statement.refuse(None, "a stream's key must be one VARCHAR column")
    else:
        columns.append(f"{quoted(ABSENT)} BOOLEAN")
        columns.append("`__timestamp` TIMESTAMP_LTZ(3) METADATA FROM 'timestamp'")
        options["key.fields"] = keys[0]
    return table(f"{relation.name}__sink", columns, options)


def insert(relation: Relation) -> str:
    """The INSERT from the relation's view into its sink."""
    items = [quoted(name) for name in relation.keys]
    items += ["`__window`"] if relation.windowed else []
    items += [quoted(name) for name in relation.fields]
    if not relation.is_table:
        items += [quoted(ABSENT), "TO_TIMESTAMP_LTZ(`ROWTIME`, 3)"]
    target, source = quoted(f"{relation.name}__sink"), quoted(relation.name)
    return f"INSERT INTO {target} SELECT {', '.join(items)} FROM {source}"
