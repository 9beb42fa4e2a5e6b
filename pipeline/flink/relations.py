"""Streams and tables as Flink has them, and how their topics are written down."""

from collections.abc import Mapping
from dataclasses import dataclass

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


@dataclass(frozen=True)
class Services:
    """Where Flink finds Kafka and the registry."""

    kafka: str
    registry: str
    group: str


@dataclass(frozen=True)
class Script:
    """What makes the streams and tables known to a session, and what keeps them filled."""

    catalog: tuple[str, ...]
    sinks: tuple[str, ...]
    inserts: tuple[str, ...]

    @property
    def statements(self) -> tuple[str, ...]:
        """Everything, in order; the last one starts the job."""
        lines = "\n".join(f"{insert};" for insert in self.inserts)
        return (*self.catalog, *self.sinks, f"EXECUTE STATEMENT SET\nBEGIN\n{lines}\nEND")


@dataclass(frozen=True)
class Relation:
    """A stream or table as a view: its columns by name, in order; a stream has ROWTIME besides."""

    name: str
    columns: Mapping[str, str]
    keys: tuple[str, ...]
    is_table: bool
    is_declared: bool
    windowed: bool = False


def avro_type(kind: object) -> str:
    """The ksqlDB type of an Avro type; null is no type of its own."""
    if isinstance(kind, list):
        return avro_type(next(option for option in kind if option != "null"))
    if isinstance(kind, dict):
        return avro_type(kind.get("logicalType", kind["type"]))
    return AVRO_TYPES.get(str(kind), str(kind))


def quoted(name: str) -> str:
    """A name as it is, whatever word it is."""
    return f"`{name}`"


def flink_type(type_: str) -> str:
    """A ksqlDB type in Flink's words."""
    return FLINK_TYPES.get(type_, type_)


def with_options(options: Mapping[str, str]) -> str:
    """A table's WITH clause."""
    return "WITH (" + ", ".join(f"'{key}' = '{value}'" for key, value in options.items()) + ")"


def kafka_options(connector: str, topic: str, services: Services) -> dict[str, str]:
    """What every table on a topic needs."""
    return {
        "connector": connector,
        "topic": topic,
        "properties.bootstrap.servers": services.kafka,
        "value.fields-include": "EXCEPT_KEY",
    }


def avro_options(part: str, services: Services) -> dict[str, str]:
    """A part of the record, key or value, in Confluent's wire format."""
    return {
        f"{part}.format": "avro-confluent",
        f"{part}.avro-confluent.url": services.registry,
    }


def view(name: str, query: str) -> str:
    """A view's statement."""
    return f"CREATE VIEW {quoted(name)} AS\n{query}"
