"""Finds the mistakes in spark/rules.yaml before the job reads a record."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812 - the name Spark's own documentation gives it

from pipeline.errors import Mistake, SpecError
from pipeline.repository import yamlfile
from pipeline.repository.rules import Rules, TopicRules
from pipeline.schemas import Schema
from pipeline.suggest import unknown
from spark.cleanse import KAFKA_SOURCE, Output, cleanse, steps


def check(spark: SparkSession, rules: Rules, schemas: Mapping[str, Schema], file: Path) -> None:
    """Compiles each rule on its topic's schema; `file` is where the rules stand.

    Raises:
        SpecError: with the line of each expression that does not fit, and of each unknown name.
    """
    checker = _Checker(spark, rules, schemas, file)
    mistakes = tuple(checker.mistakes())
    if mistakes:
        raise SpecError(mistakes)


@dataclass(frozen=True)
class _Checker:
    spark: SparkSession
    rules: Rules
    schemas: Mapping[str, Schema]
    file: Path

    def mistakes(self) -> Iterator[Mistake]:
        """Those of each topic: its unknown names, or if it has none, what does not compile."""
        if self.rules.rejects not in self.schemas:
            yield self._at("rejects", unknown("schema", self.rules.rejects, self.schemas))
            return
        for topic in self.rules.topics:
            yield from list(self._unknown_names(topic)) or self._compile(topic)

    def _at(self, key: str, message: str) -> Mistake:
        return yamlfile.mistake(self.file, key, message)

    def _unknown_names(self, topic: str) -> Iterator[Mistake]:
        own, key = self.rules.topics[topic], f"topics.{topic}"
        names = [
            (key, "schema", topic, self.schemas),
            (f"{key}.clean", "schema", own.clean, self.schemas),
            *(
                (f"{key}.vocabulary.{column}", "vocabulary", name, self.rules.vocabularies)
                for column, name in own.vocabulary.items()
            ),
            *((f"{key}.lookup.{name}", "pool", name, self.rules.pools) for name in own.lookup),
        ]
        for at, kind, name, known in names:
            if name not in known:
                yield self._at(at, unknown(kind, name, known))

    def _compile(self, topic: str) -> Iterator[Mistake]:
        own = self.rules.topics[topic]
        whole = self._failure(topic, own)
        if not whole:
            return
        # One expression at a time, so that each mistake has its own line.
        none: dict[str, dict[str, str]] = {"normalise": {}, "derive": {}, "valid": {}}
        is_found = False
        for section in none:
            for name, sql in getattr(own, section).items():
                alone = own.model_copy(update={**none, section: {name: sql}})
                if reason := self._failure(topic, alone):
                    is_found = True
                    yield self._at(f"topics.{topic}.{section}.{name}", reason)
        if not is_found:
            yield self._at(f"topics.{topic}", whole)

    def _failure(self, topic: str, own: TopicRules) -> str:
        """Why a topic's rules do not compile; "" if they do."""
        rules = self.rules.model_copy(update={"topics": {topic: own}})
        payload = F.col("value")
        outputs = {name: Output(name, 0, self.schemas[name]) for name in (own.clean, rules.rejects)}
        empty = self.spark.createDataFrame([], KAFKA_SOURCE)
        return _failure(
            lambda: cleanse(empty, [steps(topic, rules, self.schemas, payload, outputs)])
        )


def _failure(compile_it: Callable[[], DataFrame]) -> str:
    try:
        compile_it().schema  # noqa: B018 - what it yields is the error
    except PySparkException as error:
        return str(error).split("\n", maxsplit=1)[0]
    return ""
