"""How fast a sink upserts the diagnoses: our template, the connector's defaults, and COPY."""

import io
import statistics
import time
from uuid import uuid4

import requests

from bench.datagen import RECORDS, TOPIC
from bench.space import Space
from pipeline.repository.desired import render
from pipeline.repository.loader import load
from pipeline.wait import until

# What the template sets for correctness, and addresses; the rest of it is tuning.
NEEDED = {
    "connector.class",
    "topics",
    "connection.username",
    "connection.password",
    "hibernate.dialect",
    "collection.name.format",
    "insert.mode",
    "primary.key.mode",
    "primary.key.fields",
    "schema.evolution",
}
FLATTEN = {
    "transforms": "flatten",
    "transforms.flatten.type": "org.apache.kafka.connect.transforms.Flatten$Value",
    "transforms.flatten.delimiter": "_",
}
ROUNDS = 3
# Commits by PostgreSQL's own clock. The first third is the group's rebalancing as tasks start.
STEADY_FROM = 1 / 3
STEADY_S = f"""
SELECT extract(epoch FROM max(at) - percentile_disc({STEADY_FROM}) WITHIN GROUP (ORDER BY at))
FROM (SELECT pg_xact_commit_timestamp(xmin) AS at FROM diagnoses) commits
"""


def measure(space: Space) -> dict[str, float]:
    """Rows per second into an empty table, by name: medians of rounds that alternate."""
    rendered = render(load(space.root), space.target.pipeline).connectors
    template = next(dict(c.config) for c in rendered if c.name == "diagnoses-sink")
    # The raw topic, which Datagen has just filled, in place of the clean one.
    template["topics"] = TOPIC
    defaults = {key: value for key, value in template.items() if key in NEEDED}
    defaults |= {"connection.url": "${env:JDBC_URL}"} | FLATTEN
    # The first round warms the worker's JIT up and is left out.
    rounds = [(_sink(space, template), _sink(space, defaults)) for _ in range(ROUNDS + 1)][1:]
    return {
        "our template": statistics.median(rate for rate, _ in rounds),
        "defaults": statistics.median(rate for _, rate in rounds),
        "COPY": _copy(space),
    }


def _sink(space: Space, config: dict[str, str]) -> float:
    name = f"bench-{uuid4().hex[:8]}"
    with space.database() as connection:
        connection.execute("TRUNCATE diagnoses")
        connection.execute("CHECKPOINT")
    url = f"{space.target.connect}/connectors/{name}"
    body = {**config, "name": name}
    requests.put(f"{url}/config", json=body, timeout=60).raise_for_status()
    try:
        # Seldom: counting takes the sink's share of the machine.
        until(
            lambda: space.count("diagnoses"),
            seconds=240,
            done=lambda rows: rows == RECORDS,
            describe=lambda rows: f"{rows} of {RECORDS} rows",
            every=1,
        )
    finally:
        requests.delete(url, timeout=30).raise_for_status()
    return RECORDS * (1 - STEADY_FROM) / float(space.rows(STEADY_S)[0][0])


def _copy(space: Space) -> float:
    data = io.BytesIO()
    with space.database() as connection, connection.cursor() as cursor:
        with cursor.copy("COPY diagnoses TO STDOUT (FORMAT binary)") as out:
            for block in out:
                data.write(block)
        cursor.execute("TRUNCATE diagnoses")
        cursor.execute("CHECKPOINT")
        begun = time.monotonic()
        with cursor.copy("COPY diagnoses FROM STDIN (FORMAT binary)") as into:
            into.write(data.getvalue())
        return RECORDS / (time.monotonic() - begun)
