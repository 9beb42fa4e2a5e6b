"""Spark's session: local, on loopback, set up for small batches."""

import os
from pathlib import Path

from pyspark.sql import SparkSession

from pipeline.paths import LIB

LOGGING = Path(__file__).parent / "log4j2.properties"
# A damaged length in a record must not make Avro ask for gigabytes.
AVRO_LIMITS = ("string.maxLength", "bytes.maxLength", "collectionItems.maxLength")


def session(temporary: Path) -> SparkSession:
    """A session that keeps its temporary files in a folder."""
    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    builder = SparkSession.builder.master("local[2]").appName("cleanse")
    for key, value in _settings(temporary).items():
        builder = builder.config(key, value)
    return builder.getOrCreate()


def _settings(temporary: Path) -> dict[str, str]:
    limits = " ".join(f"-Dorg.apache.avro.limits.{limit}=1000000" for limit in AVRO_LIMITS)
    return {
        "spark.jars": ",".join(str(jar) for jar in sorted((LIB / "spark").glob("*.jar"))),
        "spark.driver.memory": "900m",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.extraJavaOptions": (
            # As much heap and metaspace at once as it will have: growing costs collections.
            f"{limits} -Xms900m -XX:MetaspaceSize=256m -XX:+UseParallelGC -Xss4m"
            f" -Dlog4j2.configurationFile={LOGGING}"
        ),
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.shuffle.partitions": "2",
        # Batches are small and planned every second: no second planning, no long descriptions.
        "spark.sql.adaptive.enabled": "false",
        "spark.sql.debug.maxToStringFields": "5",
        "spark.sql.maxPlanStringLength": "500",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.streaming.numRecentProgressUpdates": "100000",
        "spark.sql.streaming.stateStore.providerClass": (
            "org.apache.spark.sql.execution.streaming.state.RocksDBStateStoreProvider"
        ),
        "spark.sql.streaming.stateStore.rocksdb.changelogCheckpointing.enabled": "true",
        # Counting its rows would ask the store before each write.
        "spark.sql.streaming.stateStore.rocksdb.trackTotalNumberOfRows": "false",
        # Old fingerprints are dropped with the next records, not in a batch of their own.
        "spark.sql.streaming.noDataMicroBatches.enabled": "false",
        # What is shuffled never leaves this machine; ICU takes a second to start.
        "spark.shuffle.compress": "false",
        "spark.sql.icu.caseMappings.enabled": "false",
        "spark.local.dir": str(temporary),
        "spark.sql.warehouse.dir": str(temporary / "warehouse"),
    }
