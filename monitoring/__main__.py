"""The exporter of the pipeline's own metrics: `python -m monitoring --help`.

It asks the services as `render.py status` and `render.py plan` do, and changes nothing. Prometheus
scrapes it; `make metrics` starts both.
"""

import signal
from typing import Annotated

import typer
from prometheus_client import REGISTRY, start_http_server

from monitoring import systemprobes
from monitoring.collector import Probe, Probed
from monitoring.declared import Declared
from monitoring.pipelineprobes import Pipeline
from monitoring.systemprobes import Airflow, Tables
from pipeline import command, servicelog
from pipeline.paths import here
from pipeline.repository import rules as rules_file
from pipeline.repository import target as targets

OFTEN_S = 10
SELDOM_S = 60
app = typer.Typer(add_completion=False)


@app.command(help=__doc__)
def main(
    port: Annotated[int, typer.Option(help="Port to listen at.")],
    target_name: Annotated[
        str, typer.Option("--target", help="A file in targets/, or a path.")
    ] = "embedded",
    host: Annotated[str, typer.Option(help="Address to listen at.")] = "127.0.0.1",
) -> None:
    """Serves the metrics until it is stopped."""
    root = here()
    target = targets.load(root, target_name)
    secrets = targets.secrets(root, target)
    pipeline = Pipeline(
        Declared(root, target_name), target, rules_file.load(root / rules_file.FILE)
    )
    probes = [
        Probe("connectors", OFTEN_S, pipeline.connectors),
        Probe("queries", OFTEN_S, pipeline.queries),
        Probe("lags", OFTEN_S, pipeline.lags),
        Probe("dead letters", OFTEN_S, pipeline.dead_letters),
        Probe("cleansing", OFTEN_S, pipeline.cleansing),
        Probe("tables", OFTEN_S, Tables(target, secrets).ask),
        Probe("disk", OFTEN_S, lambda: systemprobes.disk(target)),
        Probe("subjects", SELDOM_S, pipeline.subjects),
        Probe("drift", SELDOM_S, pipeline.drift),
        Probe("certificates", SELDOM_S, lambda: systemprobes.certificates(target)),
    ]
    if target.airflow:
        airflow = Airflow(target.airflow, secrets["AIRFLOW_ADMIN_PASSWORD"])
        probes.append(Probe("airflow", OFTEN_S, airflow.ask))
    REGISTRY.register(Probed(probes))
    start_http_server(port, host)
    servicelog.logger().info("metrics at http://%s:%s/metrics", host, port)
    signal.sigwait({signal.SIGTERM, signal.SIGINT})


if __name__ == "__main__":
    command.run(app)
