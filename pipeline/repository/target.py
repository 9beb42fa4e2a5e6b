"""Where the pipeline runs: `targets/*.yaml`, and the secrets that belong to it."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from dotenv import dotenv_values
from pydantic import Field, StringConstraints

from pipeline.errors import PipelineError, UsageError
from pipeline.repository import yamlfile
from pipeline.suggest import unknown

Url = Annotated[str, StringConstraints(pattern=r"^https?://[^/]+(/.*)?$")]
Address = Annotated[str, StringConstraints(pattern=r"^[^:/]+:\d+$")]
Port = Annotated[int, Field(ge=1, le=65535)]


class Postgres(yamlfile.Model):
    """The PostgreSQL server, as the pipeline's programs reach it."""

    host: str
    port: Port
    database: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    admin: str = Field("postgres", description="Role that runs postgres/db_setup.sql.")
    published: Address | None = Field(
        None, description="Where people's own tools reach it, if not at host:port."
    )


class Flink(yamlfile.Model):
    """Flink, which runs ksql/*.sql where there is no ksqlDB."""

    gateway: Url = Field(description="REST address of its SQL gateway.")
    cluster: Url = Field(description="REST address of its cluster.")


class Embedded(yamlfile.Model):
    """What only the embedded stack needs to know."""

    controller_port: Port = Field(description="Port of Kafka's KRaft controller.")


class Target(yamlfile.Model):
    """A place where the pipeline runs."""

    pipeline: str = Field(
        pattern=r"^[a-z][a-z0-9-]*$",
        description="Marks what this repository deployed: `--prune` touches nothing else.",
    )
    kafka: Address
    registry: Url = Field(description="Root of a Confluent-compatible Schema Registry API.")
    connect: Url
    postgres: Postgres
    flink: Flink | None = Field(None, description="Runs ksql/*.sql.")
    ksqldb: Url | None = Field(None, description="Runs ksql/*.sql.")
    airflow: Url | None = Field(None, description="Where Airflow's API server listens.")
    rest: Url | None = Field(None, description="Confluent's REST Proxy.")
    secrets: Path | None = Field(
        None,
        description="File of KEY=value lines, mode 600, never committed. None: the environment.",
    )
    state: Path = Field(description="Folder of the cleansing's state and of its progress.")
    embedded: Embedded | None = None


def load(root: Path, name: str) -> Target:
    """The target called `name` (a file of `targets/`), or the file that `name` is the path of.

    Raises:
        UsageError: there is no such target.
        SpecError: its file has mistakes.
    """
    path = Path(name) if name.endswith(".yaml") else root / "targets" / f"{name}.yaml"
    if not path.is_file():
        known = [file.stem for file in (root / "targets").glob("*.yaml")]
        raise UsageError(unknown("target", name, known))
    target: Target = yamlfile.load(path, Target)
    return target


def secrets(root: Path, target: Target) -> Mapping[str, str]:
    """The target's secrets by name; the environment has precedence over the file.

    Raises:
        PipelineError: the file is missing or can be read by others, or there is neither.
    """
    if target.secrets is None:
        return _environment()
    path = root / target.secrets
    if not path.is_file():
        raise PipelineError(f"{path} is missing: `make up` generates it")
    if path.stat().st_mode & 0o077:
        raise PipelineError(f"{path} can be read by others: chmod 600 {path}")
    return {key: os.environ.get(key, value) for key, value in env_file(path).items()}


def env_file(path: Path) -> dict[str, str]:
    """A file of KEY=value lines; `$` is a character as any other."""
    values = dotenv_values(path, interpolate=False)
    return {key: value or "" for key, value in values.items()}


def _environment() -> Mapping[str, str]:
    if "POSTGRES_PASSWORD" not in os.environ:
        raise PipelineError(
            "this target's secrets are in the environment of its containers: use make, for"
            " example `make deploy TARGET=compose`"
        )
    return {name: value for name, value in os.environ.items() if name.endswith("_PASSWORD")}
