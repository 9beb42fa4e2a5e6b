"""Spark's session: where the target says, or on this machine alone."""

import os
from pathlib import Path
from typing import Any

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from pipeline.errors import PipelineError
from pipeline.paths import LIB
from pipeline.repository.target import Spark

LOGGING = Path(__file__).parent / "log4j2.properties"
# Masters that leave open how many tasks run at a time: on this machine, real-time mode decides.
OPEN = ("local", "local[*]")
# A damaged length in a record must not make Avro ask for gigabytes.
AVRO_LIMITS = ("string.maxLength", "bytes.maxLength", "collectionItems.maxLength")


def session(temporary: Path, place: Spark, slots: int) -> SparkSession:
    """A session that keeps its temporary files in a folder.

    `place` is where it runs, `slots` how many tasks run at a time if `place` leaves it open.
    """
    builder = SparkSession.builder.appName("cleanse")
    for key, value in _settings(temporary, place, slots).items():
        builder = builder.config(key, value)
    try:
        return builder.getOrCreate()
    except (Py4JError, PySparkException) as error:
        reason = str(error).strip().splitlines()[-1]
        raise PipelineError(f"Spark does not start with master {place.master}: {reason}") from None


def jvm(spark: SparkSession) -> Any:
    """The Java side of a session, for what PySpark 4.1 does not have."""
    java = spark._jvm  # noqa: SLF001 - PySpark's own way there
    assert java is not None  # noqa: S101 - there is one, unless Spark is reached by Connect
    return java


def _settings(temporary: Path, place: Spark, slots: int) -> dict[str, str]:
    limits = " ".join(f"-Dorg.apache.avro.limits.{limit}=1000000" for limit in AVRO_LIMITS)
    jars = [*map(str, sorted((LIB / "spark").glob("*.jar"))), *place.jars]
    own = {key: _text(value) for key, value in place.conf.items()}
    memory = own.get("spark.driver.memory", "900m")
    return {
        "spark.master": f"local[{slots}]" if place.master in OPEN else place.master,
        "spark.jars": ",".join(jars),
        "spark.driver.memory": memory,
        "spark.driver.extraJavaOptions": (
            # As much heap and metaspace at once as it will have: growing costs collections.
            f"{limits} -Xms{memory} -XX:MetaspaceSize=256m -XX:+UseParallelGC -Xss4m"
            " -XX:TieredStopAtLevel=1"
            f" -Dlog4j2.configurationFile={LOGGING}"
        ),
        "spark.executor.extraJavaOptions": f"{limits} -XX:+UseParallelGC -Xss4m",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.adaptive.enabled": "false",
        "spark.sql.debug.maxToStringFields": "5",
        "spark.sql.maxPlanStringLength": "500",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.streaming.numRecentProgressUpdates": "100",
        # A job that was killed as it wrote its first offsets has left half a file, with which Spark
        # would never start again. No two queries share a folder: its name has the topic's id.
        "spark.sql.streaming.verifyCheckpointDirectoryEmptyOnStart": "false",
        # ICU takes a second to start.
        "spark.sql.icu.caseMappings.enabled": "false",
        "spark.sql.warehouse.dir": str(temporary / "warehouse"),
        **(_on_loopback(temporary) if place.master.startswith("local") else {}),
        **own,
    }


def _on_loopback(temporary: Path) -> dict[str, str]:
    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    return {
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.local.dir": str(temporary),
    }


def _text(value: str | int | bool) -> str:  # noqa: FBT001 - a value of YAML
    return str(value).lower() if isinstance(value, bool) else str(value)
