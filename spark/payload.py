"""The Java function that finds a raw record's Avro data: stack/spark's Payload."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from pyspark.sql import Column, SparkSession
from pyspark.sql import functions as F  # noqa: N812 - the name Spark's own documentation gives it

from pipeline.repository.connections import Http, resolve
from pipeline.schemas import Schema, compact, contract, subject_of
from spark.session import jvm

# A function's name: what was built with one keeps it, whatever is registered after it.
_NUMBERS = count(1)


@dataclass(frozen=True)
class Source:
    """A raw topic, as its values are read.

    `writers` has the registered schemas of its values by id. A registry, the root of an API, is
    asked for all others as their ids come. A consumer group gets the positions of what was read.
    """

    topic: str
    schema: Schema
    writers: Mapping[int, str]
    registry: Http | None = None
    kafka: Mapping[str, str] = field(default_factory=dict)
    group: str | None = None

    def payload(self, spark: SparkSession) -> Column:
        """The Avro data of the column `value` under the contract.

        Null if the record's schema id is not registered; empty if the value cannot be read.
        """
        function = (
            jvm(spark)
            .hospital.spark.Payload(
                self.topic,
                subject_of(self.topic),
                compact(contract(self.schema)),
                dict(self.writers),
                self._registry(),
                dict(self.kafka),
                self.group,
            )
            .function()
        )
        name = f"payload_{next(_NUMBERS)}"
        spark._jsparkSession.udf().register(name, function)  # noqa: SLF001
        return F.call_function(name, "value", "partition", "offset")

    def _registry(self) -> dict[str, str] | None:
        """The registry's settings, with the texts of its certificates: executors have no files."""
        if self.registry is None:
            return None
        settings = self.registry.model_dump(by_alias=True, exclude_none=True)
        return {
            key: Path(value).read_text() if key.endswith(".location") else resolve(key, value)
            for key, value in settings.items()
        }
