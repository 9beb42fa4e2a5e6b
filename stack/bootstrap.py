"""Creates what a service needs before it starts: its configuration, databases and storage."""

import os
import subprocess
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from psycopg import sql

from pipeline.clients.database import connect, set_password
from pipeline.clients.database import rotated as rotated_of
from pipeline.clients.postgres import ROLE_PASSWORDS
from pipeline.errors import PipelineError
from pipeline.paths import LIB
from pipeline.repository.connections import SERVERS
from pipeline.repository.target import WORKER_VARIABLES, Target
from stack import requirements
from stack.cluster import bootstrap as clustered
from stack.cluster import certificates, ports
from stack.layout import TEMPLATES, Layout
from stack.service import Service, address, native

# Databases of services: the owner has the database's name, and its password is this secret.
# A cluster has several of these.
ONE_EACH = ("connect.properties.j2", "server.properties.j2")
OWN_DATABASES = {"registry": "REGISTRY_PASSWORD", "airflow": "AIRFLOW_DB_PASSWORD"}


def configuration(layout: Layout, services: tuple[Service, ...]) -> None:
    """Renders stack/templates into the run folder."""
    for folder in (layout.data, layout.logs, layout.run, layout.data / "flink" / "tmp"):
        folder.mkdir(parents=True, exist_ok=True)
    target = layout.target
    embedded = target.embedded
    flink = target.flink
    cluster = layout.cluster
    if cluster:
        certificates.ensure(layout.tls)
    values = {
        "kafka": target.kafka[SERVERS],
        "worker": _worker(target),
        "postgres": target.postgres,
        "controller_port": embedded.controller_port if embedded else None,
        "flink": {
            "gateway": cluster.gateway if cluster else flink and address(flink.gateway.url)[1],
            "rest": cluster.flink if cluster else flink and address(flink.cluster.url)[1],
            "job_manager": cluster and cluster.job_manager,
        },
        "tls": cluster and layout.tls,
        "data": layout.data,
        "logs": layout.logs,
        "run": layout.run,
        "socket": layout.socket,
        "lib": LIB,
        "root": os.geteuid() == 0,
        "services": services,
    }
    # An absolute path, so that the cleansing finds its folders from any working directory.
    absolute = target.model_copy(update={"state": layout.state})
    _write(
        layout.run / "target.yaml", yaml.safe_dump(absolute.model_dump(mode="json", by_alias=True))
    )
    # No autoescape: the templates are properties and ini files, not HTML.
    loader = FileSystemLoader(TEMPLATES)
    jinja = Environment(loader=loader, undefined=StrictUndefined, trim_blocks=True)  # noqa: S701
    texts = {
        template.stem: jinja.get_template(template.name).render(values)
        for template in TEMPLATES.glob("*.j2")
        if not (cluster and template.name in ONE_EACH)
    }
    if cluster:
        connect = jinja.get_template("connect.properties.j2")
        texts |= clustered.configuration(layout, cluster, jinja)
        texts |= {
            f"connect-{n}.properties": connect.render(
                lib=LIB, worker=clustered.worker(layout, cluster, n)
            )
            for n in ports.WORKERS
        }
    for name, text in texts.items():
        _write(layout.run / name, text + "\n")


def _worker(target: Target) -> Mapping[str, Any]:
    """What the configuration of the one Connect worker has of its own."""
    return {
        "port": address(target.connect.url)[1],
        "kafka": {SERVERS: target.kafka[SERVERS]},
        "replication": 1,
        "registry": native(target.registry.url),
        "log_in": {},
        "variables": WORKER_VARIABLES,
        "asks_for_log_in": False,
    }


def _write(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o600)


def postgres(layout: Layout, secrets: Mapping[str, str]) -> None:
    """Creates PostgreSQL's cluster if there is none, and includes our configuration in its own."""
    cluster = layout.data / "postgres"
    if not (cluster / "PG_VERSION").is_file():
        _initdb(layout, cluster, secrets["POSTGRES_PASSWORD"])
    include = f"include = '{layout.run / 'postgresql.conf'}'"
    settings = cluster / "postgresql.conf"
    kept = [line for line in settings.read_text().splitlines() if not line.startswith("include = ")]
    settings.write_text("\n".join([*kept, include, ""]))


def _initdb(layout: Layout, cluster: Path, password: str) -> None:
    # initdb reads the password from a file, because a pipe does not pass the user namespace.
    password_file = layout.run / "initdb.password"
    _write(password_file, password)
    admin = layout.target.postgres.admin
    options = [f"--username={admin}", "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8"]
    command = [
        *requirements.unprivileged(),
        str(LIB / "postgres" / "bin" / "initdb"),
        *options,
        f"--pwfile={password_file}",
        f"--pgdata={cluster}",
    ]
    try:
        _run(command, "initdb")
    finally:
        password_file.unlink()


def superuser(layout: Layout, secrets: Mapping[str, str]) -> None:
    """Gives PostgreSQL's superuser its password. The server must not run, and need not know it."""
    command = [
        *requirements.unprivileged(),
        str(LIB / "postgres" / "bin" / "postgres"),
        "--single",
        "-D",
        str(layout.data / "postgres"),
        "postgres",
    ]
    quoted = secrets["POSTGRES_PASSWORD"].replace("'", "''")
    alter = f"ALTER ROLE \"{layout.target.postgres.admin}\" PASSWORD '{quoted}'\n"
    _run(command, "setting the superuser's password", alter)


def databases(layout: Layout, secrets: Mapping[str, str]) -> list[str]:
    """Creates the pipeline's database, and those of the services, each with a role that owns it.

    Gives these roles, and the pipeline's, the passwords of the secrets; returns those that had
    another.
    """
    postgres = layout.target.postgres
    password = secrets["POSTGRES_PASSWORD"]
    with connect(
        postgres, postgres.admin, password, dbname="postgres", autocommit=True
    ) as connection:
        existing = {row[0] for row in connection.execute("SELECT datname FROM pg_database")}
        if postgres.database not in existing:
            connection.execute(_create_database(postgres.database, postgres.admin))
        for owner in OWN_DATABASES:
            if owner not in existing:
                create = sql.SQL("CREATE ROLE {} LOGIN")
                connection.execute(create.format(sql.Identifier(owner)))
                connection.execute(_create_database(owner, owner))
        roles = {**OWN_DATABASES, **ROLE_PASSWORDS}
        rotated = rotated_of(connection, roles, secrets) or frozenset()
        for role in rotated:
            set_password(connection, role, secrets[roles[role]])
    return sorted(rotated & (existing | ROLE_PASSWORDS.keys()))


def _create_database(name: str, owner: str) -> sql.Composed:
    create = sql.SQL("CREATE DATABASE {} OWNER {}")
    return create.format(sql.Identifier(name), sql.Identifier(owner))


def kafka(layout: Layout) -> None:
    """Formats the storage of each broker, once."""
    names = clustered.BROKERS if layout.cluster else {"kafka": "server.properties"}
    number = clustered.CLUSTER_ID if layout.cluster else str(uuid.uuid4())
    for name, config in names.items():
        if (layout.data / name / "meta.properties").is_file():
            continue
        tool = [requirements.java(), "-cp", f"{LIB / 'kafka'}/*", "kafka.tools.StorageTool"]
        options = ["--cluster-id", number, "--config", str(layout.run / config)]
        _run([*tool, "format", *options], f"formatting the storage of {name}")


def _run(command: list[str], purpose: str, given: str = "") -> None:
    done = subprocess.run(command, input=given, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise PipelineError(f"{purpose} failed:\n{(done.stdout + done.stderr).strip()[-1500:]}")
