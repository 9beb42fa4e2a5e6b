"""The cleansing itself: pure transformations, DataFrame in, DataFrame out, JVM expressions only."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import Any

from pyspark.errors import PySparkException
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812 - the name Spark's own documentation gives it
from pyspark.sql.avro.functions import from_avro, to_avro

from pipeline.errors import Mistake, SpecError
from pipeline.repository.rules import Rules, TopicRules
from pipeline.repository.yamlfile import line_of
from pipeline.schemas import Schema, compact, contract
from pipeline.suggest import unknown

HEADER_BYTES = 5  # Confluent's wire format: a zero byte and the schema's id, big-endian


@dataclass(frozen=True)
class Output:
    """The contract of a topic that the job writes, and its id in the registry."""

    topic: str
    schema_id: int
    schema: Schema


@dataclass(frozen=True)
class Steps:
    """One topic's cleansing as columns to select, step by step.

    Columns are made once and used for every batch: making them, and having Spark analyse more
    steps than these, would take longer than a batch of a second's records.
    """

    topic: str
    selects: tuple[tuple[Column, ...], ...]


KAFKA_SOURCE = (
    "key binary, value binary, topic string, partition int, offset long, timestamp timestamp"
)
_KEPT = [column.split()[0] for column in KAFKA_SOURCE.split(", ")]


FINGERPRINT = ["fingerprint", "fingerprint_more"]


def identify(raw: DataFrame) -> DataFrame:
    """Adds what makes a record the same as another: two hashes of its topic, key and bytes.

    128 bits together, so that two records are never taken for one by chance.
    """
    # A hash passes nulls over: "is there a key" keeps a key alone from a value alone.
    parts = [F.col("topic"), F.col("key"), F.isnull("key"), F.col("value")]
    first, second = F.xxhash64(*parts), F.xxhash64(F.lit(1), *parts)
    return raw.withColumns(dict(zip(FINGERPRINT, (first, second), strict=True)))


def cleanse(raw: DataFrame, steps: Iterable[Steps]) -> DataFrame:
    """What to write for raw records: columns topic, key, value, source_topic and broken.

    One row per input row: the clean record under the clean topic, or the reject, with the names of
    all rules it broke, separated by a comma. `raw` has the columns of Spark's Kafka source.
    """
    parts = [
        reduce(lambda rows, columns: rows.select(*columns), one.selects, _of(raw, one.topic))
        for one in steps
    ]
    return reduce(DataFrame.union, parts)


def _of(raw: DataFrame, topic: str) -> DataFrame:
    return raw.where(F.col("topic") == topic)


def steps(
    topic: str,
    rules: Rules,
    schemas: Mapping[str, Schema],
    writers: Mapping[int, str],
    outputs: Mapping[str, Output],
) -> Steps:
    """The cleansing of one topic; `writers` has the registered schemas of its values by id."""
    own = rules.topics[topic]
    raw, clean = schemas[topic], schemas[own.clean]
    selects = (
        *_decode(raw, writers),
        *_apply(own, rules, raw, clean),
        _output(topic, rules, outputs),
    )
    return Steps(topic, tuple(tuple(columns) for columns in selects))


def _decode(reader: Schema, writers: Mapping[int, str]) -> list[list[Column]]:
    """Adds `record` (null if it cannot be read) and `unreadable` (the rule it breaks, or null)."""
    header = F.substring("value", 1, HEADER_BYTES)
    is_framed = (F.length("value") > HEADER_BYTES) & (F.substring("value", 1, 1) == F.lit(b"\x00"))
    is_known = header.isin(*(F.lit(_header(number)) for number in writers))
    first_field = f"record.{reader['fields'][0]['name']}"
    unreadable = (
        F.when(F.coalesce(F.length("value"), F.lit(0)) == 0, "empty_value")
        .when(~is_framed, "not_avro")
        .when(~is_known, "unknown_schema")
        # PERMISSIVE yields a record of nulls for bytes that do not decode.
        .when(F.col(first_field).isNull(), "not_avro")
    )
    record = _by_writer(header, reader, writers)
    flat = [
        _trimmed(F.col(f"record.{path}"), kind).alias(path.replace(".", "_"))
        for path, kind in _leaves(reader)
    ]
    return [
        [*_columns(_KEPT), record.alias("record")],
        [*_columns(_KEPT), unreadable.alias("unreadable"), *flat],
    ]


def _by_writer(header: Column, reader: Schema, writers: Mapping[int, str]) -> Column:
    payload = F.expr(f"substring(value, {HEADER_BYTES + 1})")
    options = {"mode": "PERMISSIVE", "avroSchema": compact(contract(reader))}
    pairs = [
        (header == F.lit(_header(number)), from_avro(payload, writer, options))
        for number, writer in writers.items()
    ]
    first, *others = pairs
    return reduce(lambda chain, pair: chain.when(*pair), others, F.when(*first))


def _trimmed(column: Column, kind: Any) -> Column:
    return F.nullif(F.trim(column), F.lit("")) if kind == "string" else column


def _apply(own: TopicRules, rules: Rules, raw: Schema, clean: Schema) -> list[list[Column]]:
    """Adds `r`, the cleansed columns, and `broken`, the rules that do not hold: "" if all do."""
    source = [*_KEPT, "unreadable"]
    names = [path.replace(".", "_") for path, _ in _leaves(raw)]
    known = [f"{column}_known" for column in own.vocabulary]
    found = {
        column: F.element_at(_spellings(rules.vocabularies[word]), F.lower(F.col(column)))
        for column, word in own.vocabulary.items()
    }
    normal = {**found, **{column: F.expr(sql) for column, sql in own.normalise.items()}}
    flags = [
        (F.col(column).isNull() | found[column].isNotNull()).alias(f"{column}_known")
        for column in own.vocabulary
    ]
    entries = [
        F.element_at(_pool(rules.pools[pool]), F.col(column)).alias(pool)
        for pool, column in own.lookup.items()
    ]
    derived = {column: F.expr(sql) for column, sql in own.derive.items()}
    fields = [field["name"] for field in clean["fields"]]
    unreadable = F.col("unreadable")
    broken = F.coalesce(unreadable, _broken(own, clean))
    return [
        [*_columns(source), *_replaced(names, normal), *flags],
        [*_columns([*source, *names, *known]), *entries],
        # All at once: an expression sees the columns as they were, whatever the file's order.
        [*_columns([*source, *known, *own.lookup]), *_replaced(names, derived)],
        [*_columns(_KEPT), F.struct(*_columns(fields)).alias("r"), broken.alias("broken")],
    ]


def _broken(own: TopicRules, clean: Schema) -> Column:
    present = {f"{name}_present": F.col(name).isNotNull() for name in _required(clean)}
    known = {f"{column}_known": F.col(f"{column}_known") for column in own.vocabulary}
    valid = {name: F.expr(sql) for name, sql in own.valid.items()}
    verdicts = [
        F.when(~F.coalesce(holds, F.lit(False)), name)  # noqa: FBT003 - Spark's own signature
        for name, holds in {**present, **known, **valid}.items()
    ]
    # Of an array, array_compact would do: but that is interpreted, row by row.
    return F.concat_ws(",", *verdicts)


def _output(topic: str, rules: Rules, outputs: Mapping[str, Output]) -> list[Column]:
    own = rules.topics[topic]
    is_clean = F.col("broken") == ""
    clean, rejects = outputs[own.clean], outputs[rules.rejects]
    key = F.when(is_clean, F.col(f"r.{own.key}")).otherwise(_reject_id())
    value = F.when(is_clean, _wire(F.col("r"), clean)).otherwise(_wire(_reject(), rejects))
    return [
        F.when(is_clean, clean.topic).otherwise(rejects.topic).alias("topic"),
        key.cast("binary").alias("key"),
        value.alias("value"),
        F.lit(topic).alias("source_topic"),
        F.col("broken"),
    ]


def _columns(names: Iterable[str]) -> list[Column]:
    return [F.col(name) for name in names]


def _replaced(names: Iterable[str], by: Mapping[str, Column]) -> list[Column]:
    return [by.get(name, F.col(name)).alias(name) for name in names]


def _required(clean: Schema) -> list[str]:
    return [str(f["name"]) for f in clean["fields"] if not isinstance(f["type"], list)]


def _leaves(schema: Schema, prefix: str = "") -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for field in schema["fields"]:
        kind = field["type"]
        base = kind.get("type") if isinstance(kind, dict) else kind
        if base == "record":
            found += _leaves(kind, f"{prefix}{field['name']}.")
        else:
            found.append((f"{prefix}{field['name']}", base))
    return found


def _spellings(vocabulary: Mapping[str, Iterable[str]]) -> Column:
    canonical = {
        spelling.lower(): word
        for word, others in vocabulary.items()
        for spelling in (word, *others)
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


def _header(schema_id: int) -> bytes:
    return b"\x00" + schema_id.to_bytes(4, "big")


def _wire(record: Column, output: Output) -> Column:
    """The record in Confluent's wire format."""
    avro = to_avro(record, compact(contract(output.schema)))
    return F.concat(F.lit(_header(output.schema_id)), avro)


def _reject_id() -> Column:
    place = (F.col("partition").cast("string"), F.col("offset").cast("string"))
    return F.concat_ws("-", F.col("topic"), *place)


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


def check(spark: SparkSession, rules: Rules, schemas: Mapping[str, Schema], file: Path) -> None:
    """Finds the mistakes in the rules by compiling each on its topic's schema; reads nothing.

    Raises:
        SpecError: with the line of each expression that does not fit, and of each unknown name.
    """
    mistakes = tuple(
        mistake
        for topic, topic_rules in rules.topics.items()
        for mistake in _check_topic(spark, rules, schemas, file, topic, topic_rules)
    )
    if mistakes:
        raise SpecError(mistakes)


def _check_topic(
    spark: SparkSession,
    rules: Rules,
    schemas: Mapping[str, Schema],
    file: Path,
    topic: str,
    topic_rules: TopicRules,
) -> list[Mistake]:
    place = f"topics.{topic}"
    for name, at in ((topic, place), (topic_rules.clean, f"{place}.clean")):
        if name not in schemas:
            return [Mistake(file, line_of(file, at), at, unknown("schema", name, schemas))]
    names = [
        (f"{place}.vocabulary.{column}", "vocabulary", word, rules.vocabularies)
        for column, word in topic_rules.vocabulary.items()
    ] + [(f"{place}.lookup.{pool}", "pool", pool, rules.pools) for pool in topic_rules.lookup]
    wrong = [
        Mistake(file, line_of(file, at), at, unknown(kind, word, known))
        for at, kind, word, known in names
        if word not in known
    ]
    return wrong or _compile(spark, rules, schemas, file, topic)


def _compile(
    spark: SparkSession, rules: Rules, schemas: Mapping[str, Schema], file: Path, topic: str
) -> list[Mistake]:
    own = rules.topics[topic]
    writers = {0: compact(contract(schemas[topic]))}
    outputs = {name: Output(name, 0, schemas[name]) for name in (own.clean, rules.rejects)}
    empty = spark.createDataFrame([], KAFKA_SOURCE)

    def failure(changed: TopicRules) -> str:
        only = rules.model_copy(update={"topics": {topic: changed}})
        return _failure(lambda: cleanse(empty, [steps(topic, only, schemas, writers, outputs)]))

    whole = failure(own)
    if not whole:
        return []
    # One expression at a time, so that each mistake has its own line.
    mistakes = []
    for section in ("normalise", "derive", "valid"):
        for name, sql in getattr(own, section).items():
            nothing: dict[str, dict[str, str]] = {"normalise": {}, "derive": {}, "valid": {}}
            reason = failure(own.model_copy(update={**nothing, section: {name: sql}}))
            if reason:
                key = f"topics.{topic}.{section}.{name}"
                mistakes.append(Mistake(file, line_of(file, key), key, reason))
    place = f"topics.{topic}"
    return mistakes or [Mistake(file, line_of(file, place), place, whole)]


def _failure(compile_it: Callable[[], DataFrame]) -> str:
    try:
        compile_it().schema  # noqa: B018 - what it yields is the error
    except PySparkException as error:
        return str(error).split("\n", maxsplit=1)[0]
    return ""


def load_schemas(folder: Path) -> dict[str, Schema]:
    """The schemas of the repository by topic."""
    return {file.stem: json.loads(file.read_text()) for file in sorted(folder.glob("*.avsc"))}
