"""Where each service tells its metrics: a port on loopback, and the agent of those that are JVMs.

The ports are in a row, from the target's `metrics.exporters_port` on.
"""

from collections.abc import Mapping

from pipeline.paths import LIB, REPOSITORY
from stack.cluster.ports import BROKERS, WORKERS
from stack.layout import Layout

# Of a cluster, and of the services that there are one of.
COUNT = 11
CONFIG = REPOSITORY / "monitoring" / "jmx.yaml"
# By PostgreSQL's exporter and by ours; the others tell their own.
BESIDE = ("postgres-exporter", "exporter")


def ports(layout: Layout) -> Mapping[str, int]:
    """The port of each service that tells metrics; none if the target has no `metrics`."""
    metrics = layout.target.metrics
    if metrics is None:
        return {}
    one = ("kafka", "connect", "flink", "cleanse")
    several = (
        *(f"kafka-{number}" for number in BROKERS),
        *(f"connect-{number}" for number in WORKERS),
        *("flink", *(f"flink-{number}" for number in WORKERS), "cleanse"),
    )
    names = (*(several if layout.cluster else one), *BESIDE)
    return {name: metrics.exporters_port + number for number, name in enumerate(names)}


def agent(layout: Layout, name: str) -> tuple[str, ...]:
    """The option of a JVM that has it tell its JMX beans to Prometheus."""
    port = ports(layout).get(name)
    if port is None:
        return ()
    return (f"-javaagent:{LIB / 'agent' / 'agent.jar'}=127.0.0.1:{port}:{CONFIG}",)
