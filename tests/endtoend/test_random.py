"""A hundred legal specs, drawn at random: after a deployment, no plan finds a difference."""

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.support import byhand, workspace
from tests.support.tags import tagged
from tests.support.workspace import Workspace

# Each has a schema, a topic and a subject; some a source, or a sink and its table.
ENTITIES = 40
SOURCES, SINKS = 10, 10
SEED = 14
TYPES: list[tuple[Any, Any]] = [
    ("string", "x"), ("int", 1), ("long", 2), ("double", 0.5), ("float", 1.5), ("boolean", True),
    ({"type": "int", "logicalType": "date"}, 3),
    ({"type": "long", "logicalType": "timestamp-millis"}, 4),
    ({"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}, "\x00"),
    ({"type": "array", "items": "string"}, []),
    ({"type": "map", "values": "long"}, {}),
    ({"type": "enum", "name": "Ward", "symbols": ["A", "B"]}, "A"),
]  # fmt: skip
FLAT = 9
SETTINGS: dict[str, list[object]] = {
    "retention.ms": [600_000, "86400000", -1],
    "cleanup.policy": ["delete", "compact", "compact, delete", "delete,compact"],
    "segment.ms": [900_000, " 900000 "],
    "compression.type": ["lz4", "producer", "zstd"],
    "max.message.bytes": [2_000_000],
    "preallocate": [True, "false"],
    "min.cleanable.dirty.ratio": [0.25, "0.5"],
}
SINKS_SETTINGS: dict[str, list[object]] = {
    "batch.size": [100, "200"],
    "errors.log.enable": [False, "true"],
    "consumer.override.fetch.min.bytes": [1, 10],
    "errors.deadletterqueue.context.headers.enable": [True, False],
}


# Entities that statements read, and the SQL types of their fields.
READ_BY_SQL = range(SOURCES + SINKS, SOURCES + SINKS + 6)
SQL = {"string": "VARCHAR", "int": "INTEGER", "long": "BIGINT", "double": "DOUBLE",
       "boolean": "BOOLEAN"}  # fmt: skip
PLAIN = [pair for pair in TYPES if isinstance(pair[0], str) and pair[0] in SQL]
# Of a field of a SQL type: a column, and a condition.
COLUMNS = {
    "VARCHAR": ["UCASE({0})", "LEN({0})", "COALESCE({0}, 'none')", "{0}"],
    "INTEGER": ["{0} + 1", "CAST({0} AS VARCHAR)", "ABS({0})"],
    "BIGINT": ["{0} * 2", "CAST({0} AS DOUBLE)"],
    "DOUBLE": ["ROUND({0}, 1)", "{0} / 3"],
    "BOOLEAN": ["CASE WHEN {0} THEN 'yes' ELSE 'no' END", "NOT {0}"],
}
CONDITIONS = {
    "VARCHAR": ["{0} LIKE 'a%'", "{0} IS NOT NULL", "{0} IN ('a', 'b')"],
    "INTEGER": ["{0} BETWEEN 1 AND 5", "{0} <> 3"],
    "BIGINT": ["{0} > 10"],
    "DOUBLE": ["{0} >= 0.5"],
    "BOOLEAN": ["{0}", "NOT {0}"],
}
CAST_ALIKE = ("VARCHAR", "INTEGER", "BIGINT")
AGGREGATES = {
    "INTEGER": ["SUM({0})", "AVG({0})"],
    "BIGINT": ["SUM({0})"],
    "DOUBLE": ["AVG({0})"],
}


def _statements(chance: random.Random, topic: str, schema: dict[str, Any]) -> str:
    """A table over a topic, a table of expressions over that, and one that counts it."""
    types = {field["name"]: SQL[_plain(field["type"])] for field in schema["fields"][1:]}
    declared = ", ".join(f"{name} {type_}" for name, type_ in types.items())
    conditions = [c.format(name) for name, type_ in types.items() for c in CONDITIONS[type_]]
    where = f" WHERE {chance.choice(conditions)}" if chance.random() < 0.7 else ""
    shown = ", ".join(
        f"{chance.choice(COLUMNS[type_]).format(name)} AS {name}_shown"
        for name, type_ in types.items()
    )
    # A key is text, and only whole numbers are cast to it alike on both engines.
    keys = [("id", "VARCHAR"), *(item for item in types.items() if item[1] in CAST_ALIKE)]
    grouped, type_ = chance.choice(keys)
    key = grouped if type_ == "VARCHAR" else f"CAST({grouped} AS VARCHAR)"
    counted = [
        f"{chance.choice(AGGREGATES[type_]).format(name)} AS {name}_all"
        for name, type_ in types.items()
        if type_ in AGGREGATES
    ]
    avro = "VALUE_FORMAT = 'AVRO'"
    return f"""
CREATE TABLE {topic}_rows (id VARCHAR PRIMARY KEY, {declared})
  WITH (KAFKA_TOPIC = '{topic}', KEY_FORMAT = 'KAFKA', {avro});

CREATE TABLE {topic}_shown WITH (KAFKA_TOPIC = '{topic}_shown', {avro}) AS
  SELECT id, {shown} FROM {topic}_rows{where} EMIT CHANGES;

CREATE TABLE {topic}_counted WITH (KAFKA_TOPIC = '{topic}_counted', {avro}) AS
  SELECT {", ".join([f"{key} AS {grouped}_key", "COUNT(*) AS rows_all", *counted])}
  FROM {topic}_rows{where} GROUP BY {key} EMIT CHANGES;
"""


def _plain(type_: Any) -> str:
    return str(type_[1] if isinstance(type_, list) else type_)


def _some(chance: random.Random, settings: dict[str, list[object]]) -> dict[str, object]:
    keys = chance.sample(sorted(settings), chance.randrange(3))
    return {key: chance.choice(settings[key]) for key in keys}


def _field(chance: random.Random, number: int, types: list[tuple[Any, Any]]) -> dict[str, Any]:
    type_, default = chance.choice(types)
    field: dict[str, Any] = {"name": f"field_{number}", "type": type_}
    style = chance.randrange(4)
    if style == 0:
        field |= {"type": ["null", type_], "default": None}
    elif style == 1:
        field["default"] = default
    if chance.random() < 0.4:
        field["doc"] = chance.choice(["In mg/dL.", "It's “quoted” — 👩‍⚕️", 'A "b" \\ c'])
    if chance.random() < 0.2:
        field["aliases"] = [f"old_{number}"]
    items = list(field.items())
    chance.shuffle(items)
    return dict(items)


def _schema(chance: random.Random, name: str, types: list[tuple[Any, Any]]) -> dict[str, Any]:
    # A named type can be defined once in a schema.
    enum = [pair for pair in types if isinstance(pair[0], dict) and pair[0]["type"] == "enum"]
    fields = [{"name": "id", "type": "string"}]
    for number in range(chance.randrange(1, 8)):
        once = types if number == 0 else [pair for pair in types if pair not in enum]
        fields.append(_field(chance, number, once))
    schema: dict[str, Any] = {"type": "record", "name": name.title().replace("_", "")}
    if chance.random() < 0.7:
        schema["namespace"] = "test.random"
    if chance.random() < 0.5:
        schema["doc"] = "Made at random."
    return {**schema, "fields": fields}


@pytest.fixture
def space(tmp_path: Path, target_file: Path) -> Iterator[Workspace]:
    """A repository of random specs, not deployed yet."""
    name = f"random{uuid4().hex[:4]}"
    made = workspace.small(tmp_path, target_file, name)
    chance = random.Random(SEED)  # noqa: S311 - any specs, the same every time
    topics: dict[str, dict[str, Any]] = {name: {}}
    sql: list[str] = []
    for number in range(ENTITIES):
        topic = f"{name}_{number}"
        topics[topic] = {"written_by": "the test", "read_by": "the test"}
        topics[topic]["config"] = _some(chance, SETTINGS)
        if chance.random() < 0.5:
            topics[topic]["partitions"] = chance.randrange(1, 4)
        if chance.random() < 0.5:
            level = chance.choice(["NONE", "FULL", "FORWARD", "BACKWARD_TRANSITIVE"])
            topics[topic]["compatibility"] = level
        is_read = number < SINKS
        # Datagen's converter takes no enum, and a table no nested type.
        kinds = TYPES[:FLAT] if number < SINKS + SOURCES else TYPES
        schema = _schema(chance, topic, PLAIN if number in READ_BY_SQL else kinds)
        made.write(
            f"schemas/{topic}.avsc", json.dumps(tagged(schema), ensure_ascii=False, indent=1)
        )
        if is_read:
            sink = {"name": f"{topic}-sink".replace("_", "-"), "template": "jdbc-sink"}
            of_table = {"topics": [topic], "table": topic, "key": ["id"]}
            config = {"config": {**_some(chance, SINKS_SETTINGS), "tasks.max": 1}}
            made.write(f"connectors/sinks/{topic}.yaml", {**sink, **of_table, **config})
        elif number < SINKS + SOURCES:
            source = {"name": f"{topic}-source".replace("_", "-"), "template": "datagen"}
            drawn = {"iterations": chance.randrange(1, 9), "seed": chance.randrange(1000)}
            made.write(
                f"connectors/sources/{topic}.yaml", {**source, "topic": topic, "key": "id", **drawn}
            )
        if number in READ_BY_SQL:
            sql.append(_statements(chance, topic, schema))
    made.write("ksql/random.sql", "SET 'auto.offset.reset' = 'earliest';\n" + "".join(sql))
    made.write("topics.yaml", {"defaults": byhand.DEFAULTS, "topics": topics})
    yield made
    workspace.destroy(made)


def test_no_difference_is_left_after_a_deployment(space: Workspace) -> None:
    declared = len(space.plan()["changes"])
    # Topics and their queues, subjects, tables, connectors.
    assert declared >= 100
    space.ok("deploy")
    assert space.plan()["changes"] == []
