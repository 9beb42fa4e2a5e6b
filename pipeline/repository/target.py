"""Reads targets/*.yaml, which say where the pipeline runs, and a target's secrets."""

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
    """The PostgreSQL server, as the pipeline's programs connect to it."""

    host: str
    port: Port
    database: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    admin: str = Field("postgres", description="Role that runs postgres/db_setup.sql.")
    published: Address | None = Field(
        None, description="host:port at which tools outside the target reach it, if it differs."
    )


class Flink(yamlfile.Model):
    """Flink. It runs ksql/*.sql if the target has no ksqlDB."""

    gateway: Url = Field(description="REST address of Flink's SQL gateway.")
    cluster: Url = Field(description="REST address of Flink's cluster.")


class Embedded(yamlfile.Model):
    """Settings of the embedded stack only."""

    controller_port: Port = Field(description="Port of Kafka's KRaft controller.")


class Target(yamlfile.Model):
    """A place where the pipeline runs."""

    pipeline: str = Field(
        pattern=r"^[a-z][a-z0-9-]*$",
        description="Marks connectors that this repository deployed. `--prune` deletes no others.",
    )
    kafka: Address
    registry: Url = Field(description="Root URL of a Confluent-compatible Schema Registry API.")
    connect: Url
    postgres: Postgres
    flink: Flink | None = Field(None, description="Runs ksql/*.sql.")
    ksqldb: Url | None = Field(None, description="Runs ksql/*.sql.")
    airflow: Url | None = Field(None, description="Airflow's API server.")
    rest: Url | None = Field(None, description="Confluent's REST Proxy.")
    secrets: Path | None = Field(
        None,
        description="File with KEY=value lines, mode 600, never committed. Without it, the secrets"
        " are read from the environment.",
    )
    state: Path = Field(description="Folder for state, such as the cleansing's checkpoints.")
    embedded: Embedded | None = None


def load(root: Path, name: str) -> Target:
    """Reads a target. `name` is the name of a file in targets/, or a path that ends with .yaml.

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
    """The target's secrets by name. The environment takes precedence over the file.

    Raises:
        PipelineError: the file is missing or other users can read it; or the target has no file,
            and the environment has no secrets.
    """
    if target.secrets is None:
        return _environment()
    path = root / target.secrets
    if not path.is_file():
        raise PipelineError(f"{path} is missing: `make up` generates it")
    if path.stat().st_mode & 0o077:
        raise PipelineError(f"other users can read {path}: chmod 600 {path}")
    return {key: os.environ.get(key, value) for key, value in env_file(path).items()}


def env_file(path: Path) -> dict[str, str]:
    """The variables in a file of KEY=value lines. `$` has no special meaning."""
    values = dotenv_values(path, interpolate=False)
    return {key: value or "" for key, value in values.items()}


def _environment() -> Mapping[str, str]:
    if "POSTGRES_PASSWORD" not in os.environ:
        raise PipelineError(
            "only this target's containers have its secrets: run the command with make, for"
            " example `make deploy TARGET=compose`"
        )
    return {name: value for name, value in os.environ.items() if name.endswith("_PASSWORD")}
