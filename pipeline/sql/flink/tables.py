"""Streams and tables, and the Flink tables and views that read their topics."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pipeline.schemas import Schema

FLINK_TYPES = {"INTEGER": "INT", "TIMESTAMP": "TIMESTAMP(3)"}
AVRO_TYPES = {
    "string": "STRING",
    "int": "INTEGER",
    "long": "BIGINT",
    "double": "DOUBLE",
    "boolean": "BOOLEAN",
    "timestamp-millis": "TIMESTAMP",
    "date": "DATE",
}
# Formats of stack/flink. They skip and count a record that they cannot read, as ksqlDB does.
VALUE_FORMAT = "avro-confluent-or-skip"
KEY_FORMAT = "text-or-skip"
# The column that is true for a stream's record whose value is null. ksqlDB forwards such a record,
# and no aggregate counts it.
ABSENT = "__absent"


@dataclass(frozen=True)
class Addresses:
    """How Flink reaches Kafka and the registry, and the prefix of its consumer groups.

    `kafka` has the properties of Kafka's Java clients, `registry` the options of avro-confluent.
    """

    kafka: Mapping[str, str]
    registry: Mapping[str, str]
    group: str


@dataclass(frozen=True)
class Relation:
    """A stream or table on its topic, declared or created by a query.

    `columns` has the ksqlDB type of each column. `fields` has the Avro field of each value column,
    in order. `rowtime` is the column with a stream's event time; if it is "", the Kafka record's
    timestamp is the event time.
    """

    name: str
    topic: str
    columns: Mapping[str, str]
    keys: tuple[str, ...]
    fields: Mapping[str, str]
    is_table: bool
    rowtime: str = ""
    windowed: bool = False

    @property
    def plain_key(self) -> bool:
        """Whether the record's key is one plain string. Otherwise it is CSV."""
        return not self.windowed and [self.columns[key] for key in self.keys] == ["STRING"]


def sources(
    relation: Relation, wanted: Iterable[str], addresses: Addresses, options: Mapping[str, str]
) -> list[str]:
    """The CREATE TABLE for the topic, and the CREATE VIEW over it that the queries read.

    They have only the `wanted` columns, so that a new column of the topic changes no job. The table
    uses the Avro fields' own names: for a name in another case, Flink yields nulls, and no error.
    """
    names = set(wanted)
    values = {c: f for c, f in relation.fields.items() if c in names or c == relation.rowtime}
    items = [f"{quoted(f'__key_{key}')} AS {quoted(key)}" for key in relation.keys]
    items += [f"{quoted(field)} AS {quoted(column)}" for column, field in values.items()]
    query = ""
    if not relation.is_table:
        rowtime = _rowtime(relation)
        items += [f"{rowtime} AS `ROWTIME`", quoted(ABSENT)]
        # Kafka Streams skips a record whose event time is null or before 1970.
        query = f" WHERE {rowtime} >= 0 OR {quoted(ABSENT)}" if relation.rowtime else ""
    query = f"SELECT {', '.join(items)} FROM {quoted(f'{relation.name}__topic')}{query}"
    return [_topic(relation, values, addresses, options), view(relation.name, query)]


def _rowtime(relation: Relation) -> str:
    if relation.rowtime:
        return millis(quoted(relation.fields[relation.rowtime]))
    return millis("CAST(`__timestamp` AS TIMESTAMP(3))")


def _topic(
    relation: Relation, values: Mapping[str, str], addresses: Addresses, extra: Mapping[str, str]
) -> str:
    keys = [f"__key_{key}" for key in relation.keys]
    columns = [f"{quoted(f'__key_{k}')} {flink_type(relation.columns[k])}" for k in relation.keys]
    columns += [f"{quoted(f)} {flink_type(relation.columns[c])}" for c, f in values.items()]
    options = kafka_options(relation, addresses)
    options |= {"properties.group.id": addresses.group, **extra}
    if relation.is_table:
        columns.append(f"PRIMARY KEY ({', '.join(map(quoted, keys))}) NOT ENFORCED")
        options["key.format"] = KEY_FORMAT if relation.plain_key else "csv"
    else:
        columns.append("`__timestamp` TIMESTAMP_LTZ(3) METADATA FROM 'timestamp' VIRTUAL")
        columns.append(f"{quoted(ABSENT)} BOOLEAN")
        options |= {"scan.startup.mode": "earliest-offset", "key.fields": ";".join(keys)}
        options["key.format"] = "raw"
    return table(f"{relation.name}__topic", columns, options)


def table(name: str, columns: Iterable[str], options: Mapping[str, str]) -> str:
    """A CREATE TABLE statement."""
    body = ",\n  ".join(columns)
    listed = ", ".join(f"{text(key)} = {text(value)}" for key, value in options.items())
    return f"CREATE TABLE {quoted(name)} (\n  {body}\n) WITH ({listed})"


def kafka_options(relation: Relation, addresses: Addresses) -> dict[str, str]:
    """The connector options that every table on a topic has."""
    return {
        "connector": "upsert-kafka" if relation.is_table else "kafka",
        "topic": relation.topic,
        **{f"properties.{key}": value for key, value in addresses.kafka.items()},
        "value.fields-include": "EXCEPT_KEY",
        "value.format": VALUE_FORMAT,
        **{f"value.{VALUE_FORMAT}.{key}": value for key, value in addresses.registry.items()},
    }


def field_types(schema: Schema) -> dict[str, str]:
    """The ksqlDB type of each field of a schema."""
    return {field["name"]: avro_type(field["type"]) for field in schema["fields"]}


def avro_type(kind: object) -> str:
    """The ksqlDB type of an Avro type. A union with null has the type of its other branch."""
    if isinstance(kind, list):
        return avro_type(next(option for option in kind if option != "null"))
    if isinstance(kind, dict):
        logical = kind.get("logicalType", kind["type"])
        if logical == "decimal":
            return f"DECIMAL({kind['precision']}, {kind.get('scale', 0)})"
        return avro_type(logical)
    return AVRO_TYPES.get(str(kind), str(kind))


def text(value: str) -> str:
    """The value as a literal."""
    return "'{}'".format(value.replace("'", "''"))


def quoted(name: str) -> str:
    """The name as a quoted identifier."""
    return f"`{name}`"


def flink_type(type_: str) -> str:
    """The Flink type for a ksqlDB type."""
    return FLINK_TYPES.get(type_, type_)


def millis(timestamp: str) -> str:
    """SQL that turns a Flink TIMESTAMP into milliseconds since the epoch."""
    return f"(EXTRACT(EPOCH FROM {timestamp}) * 1000 + EXTRACT(MILLISECOND FROM {timestamp}))"


def view(name: str, query: str) -> str:
    """A CREATE VIEW statement."""
    return f"CREATE VIEW {quoted(name)} AS\n{query}"
