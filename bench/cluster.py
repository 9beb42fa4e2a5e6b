"""The cluster beside one node: records/s through the pipeline, and how long a record takes.

`make bench TARGET=cluster`. Both share this machine: the cluster shows what replication, TLS and
rights cost, and not how it grows.
"""

import json
import statistics
import tempfile
import time
from pathlib import Path

from rich.console import Console

from bench import cleansing, latency
from bench.space import Space, without_trends
from pipeline.clients import records
from pipeline.paths import REPOSITORY
from pipeline.wait import until
from stack import throwaway
from stack.layout import Layout

OUTPUT = REPOSITORY / "build" / "bench-cluster.json"
FOLDER = REPOSITORY / "var" / "benchcluster"
BURST = 50_000
# Of these, one node of two cores has time for all.
PER_SECOND = 200
console = Console(stderr=True)


def main() -> None:
    single = _on(cluster=False)
    cluster = _on(cluster=True)
    for name, one in single.items():
        ratio = cluster[name] / one
        console.print(
            f"{name:<28} one node {one:9,.0f}   cluster {cluster[name]:9,.0f}   {ratio:.2f}"
        )
    results = {"one_node": single, "cluster": cluster}
    OUTPUT.write_text(json.dumps(results, indent=2) + "\n")
    print(json.dumps(results, indent=2))


def _on(*, cluster: bool) -> dict[str, float]:
    stack = throwaway.running(REPOSITORY, FOLDER, cluster=cluster)
    with stack as layout, tempfile.TemporaryDirectory() as folder:
        return measure(without_trends(Path(folder), FOLDER / throwaway.TARGET), layout)


def measure(space: Space, layout: Layout) -> dict[str, float]:
    """Records/s into Kafka and into rows, and milliseconds from a raw record to its row."""
    space.declare()
    space.run("deploy")
    cleansing.start(layout)
    with console.status(f"{BURST:,} records at once"):
        into_s, through_s = _burst(space)
    with space.database() as connection:
        connection.execute("TRUNCATE lab_results")
    with console.status(f"latency at {PER_SECOND} records/s"):
        latency.produce(space, latency.RAW_TOPIC, latency.raw_result, PER_SECOND)
        samples = statistics.quantiles(latency.landed(space, PER_SECOND), n=100)
    return {
        "kafka_records_per_s": round(BURST / into_s),
        "raw_to_row_records_per_s": round(BURST / through_s),
        "raw_to_row_p50_ms": round(samples[49]),
        "raw_to_row_p99_ms": round(samples[98]),
    }


def _burst(space: Space) -> tuple[float, float]:
    """Seconds until all brokers have the records, and until all have a row."""
    encode = space.encoder(latency.RAW_TOPIC)
    values = [(f"X{n:08}".encode(), encode(latency.raw_result(n))) for n in range(BURST)]
    begun = time.monotonic()
    records.write(space.target.kafka_of("produce"), latency.RAW_TOPIC, values)
    into_s = time.monotonic() - begun
    until(
        lambda: space.count("lab_results"),
        seconds=180,
        done=lambda rows: rows == BURST,
        describe=lambda rows: f"lab_results has {rows} rows, not {BURST}",
    )
    return into_s, time.monotonic() - begun


if __name__ == "__main__":
    main()
