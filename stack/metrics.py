"""Prometheus, Alertmanager and the exporters, as services that `make metrics` starts."""

import shlex
import shutil
import sys
from collections.abc import Mapping

from monitoring import configuration
from pipeline.clients.database import in_url
from pipeline.clients.postgres import ROLE_PASSWORDS
from pipeline.errors import PipelineError
from scripts import passwords
from stack import exporters
from stack.layout import Layout
from stack.service import Service, address, answers

PROGRAMS = ("prometheus", "promtool", "prometheus-alertmanager", "prometheus-postgres-exporter")
PACKAGES = "prometheus prometheus-alertmanager prometheus-postgres-exporter"
KEPT = "15d"


def services(layout: Layout) -> tuple[Service, ...]:
    """The exporters, Alertmanager and Prometheus; none if the target has no `metrics`."""
    metrics = layout.target.metrics
    if metrics is None:
        return ()
    return (
        _pipeline(layout),
        _postgres(layout),
        _alertmanager(layout, metrics.alertmanager),
        _prometheus(layout, metrics.prometheus),
    )


def _pipeline(layout: Layout) -> Service:
    at = ("127.0.0.1", exporters.ports(layout)["exporter"])
    # The supervisor has the secrets of when it was started, and the file has those of now.
    fresh = ["env", *(f"--unset={name}" for name in passwords.NAMES)]
    target = str(layout.run / "target.yaml")
    command = [*fresh, sys.executable, "-m", "monitoring", "--target", target]
    return Service(
        "exporter",
        at,
        shlex.join([*command, "--port", str(at[1])]),
        lambda: answers(f"http://{at[0]}:{at[1]}/metrics"),
    )


def _postgres(layout: Layout) -> Service:
    postgres = layout.target.postgres
    at = ("127.0.0.1", exporters.ports(layout)["postgres-exporter"])
    # Debian 12's asks PostgreSQL 17 for checkpoints where they are no more.
    options = [f"--web.listen-address={at[0]}:{at[1]}", "--no-collector.bgwriter"]
    place = f"{postgres.host}:{postgres.port}/{postgres.database}"
    return Service(
        "postgres-exporter",
        at,
        shlex.join(["prometheus-postgres-exporter", *options]),
        lambda: answers(f"http://{at[0]}:{at[1]}/metrics"),
        variables={"DATA_SOURCE_PASS": ROLE_PASSWORDS["exporter"]},
        settings={
            "DATA_SOURCE_USER": "exporter",
            "DATA_SOURCE_URI": f"{place}{in_url(postgres) or '?sslmode=disable'}",
        },
    )


def _alertmanager(layout: Layout, url: str) -> Service:
    host, port = address(url)
    options = [
        f"--config.file={layout.run / 'alertmanager.yaml'}",
        f"--storage.path={layout.data / 'alertmanager'}",
        f"--web.listen-address={host}:{port}",
        # It has no peers.
        "--cluster.listen-address=",
    ]
    command = shlex.join(["prometheus-alertmanager", *options])
    return Service("alertmanager", (host, port), command, lambda: answers(f"{url}/-/ready"))


def _prometheus(layout: Layout, url: str) -> Service:
    host, port = address(url)
    options = [
        f"--config.file={layout.run / 'prometheus.yaml'}",
        f"--storage.tsdb.path={layout.data / 'prometheus'}",
        f"--storage.tsdb.retention.time={KEPT}",
        f"--web.listen-address={host}:{port}",
    ]
    command = shlex.join(["prometheus", *options])
    return Service("prometheus", (host, port), command, lambda: answers(f"{url}/-/ready"))


def configure(layout: Layout, secrets: Mapping[str, str]) -> None:
    """Writes the configuration of Prometheus and Alertmanager into the run folder."""
    metrics = layout.target.metrics
    assert metrics is not None  # noqa: S101 - only then there are services
    urls = {"prometheus": metrics.prometheus, "alertmanager": metrics.alertmanager}
    places = {name: "{}:{}".format(*address(url)) for name, url in urls.items()}
    places |= {name: f"127.0.0.1:{port}" for name, port in exporters.ports(layout).items()}
    configuration.write(layout.run, places, secrets)


def check() -> None:
    """Checks that the programs are installed.

    Raises:
        PipelineError: they are not.
    """
    missing = [name for name in PROGRAMS if not shutil.which(name)]
    if missing:
        raise PipelineError(
            f"no {', '.join(missing)}: install what watches the stack (on Debian: `make prometheus`"
            f" as root, or apt-get install {PACKAGES}; systemctl disable --now {PACKAGES})"
        )
