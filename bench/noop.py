"""How long a deploy takes that has nothing to do, and what it writes: 100 connectors declared."""

import statistics
import time

import yaml

from bench import topics
from bench.space import SINKS, Space
from pipeline.paths import REPOSITORY

CONNECTORS = 100
RUNS = 5


def measure(space: Space) -> tuple[float, int]:
    """Seconds (median) of the whole command, and records added to Connect's configuration topic."""
    space.declare()
    source = yaml.safe_load((REPOSITORY / "connectors/sources/patients.yaml").read_text())
    for number in range(CONNECTORS - len(SINKS)):
        spec = {**source, "name": f"bench-{number}-source", "iterations": 1, "seed": number}
        file = space.root / "connectors" / "sources" / f"bench-{number}.yaml"
        file.write_text(yaml.safe_dump(spec))
    space.run("deploy", "--deadline", "300")
    before = _written(space)
    seconds = [_timed(space) for _ in range(RUNS)]
    return statistics.median(seconds), _written(space) - before


def _timed(space: Space) -> float:
    begun = time.monotonic()
    said = space.run("deploy")
    took = time.monotonic() - begun
    assert "Nothing to change" in said
    return took


def _written(space: Space) -> int:
    """Every write to a connector is a record in Connect's configuration topic."""
    return topics.count(space.target.kafka, "connect_configs")
