"""The schema and the configuration of the topic that a query of ksql/ writes.

They equal what ksqlDB itself registers and creates (AvroSchemas and TopicCreateInjector of
github.com/confluentinc/ksql): ksqlDB accepts an existing topic only if it is the same.
"""

from collections.abc import Mapping
from typing import Any

from pipeline.schemas import Schema
from pipeline.sql.flink.tables import Relation
from pipeline.sql.statements import Statement

NAMESPACE = "io.confluent.ksql.avro_schemas"
NAME = "KsqlDataSourceSchema"
CONNECT = "org.apache.kafka.connect.data"
PLAIN = {
    "STRING": "string",
    "INTEGER": "int",
    "BIGINT": "long",
    "DOUBLE": "double",
    "BOOLEAN": "boolean",
}


def value_schema(relation: Relation) -> Schema:
    """The schema of the topic's values: every column except the key, all nullable."""
    fields = [
        {"name": field, "type": ["null", _avro(relation.columns[column])], "default": None}
        for column, field in relation.fields.items()
    ]
    return {
        "type": "record",
        "name": NAME,
        "namespace": NAMESPACE,
        "fields": fields,
        "connect.name": f"{NAMESPACE}.{NAME}",
    }


def topic_config(
    statement: Statement, defaults: Mapping[str, str], source: Mapping[str, str]
) -> dict[str, str]:
    """The topic's configuration. `source` is that of the first topic that the query reads.

    A table's topic is compacted. The topic of a stream or a windowed table has the retention of its
    source, or the one in WITH (RETENTION_MS = …).
    """
    query = statement.query
    is_table = statement.kind == "TABLE"
    windowed = query is not None and query.window is not None
    config = dict(defaults)
    if is_table:
        config["cleanup.policy"] = "compact,delete" if windowed else "compact"
    if not is_table or windowed:
        retention = statement.properties.get("RETENTION_MS", source.get("retention.ms"))
        config = {**config, "retention.ms": retention} if retention else config
    return config


def _avro(type_: str) -> Any:
    if type_ in PLAIN:
        return PLAIN[type_]
    if type_ == "TIMESTAMP":
        return _logical("long", "Timestamp", "timestamp-millis")
    if type_ == "DATE":
        return _logical("int", "Date", "date")
    precision, scale = type_.removeprefix("DECIMAL(").removesuffix(")").split(", ")
    parameters = {"scale": scale, "connect.decimal.precision": precision}
    return {
        "type": "bytes",
        "scale": int(scale),
        "precision": int(precision),
        "connect.version": 1,
        "connect.parameters": parameters,
        "connect.name": f"{CONNECT}.Decimal",
        "logicalType": "decimal",
    }


def _logical(plain: str, connects: str, logical: str) -> dict[str, Any]:
    return {
        "type": plain,
        "connect.version": 1,
        "connect.name": f"{CONNECT}.{connects}",
        "logicalType": logical,
    }
