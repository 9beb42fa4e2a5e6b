"""The baseline of the cleansing: the same Spark copies the raw topics, byte for byte."""

import json
import sys
import time
from pathlib import Path

from pyspark.sql import DataFrame

from pipeline.repository import target as targets
from pipeline.repository.javaclient import with_values
from pipeline.repository.rules import FILE, load
from spark.query import MAX_RECORDS
from spark.session import session

TOPIC = "bench_copy"
SLOTS = 17


def main(target: str, folder: str) -> None:
    place = targets.load(Path(), target)
    kafka = {f"kafka.{key}": value for key, value in with_values(place.kafka).items()}
    # As many tasks at a time as the cleansing has.
    spark = session(Path(folder) / "tmp", place.spark, SLOTS)
    source = {
        **kafka,
        "subscribe": ",".join(load(FILE).topics),
        "startingOffsets": "earliest",
        "maxOffsetsPerTrigger": str(MAX_RECORDS),
    }
    sink = {**kafka, "topic": TOPIC, "kafka.acks": "all"}
    sink |= {"kafka.linger.ms": "5", "kafka.batch.size": "262144", "kafka.compression.type": "lz4"}

    def write(batch: DataFrame, _: int) -> None:
        batch.select("key", "value").write.format("kafka").options(**sink).save()

    begun = time.monotonic()
    raw = spark.readStream.format("kafka").options(**source).load()
    writer = raw.writeStream.foreachBatch(write).option("checkpointLocation", folder)
    query = writer.trigger(availableNow=True).start()
    query.awaitTermination()
    seconds = time.monotonic() - begun
    rows = sum(progress.numInputRows for progress in query.recentProgress)
    print(json.dumps({"raw": rows, "seconds": seconds}))


if __name__ == "__main__":
    main(sys.argv[2], sys.argv[3])
