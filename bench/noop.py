"""How long a deploy of 100 connectors takes that changes nothing, and what it writes."""

import statistics
import time

import yaml

from bench import topics
from pipeline.paths import REPOSITORY
from tests.support.workspace import Workspace

CONNECTORS = 100
RUNS = 5


def measure(space: Workspace) -> tuple[float, int]:
    """Seconds (median) of the whole command, and records added to Connect's configuration topic."""
    sinks = sorted((REPOSITORY / "connectors" / "sinks").glob("*.yaml"))
    for file in sinks:
        space.write(f"connectors/sinks/{file.name}", file.read_text())
    source = yaml.safe_load((REPOSITORY / "connectors/sources/patients.yaml").read_text())
    for number in range(CONNECTORS - len(sinks)):
        spec = {**source, "name": f"bench-{number}-source", "iterations": 1, "seed": number}
        space.write(f"connectors/sources/bench-{number}.yaml", spec)
    space.ok("deploy", "--deadline", "300")
    before = _written(space)
    seconds = [_timed(space) for _ in range(RUNS)]
    return statistics.median(seconds), _written(space) - before


def _timed(space: Workspace) -> float:
    begun = time.monotonic()
    output = space.ok("deploy")
    seconds = time.monotonic() - begun
    assert "Nothing to change" in output
    return seconds


def _written(space: Workspace) -> int:
    """Every write to a connector is a record in Connect's configuration topic."""
    return topics.count(space.target.kafka, "connect_configs")
