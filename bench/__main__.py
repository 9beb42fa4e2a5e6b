"""Measures the pipeline on real services and writes build/bench.json: `make bench`.

Every ratio is of two measurements of this run. Expect the absolute numbers to move by a third from
run to run on a small shared machine, the ratios by a tenth.
"""

import json
import statistics
import tempfile
from pathlib import Path

from rich.console import Console

from bench import cleansing, dashboard, datagen, latency, noop, sinks, trends
from bench.space import Space, copy, without_trends
from pipeline.paths import REPOSITORY
from stack import throwaway
from stack.layout import Layout
from stack.supervisor import Supervisor

OUTPUT = REPOSITORY / "build" / "bench.json"
FOLDER = REPOSITORY / "var" / "bench"
console = Console(stderr=True)


def main() -> None:
    with throwaway.running(REPOSITORY, FOLDER) as layout, tempfile.TemporaryDirectory() as folder:
        # It would take the machine from what is measured, until it is itself.
        Supervisor(layout.socket).stop("cleanse")
        results = measure(without_trends(Path(folder), FOLDER / throwaway.TARGET), layout)
    OUTPUT.write_text(json.dumps(results, indent=2) + "\n")
    print(json.dumps(results, indent=2))
    console.print(f"written to {OUTPUT.relative_to(REPOSITORY)}")


def shaping(space: Space, layout: Layout) -> dict[str, float]:
    """What Flink does with the clean topics, and how long that takes from a raw record."""
    space.run("destroy", "--yes")
    shaped = copy(space.root / "trends", space.target_file)
    for file in (shaped.root / "connectors" / "sources").glob("*.yaml"):
        file.unlink()
    with console.status("trends: records/s through the heaviest statement"):
        # The topics, subjects and tables, without the queries.
        trends.prepare(shaped)
        shaped.run("deploy", "--only", "[a-z]*_*", "--only", "plain*")
        rates = trends.measure(shaped)
    plain, heaviest = rates.values()
    for name, rate in rates.items():
        console.print(f"Flink, {name:<24} {rate:6,.0f} records/s")
    with console.status("trends: from a clean record to its row"):
        shaped.run("deploy")
        trends.await_counted(shaped)
        clean = trends.through(shaped, "patient_admissions_clean", 2040)
    with console.status("trends: from a raw record to its row"):
        cleansing.start(layout)
        raw = trends.through(shaped, "patient_admissions", 2050)
    Supervisor(layout.socket).stop("cleanse")
    with console.status("the dashboard over a million admissions"):
        seen = dashboard.measure(shaped, layout)
    for name, value in seen.items():
        console.print(f"{name:<30} {value:7,}")
    samples, from_raw = statistics.quantiles(clean, n=100), statistics.quantiles(raw, n=100)
    console.print(f"clean record to trend row, p50 {samples[49]:7,.0f} ms")
    console.print(f"raw record to trend row, p50 {from_raw[49]:9,.0f} ms")
    return {
        "trend_records_per_s": round(heaviest),
        "trend_ratio_vs_projection": round(heaviest / plain, 2),
        "trend_latency_p50_ms": round(samples[49]),
        "trend_latency_p95_ms": round(samples[94]),
        "raw_to_trend_p50_ms": round(from_raw[49]),
        "raw_to_trend_p95_ms": round(from_raw[94]),
        **seen,
    }


def measure(space: Space, layout: Layout) -> dict[str, float]:
    """Everything, in one run: the topic that Datagen fills is what the sinks read."""
    with console.status("Datagen: records/s into Kafka"):
        generated = datagen.measure(space)
    console.print(f"Datagen, one task           {generated:10,.0f} records/s")
    with console.status("sinks: rows/s into PostgreSQL"):
        rates = sinks.measure(space)
    for name, rate in rates.items():
        console.print(f"sink, {name:<21} {rate:10,.0f} rows/s")
    with console.status("cleansing: records/s against a copy"):
        spark = cleansing.throughput(space)
    for name, rate in spark.items():
        console.print(f"Spark, {name:<20} {rate:10,.0f} records/s")
    with console.status("latency at 1,000 records/s"):
        samples = latency.measure(space)
    percentiles = statistics.quantiles(samples, n=100)
    console.print(f"record to committed row, p50 {percentiles[49]:9,.0f} ms of {len(samples):,}")
    with console.status("a deploy that changes nothing, 100 connectors"):
        seconds, writes = noop.measure(space)
    console.print(f"deploy of no change         {seconds:10.2f} s, {writes} writes")
    with console.status("latency of the cleansing at 1,000 records/s"):
        cleansed, rows = (
            statistics.quantiles(samples, n=100) for samples in cleansing.through(space, layout)
        )
    for name, samples in (("clean record", cleansed), ("row", rows)):
        found = f"p50 {samples[49]:,.0f} ms, p99 {samples[98]:,.0f} ms"
        console.print(f"raw record to {name:<13} {found}")
    restart_s = cleansing.restart(space, layout)
    console.print(f"a kill to the next clean record {restart_s:6,.1f} s")
    memory = throwaway.peak_mb(layout, "cleanse")
    Supervisor(layout.socket).stop("cleanse")
    console.print(f"the cleansing's memory      {memory:10,.0f} MB")
    return {
        "datagen_records_per_s": round(generated),
        "sink_rows_per_s": round(rates["our template"]),
        "sink_ratio_vs_defaults": round(rates["our template"] / rates["defaults"], 2),
        "sink_ratio_vs_copy": round(rates["our template"] / rates["COPY"], 3),
        "latency_p50_ms": round(percentiles[49], 1),
        "latency_p95_ms": round(percentiles[94], 1),
        "latency_p99_ms": round(percentiles[98], 1),
        "noop_deploy_s": round(seconds, 2),
        "noop_deploy_writes": writes,
        "cleanse_records_per_s": round(spark["cleanse"]),
        "cleanse_ratio_vs_copy": round(spark["cleanse"] / spark["copy"], 2),
        "cleanse_latency_p50_ms": round(cleansed[49]),
        "cleanse_latency_p95_ms": round(cleansed[94]),
        "cleanse_latency_p99_ms": round(cleansed[98]),
        "raw_to_row_p50_ms": round(rows[49]),
        "raw_to_row_p99_ms": round(rows[98]),
        "cleanse_restart_s": round(restart_s, 1),
        "cleanse_memory_mb": round(memory),
        **shaping(space, layout),
    }


if __name__ == "__main__":
    main()
