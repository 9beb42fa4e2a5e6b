"""What follows from a query of ksql/: the schema and the configuration of its topic.

Source: ksqlDB's own, as it registers and creates them (AvroSchemas and TopicCreateInjector of
github.com/confluentinc/ksql); it takes a topic that is there only if it is the same.
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
    """The schema of the topic's values: every column but the key's, each can be null."""
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
    """The topic's configuration; `source` is that of the first topic that the query reads.

    A table keeps the newest record of each key. A stream and a windowed table keep theirs as long
    as what they are made of, or as WITH (RETENTION_MS = …) says.
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
