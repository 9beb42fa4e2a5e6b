"""How fast a sink upserts those results: our template, the connector's defaults, and COPY."""

import io
import time

import requests

from bench.datagen import RECORDS
from pipeline.project import load, render
from pipeline.wait import until
from stack.layout import REPOSITORY
from tests.embedded.workspace import Workspace

# What the template sets for correctness or for the place; the rest of it is tuning.
NEEDED = {
    "name", "connector.class", "tasks.max", "topics", "connection.url", "connection.username",
    "connection.password", "hibernate.dialect", "collection.name.format", "insert.mode",
    "primary.key.mode", "primary.key.fields", "schema.evolution", "transforms",
    "transforms.flatten.type", "transforms.flatten.delimiter", "managed.by",
}  # fmt: skip


def measure(space: Workspace) -> dict[str, float]:
    """Rows per second into an empty table, by name."""
    sink = (REPOSITORY / "connectors" / "sinks" / "labs.yaml").read_text()
    space.write("connectors/sinks/labs.yaml", sink)
    rendered = render(load(space.root), space.target.pipeline).connectors
    config = next(dict(c.config) for c in rendered if c.name == "labs-sink")
    defaults = {key: value for key, value in config.items() if key in NEEDED}
    rates = {
        "our template": _sink(space, {**config, "name": "bench-template"}),
        "defaults": _sink(space, {**defaults, "name": "bench-defaults"}),
        "COPY": _copy(space),
    }
    (space.root / "connectors/sinks/labs.yaml").unlink()
    return rates


def _sink(space: Workspace, config: dict[str, str]) -> float:
    _truncate(space)
    url = f"{space.target.connect}/connectors/{config['name']}"
    requests.put(f"{url}/config", json=config, timeout=60).raise_for_status()
    try:
        first = until(lambda: _progress(space), seconds=60, describe=lambda: "no row", every=0.05)
        last = until(lambda: _all(space), seconds=240, describe=lambda: "not all rows", every=0.05)
    finally:
        requests.delete(url, timeout=30).raise_for_status()
    return (RECORDS - first[1]) / (last - first[0])


def _truncate(space: Workspace) -> None:
    with space.database() as connection:
        connection.execute("TRUNCATE lab_results")
        connection.execute("CHECKPOINT")


def _rows(space: Workspace) -> int:
    return int(space.rows("SELECT count(*) FROM lab_results")[0][0])


def _progress(space: Workspace) -> tuple[float, int] | None:
    rows = _rows(space)
    return (time.monotonic(), rows) if rows else None


def _all(space: Workspace) -> float | None:
    return time.monotonic() if _rows(space) == RECORDS else None


def _copy(space: Workspace) -> float:
    data = io.BytesIO()
    with space.database() as connection, connection.cursor() as cursor:
        with cursor.copy("COPY lab_results TO STDOUT (FORMAT binary)") as out:
            for block in out:
                data.write(block)
        cursor.execute("TRUNCATE lab_results")
        cursor.execute("CHECKPOINT")
        begun = time.monotonic()
        with cursor.copy("COPY lab_results FROM STDIN (FORMAT binary)") as into:
            into.write(data.getvalue())
        return RECORDS / (time.monotonic() - begun)
