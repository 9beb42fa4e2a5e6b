"""The cleansing itself: raw records in, clean records and rejects out, as JVM expressions only."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812 - the name Spark's own documentation gives it
from pyspark.sql.avro.functions import from_avro, to_avro

from pipeline.codec import header
from pipeline.repository.rules import Rules, TopicRules
from pipeline.schemas import Schema, compact, contract


@dataclass(frozen=True)
class Output:
    """The contract of a topic that the job writes, and its id in the registry."""

    topic: str
    schema_id: int
    schema: Schema


@dataclass(frozen=True)
class Steps:
    """One topic's cleansing as columns to select, step by step.

    Each step sees the columns of the one before it.
    """

    topic: str
    selects: tuple[tuple[Column, ...], ...]


KAFKA_SOURCE = (
    "key binary, value binary, topic string, partition int, offset long, timestamp timestamp"
)
_KEPT = [column.split()[0] for column in KAFKA_SOURCE.split(", ")]
# The rules that a record breaks which cannot be read.
UNREADABLE = ("empty_value", "not_avro", "unknown_schema")


def cleanse(raw: DataFrame, steps: Iterable[Steps]) -> DataFrame:
    """What to write for raw records: columns topic, key, value and broken.

    One row per input row: the clean record under the clean topic, or the reject, with the names of
    all rules it broke, separated by a comma. A tombstone, a key without a value, is clean, and
    stays one. `raw` has the columns of Spark's Kafka source.
    """
    by_topic = [
        reduce(lambda rows, columns: rows.select(*columns), own.selects, _of_topic(raw, own.topic))
        for own in steps
    ]
    return reduce(DataFrame.union, by_topic)


def _of_topic(raw: DataFrame, topic: str) -> DataFrame:
    return raw.where(F.col("topic") == topic)


def steps(
    topic: str,
    rules: Rules,
    schemas: Mapping[str, Schema],
    payload: Column,
    outputs: Mapping[str, Output],
) -> Steps:
    """The cleansing of one raw topic; `payload` is its values' Avro data: see spark/payload.py."""
    own = rules.topics[topic]
    raw, clean = schemas[topic], schemas[own.clean]
    selects = (
        *_decode(raw, payload),
        *_apply(own, rules, raw, clean),
        _output(topic, rules, outputs),
    )
    return Steps(topic, tuple(tuple(columns) for columns in selects))


def rule_names(topic: str, rules: Rules, schemas: Mapping[str, Schema]) -> tuple[str, ...]:
    """All rules that a record of a raw topic can break."""
    own = rules.topics[topic]
    return (*UNREADABLE, *_verdicts(own, schemas[own.clean]))


def _decode(reader: Schema, payload: Column) -> list[list[Column]]:
    """Adds `record` (null if it cannot be read) and `unreadable` (the rule it breaks, or null)."""
    unreadable = (
        F.when(F.coalesce(F.length("value"), F.lit(0)) == 0, "empty_value")
        .when(F.col("payload").isNull(), "unknown_schema")
        # PERMISSIVE yields a record of nulls for bytes that do not decode.
        .when(F.col(f"record.{reader['fields'][0]['name']}").isNull(), "not_avro")
    )
    record = from_avro("payload", compact(contract(reader)), {"mode": "PERMISSIVE"})
    flat = [
        _trimmed(F.col(f"record.{path}"), kind).alias(path.replace(".", "_"))
        for path, kind in _leaves(reader)
    ]
    return [
        [*_columns(_KEPT), payload.alias("payload")],
        [*_columns(_KEPT), F.col("payload"), record.alias("record")],
        [*_columns(_KEPT), unreadable.alias("unreadable"), *flat],
    ]


def _trimmed(column: Column, kind: Any) -> Column:
    return F.nullif(F.trim(column), F.lit("")) if kind == "string" else column


def _apply(own: TopicRules, rules: Rules, raw: Schema, clean: Schema) -> list[list[Column]]:
    """Adds `r`, the cleansed columns, and `broken`, the rules that do not hold: "" if all do."""
    source = [*_KEPT, "unreadable"]
    names = [path.replace(".", "_") for path, _ in _leaves(raw)]
    known = [f"{column}_known" for column in own.vocabulary]
    spelt = {
        column: _spelt(F.col(column), _spellings(rules.vocabularies[word]))
        for column, word in own.vocabulary.items()
    }
    normal = {**spelt, **{column: F.expr(sql) for column, sql in own.normalise.items()}}
    flags = [
        (F.col(column).isNull() | spelt[column].isNotNull()).alias(f"{column}_known")
        for column in own.vocabulary
    ]
    entries = [
        F.element_at(_pool(rules.pools[pool]), F.col(column)).alias(pool)
        for pool, column in own.lookup.items()
    ]
    derived = {column: F.expr(sql) for column, sql in own.derive.items()}
    fields = [field["name"] for field in clean["fields"]]
    unreadable = F.col("unreadable")
    broken = F.when(_is_tombstone(), "").otherwise(
        F.coalesce(unreadable, _broken(_verdicts(own, clean)))
    )
    return [
        [*_columns(source), *_replaced(names, normal), *flags],
        [*_columns([*source, *names, *known]), *entries],
        # All at once: an expression sees the columns as they were, whatever the file's order.
        [*_columns([*source, *known, *own.lookup]), *_replaced(names, derived)],
        [*_columns(_KEPT), F.struct(*_columns(fields)).alias("r"), broken.alias("broken")],
    ]


def _verdicts(own: TopicRules, clean: Schema) -> dict[str, Column]:
    """Whether each rule holds, by its name."""
    present = {f"{name}_present": F.col(name).isNotNull() for name in _required(clean)}
    known = {f"{column}_known": F.col(f"{column}_known") for column in own.vocabulary}
    valid = {name: F.expr(sql) for name, sql in own.valid.items()}
    return {**present, **known, **valid}


def _broken(verdicts: Mapping[str, Column]) -> Column:
    broken = [
        F.when(~F.coalesce(holds, F.lit(False)), name)  # noqa: FBT003 - Spark's own signature
        for name, holds in verdicts.items()
    ]
    # Of an array, array_compact would do: but that is interpreted, row by row.
    return F.concat_ws(",", *broken)


def _is_tombstone() -> Column:
    return F.col("value").isNull() & (_own_key() != "")


def _own_key() -> Column:
    return F.trim(F.col("key").cast("string"))


def _output(topic: str, rules: Rules, outputs: Mapping[str, Output]) -> list[Column]:
    own = rules.topics[topic]
    is_clean = F.col("broken") == ""
    clean, rejects = outputs[own.clean], outputs[rules.rejects]
    key = F.when(is_clean, F.coalesce(F.col(f"r.{own.key}"), _own_key()))
    record = F.when(_is_tombstone(), None).when(is_clean, _wire(F.col("r"), clean))
    value = record.otherwise(_wire(_reject(), rejects))
    return [
        F.when(is_clean, clean.topic).otherwise(rejects.topic).alias("topic"),
        key.otherwise(_reject_id()).cast("binary").alias("key"),
        value.alias("value"),
        F.col("broken"),
    ]


def _columns(names: Iterable[str]) -> list[Column]:
    return [F.col(name) for name in names]


def _replaced(names: Iterable[str], by: Mapping[str, Column]) -> list[Column]:
    return [by.get(name, F.col(name)).alias(name) for name in names]


def _required(clean: Schema) -> list[str]:
    return [str(f["name"]) for f in clean["fields"] if not isinstance(f["type"], list)]


def _leaves(schema: Schema, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The path and type of each field that is no record, nested ones included."""
    for field in schema["fields"]:
        kind = field["type"]
        base = kind.get("type") if isinstance(kind, dict) else kind
        if base == "record":
            yield from _leaves(kind, f"{prefix}{field['name']}.")
        else:
            yield f"{prefix}{field['name']}", base


def _spelt(column: Column, spellings: Column) -> Column:
    # Most words are spelt as they should be: those are not brought to lower case first.
    return F.coalesce(F.element_at(spellings, column), F.element_at(spellings, F.lower(column)))


def _spellings(vocabulary: Mapping[str, Iterable[str]]) -> Column:
    canonical = {
        spelling: word
        for word, others in vocabulary.items()
        for spelling in (word, word.lower(), *map(str.lower, others))
    }
    return _map(canonical, "string")


def _pool(pool: Mapping[str, Mapping[str, Any]]) -> Column:
    values = {key: value for entry in pool.values() for key, value in entry.items()}
    fields = ", ".join(f"{key}: {_sql_type(value)}" for key, value in sorted(values.items()))
    return _map(pool, f"struct<{fields}>")


def _map(entries: Mapping[str, Any], value: str) -> Column:
    # Spark folds it to one literal; thousands of small columns would take seconds to make.
    return F.from_json(F.lit(json.dumps(entries)), f"map<string, {value}>")


def _sql_type(value: Any) -> str:
    if isinstance(value, list):
        return "array<double>"
    if isinstance(value, dict):
        return "map<string, double>"
    return "string" if isinstance(value, str) else "double"


def _wire(record: Column, output: Output) -> Column:
    """The record in Confluent's wire format."""
    avro = to_avro(record, compact(contract(output.schema)))
    return F.concat(F.lit(header(output.schema_id)), avro)


def _reject_id() -> Column:
    position = (F.col("partition").cast("string"), F.col("offset").cast("string"))
    return F.concat_ws("-", F.col("topic"), *position)


def _reject() -> Column:
    return F.struct(
        _reject_id().alias("reject_id"),
        F.col("topic").alias("source_topic"),
        F.col("partition").alias("source_partition"),
        F.col("offset").alias("source_offset"),
        F.col("timestamp").alias("source_timestamp"),
        F.col("broken").alias("rules"),
        F.col("key").alias("record_key"),
        F.col("value").alias("record_value"),
    )
