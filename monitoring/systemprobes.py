"""What the systems around the pipeline have to say: PostgreSQL, Airflow, the disk, certificates."""

import shutil
import ssl
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlsplit

import psycopg
import requests
from cryptography import x509
from prometheus_client.core import Metric

from monitoring.families import counter, gauge
from pipeline.clients.database import connect, reason_of
from pipeline.clients.postgres import ROLE_PASSWORDS
from pipeline.errors import ServiceError
from pipeline.repository.connections import SERVERS
from pipeline.repository.target import Target

ROLE = "exporter"
WRITTEN = """
SELECT relname, n_tup_ins + n_tup_upd FROM pg_stat_user_tables WHERE schemaname = 'public'
"""
ASK_S = 5
LAST_ENDED = "limit=1&order_by=-run_after&state=success&state=failed"


@dataclass
class Tables:
    """The rows that were written to each table, and when that number last grew."""

    target: Target
    secrets: Mapping[str, str]
    _rows: dict[str, int] = field(default_factory=dict)
    _grown_at: dict[str, float] = field(default_factory=dict)

    def ask(self) -> Iterator[Metric]:
        """By table; the time is that of this probe's start if nothing was written since."""
        rows, now = self._written(), time.time()
        for table, count in rows.items():
            if count != self._rows.get(table):
                self._grown_at[table] = now
        self._rows = rows
        yield counter(
            "hospital_table_rows_written",
            "Rows inserted and updated, ever",
            ["table"],
            {(table,): count for table, count in rows.items()},
        )
        yield gauge(
            "hospital_table_written_timestamp_seconds",
            "When a row was last seen to be written",
            ["table"],
            {(table,): self._grown_at[table] for table in rows},
        )

    def _written(self) -> dict[str, int]:
        password = self.secrets[ROLE_PASSWORDS[ROLE]]
        with connect(self.target.postgres, ROLE, password, autocommit=True) as connection:
            try:
                return {name: int(count) for name, count in connection.execute(WRITTEN)}
            except psycopg.OperationalError as error:
                raise ServiceError(f"PostgreSQL: {reason_of(error)}") from None


@dataclass(frozen=True)
class Airflow:
    """The last run of each DAG, by Airflow's REST API."""

    url: str
    password: str

    def ask(self) -> Iterator[Metric]:
        """By DAG: the last run that has ended. Airflow is started by itself, and may be away."""
        try:
            runs = self._last_runs()
        except (requests.ConnectionError, requests.Timeout):
            yield gauge("hospital_airflow_up", "Whether Airflow answers", [], {(): 0})
            return
        except requests.HTTPError as error:
            raise ServiceError(f"Airflow: {error}") from None
        yield gauge("hospital_airflow_up", "Whether Airflow answers", [], {(): 1})
        yield gauge(
            "hospital_dag_run_failed",
            "Whether a DAG's last run has failed",
            ["dag"],
            {(dag,): run["state"] == "failed" for dag, run in runs.items()},
        )
        yield gauge(
            "hospital_dag_run_timestamp_seconds",
            "When a DAG's last run was to start",
            ["dag"],
            {(dag,): _seconds(run["run_after"]) for dag, run in runs.items()},
        )

    def _last_runs(self) -> dict[str, dict[str, str]]:
        session = requests.Session()
        log_in = {"username": "admin", "password": self.password}
        token = session.post(f"{self.url}/auth/token", json=log_in, timeout=ASK_S)
        token.raise_for_status()
        session.headers["Authorization"] = f"Bearer {token.json()['access_token']}"
        dags = self._json(session, "/dags")["dags"]
        found = {}
        for dag in (dag["dag_id"] for dag in dags):
            runs = self._json(session, f"/dags/{dag}/dagRuns?{LAST_ENDED}")
            if runs["dag_runs"]:
                found[dag] = runs["dag_runs"][0]
        return found

    def _json(self, session: requests.Session, path: str) -> dict[str, list[dict[str, str]]]:
        answer = session.get(f"{self.url}/api/v2{path}", timeout=ASK_S)
        answer.raise_for_status()
        found: dict[str, list[dict[str, str]]] = answer.json()
        return found


def disk(target: Target) -> Iterator[Metric]:
    """The disk that the services store on."""
    usage = shutil.disk_usage(target.state)
    path = (str(target.state),)
    yield gauge("hospital_disk_size_bytes", "Size of the disk", ["path"], {path: usage.total})
    yield gauge("hospital_disk_free_bytes", "What is free of it", ["path"], {path: usage.free})


def certificates(target: Target) -> Iterator[Metric]:
    """When the certificate of each server ends that speaks TLS."""
    ends: dict[tuple[str, ...], float] = {}
    for name, host, port in _servers(target):
        try:
            shown = ssl.get_server_certificate((host, port), timeout=ASK_S)
        except OSError as error:
            raise ServiceError(f"{name} at {host}:{port} shows no certificate: {error}") from None
        certificate = x509.load_pem_x509_certificate(shown.encode())
        ends[name, f"{host}:{port}"] = certificate.not_valid_after_utc.timestamp()
    yield gauge(
        "hospital_certificate_end_timestamp_seconds",
        "When a server's certificate ends",
        ["service", "address"],
        ends,
    )


def _servers(target: Target) -> Iterator[tuple[str, str, int]]:
    if target.kafka.get("security.protocol", "").endswith("SSL"):
        for place in target.kafka[SERVERS].split(","):
            host, _, port = place.rpartition(":")
            yield "kafka", host, int(port)
    urls = {"registry": target.registry.url, "connect": target.connect.url}
    if target.flink:
        urls["flink"] = target.flink.gateway.url
    for name, url in urls.items():
        parts = urlsplit(url)
        if parts.scheme == "https":
            yield name, str(parts.hostname), parts.port or 443


def _seconds(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()
