"""Runs cases of spark/rules.yaml: raw records in, clean records and rejects expected out."""

import tempfile
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

from pipeline import codec
from pipeline.cases.files import Case, messages
from pipeline.cases.rows import Difference, compare
from pipeline.errors import Mistake, SpecError
from pipeline.repository.rules import FILE, Rules, load
from pipeline.repository.target import Spark
from pipeline.schemas import Schema, compact, contract
from pipeline.suggest import unknown
from spark import cleanse
from spark.payload import Source
from spark.session import session

AT = datetime(2025, 1, 1, tzinfo=UTC)


class Cleansing:
    """The rules, compiled once for all cases."""

    def __init__(self, root: Path, schemas: Mapping[str, Schema], spark: SparkSession) -> None:
        self._rules = load(root / FILE)
        self._schemas = schemas
        self._spark = spark
        self._ids = {topic: number for number, topic in enumerate(schemas, 1)}
        outputs = {
            topic: cleanse.Output(topic, self._ids[topic], schemas[topic])
            for topic in self._rules.outputs
        }
        self._steps = {
            topic: cleanse.steps(
                topic,
                self._rules,
                schemas,
                self._source(topic).payload(spark),
                outputs,
            )
            for topic in self._rules.topics
        }

    def _source(self, topic: str) -> Source:
        schema = self._schemas[topic]
        return Source(topic, schema, {self._ids[topic]: compact(contract(schema))})

    def run(self, case: Case) -> tuple[Difference, ...]:
        """What is not as expected.

        Raises:
            SpecError: the case names a topic that the rules do not have.
        """
        mistakes = tuple(_mistakes(case, self._rules))
        if mistakes:
            raise SpecError(mistakes)
        raw = self._spark.createDataFrame(list(self._given(case)), cleanse.KAFKA_SOURCE)
        steps = [self._steps[topic] for topic in case.given]
        written: dict[str, list[dict[str, Any]]] = {topic: [] for topic in case.expect}
        decode = {topic: codec.decoder(self._schemas[topic]) for topic in written}
        for row in cleanse.cleanse(raw, steps).collect():
            if row.topic in written:
                written[row.topic].append(decode[row.topic](bytes(row.value)))
        differences = [compare(topic, rows, written[topic]) for topic, rows in case.expect.items()]
        return tuple(difference for difference in differences if difference)

    def _given(self, case: Case) -> Iterator[tuple[Any, ...]]:
        for topic in case.given:
            schema = self._schemas[topic]
            encode = codec.encoder(schema, self._ids[topic])
            key = self._rules.topics[topic].key
            for offset, (own, value) in enumerate(messages(case, topic, schema, key, encode)):
                yield own, value, topic, 0, offset, AT


def _mistakes(case: Case, rules: Rules) -> Iterator[Mistake]:
    for topic in case.given:
        if topic not in rules.topics:
            yield case.mistake(f"given.{topic}", unknown("raw topic", topic, rules.topics))
    for topic in case.expect:
        if topic not in rules.outputs:
            yield case.mistake(f"expect.{topic}", unknown("cleansed topic", topic, rules.outputs))


def start(root: Path, schemas: Mapping[str, Schema]) -> Cleansing:
    """The rules in a Spark session of their own, on this machine."""
    return Cleansing(
        root, schemas, session(Path(tempfile.mkdtemp(prefix="cases-")), Spark.model_validate({}), 2)
    )
