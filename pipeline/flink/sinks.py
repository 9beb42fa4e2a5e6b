"""The topic that a query writes."""

from collections.abc import Mapping

from pipeline.flink.relations import (
    Relation,
    Services,
    avro_options,
    flink_type,
    kafka_options,
    quoted,
    with_options,
)
from pipeline.ksql import Statement
from pipeline.schemas import Schema, compact


def check_contract(statement: Statement, relation: Relation, fields: Mapping[str, str]) -> None:
    """Compares the query's columns with the fields of its topic's schema.

    Raises:
        SpecError: they differ in name, order or type.
    """
    values = {n: t for n, t in relation.columns.items() if n not in relation.keys}
    if list(values.items()) != list(fields.items()):
        yields = ", ".join(f"{name} {type_}" for name, type_ in values.items())
        says = ", ".join(f"{name} {type_}" for name, type_ in fields.items())
        statement.refuse(
            None, f"yields ({yields}), but schemas/{statement.topic}.avsc says ({says})"
        )


def sink(statement: Statement, relation: Relation, services: Services, schema: Schema) -> str:
    """The topic as a table to write to, its key apart from its value."""
    columns = [f"{quoted(f'__key_{n}')} {flink_type(relation.columns[n])}" for n in relation.keys]
    keys = [f"__key_{name}" for name in relation.keys]
    if relation.windowed:
        columns.append("`__key_window` BIGINT")
        keys.append("__key_window")
    columns += [
        f"{quoted(name)} {flink_type(type_)}"
        for name, type_ in relation.columns.items()
        if name not in relation.keys
    ]
    plain = len(keys) == 1 and relation.columns[relation.keys[0]] == "STRING"
    options = kafka_options(
        "upsert-kafka" if relation.is_table else "kafka", statement.topic, services
    )
    options |= {"key.format": "raw" if plain else "csv"} | avro_options("value", services)
    options["value.avro-confluent.schema"] = compact(schema).replace("'", "''")
    options["value.avro-confluent.subject"] = f"{statement.topic}-value"
    if relation.is_table:
        columns.append(f"PRIMARY KEY ({', '.join(map(quoted, keys))}) NOT ENFORCED")
        # Without the buffer, each update is written as a tombstone and a record.
        options |= {"sink.buffer-flush.max-rows": "2000", "sink.buffer-flush.interval": "200ms"}
    elif not plain:
        statement.refuse(None, "a stream has one key, a VARCHAR: keys are plain strings")
    else:
        options["key.fields"] = keys[0]
    body = ",\n  ".join(columns)
    return f"CREATE TABLE {quoted(relation.name + '__sink')} (\n  {body}\n) {with_options(options)}"


def insert(relation: Relation) -> str:
    """The statement that fills the sink from the view."""
    items = [quoted(name) for name in relation.keys]
    items += ["`__window`"] if relation.windowed else []
    items += [quoted(name) for name in relation.columns if name not in relation.keys]
    target, source = quoted(f"{relation.name}__sink"), quoted(relation.name)
    return f"INSERT INTO {target} SELECT {', '.join(items)} FROM {source}"
