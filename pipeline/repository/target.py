"""Reads targets/*.yaml, which say where the pipeline runs, and a target's secrets."""

import os
import re
from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from dotenv.parser import Binding, parse_stream
from pydantic import AfterValidator, Field, StringConstraints

from pipeline import textfile
from pipeline.errors import Mistake, PipelineError, SpecError, UsageError
from pipeline.repository import yamlfile
from pipeline.repository.confidential import SHORTEST
from pipeline.suggest import unknown

# What the workers of both targets hand out: stack/templates/connect.properties.j2, compose.yaml.
WORKER_VARIABLES = ("JDBC_PASSWORD", "JDBC_URL")
NEEDED = "POSTGRES_PASSWORD"
NAME = re.compile(r"[A-Za-z_]\w*")


def _url(text: str) -> str:
    if re.search(r"\s", text):
        raise ValueError("has a space within")
    if "@" in text.rsplit("://", maxsplit=1)[-1].split("/", maxsplit=1)[0]:
        raise ValueError("has a user or a password within: addresses are no place for them")
    try:
        port = urlsplit(text).port
    except ValueError:
        port = 0
    if port == 0:
        raise ValueError("has no port between 1 and 65535 after the colon")
    return text


def _address(text: str) -> str:
    if not 1 <= int(text.rpartition(":")[2]) <= 65535:
        raise ValueError("has no port between 1 and 65535")
    return text


Url = Annotated[str, StringConstraints(pattern=r"^https?://[^/]+(/.*)?$"), AfterValidator(_url)]
Address = Annotated[
    str, StringConstraints(pattern=r"^[^:/\s]+:[0-9]{1,5}$"), AfterValidator(_address)
]
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


class Spark(yamlfile.Model):
    """Where the cleansing runs, in Spark's own terms."""

    master: str = Field(
        "local[*]",
        pattern=r"^(local(\[[0-9*]+\])?|spark://.+|k8s://.+|yarn)$",
        description="Spark's master. `local[*]` has a slot for each partition of the raw topics.",
    )
    checkpoint: str | None = Field(
        None,
        description="Folder or URL below which the queries keep how far they have read; it is below"
        " `state` if not given. Every worker has to reach it: s3a://bucket/cleanse, for one.",
    )
    jars: list[str] = Field([], description="More jars, for the checkpoint's place perhaps.")
    conf: dict[str, str | int | bool] = Field(
        {}, description="Spark's settings, by their own names: spark.cores.max, for one."
    )


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
    spark: Spark = Field(
        default_factory=lambda: Spark.model_validate({}), description="Runs the cleansing."
    )
    airflow: Url | None = Field(None, description="Airflow's API server.")
    dashboard: Url | None = Field(None, description="The web dashboard.")
    rest: Url | None = Field(None, description="Confluent's REST Proxy.")
    secrets: Path | None = Field(
        None,
        strict=False,
        description="File with KEY=value lines, mode 600, never committed. Without it, the secrets"
        " are read from the environment.",
    )
    state: Path = Field(
        strict=False, description="Folder for state, such as the cleansing's checkpoints."
    )
    variables: list[str] = Field(
        list(WORKER_VARIABLES),
        description="Variables that the worker's `env` provider hands out to connectors.",
    )
    embedded: Embedded | None = None


def load(root: Path, name: str) -> Target:
    """Reads a target. `name` is the name of a file in targets/, or a path that ends with .yaml.

    Raises:
        UsageError: there is no such target.
        SpecError: its file has mistakes.
    """
    path = file_of(root, name)
    if not textfile.exists(path):
        known = [file.stem for file in (root / "targets").glob("*.yaml")]
        raise UsageError(unknown("target", name, known))
    target: Target = yamlfile.load(path, Target)
    return target


def file_of(root: Path, name: str) -> Path:
    """The file of a target, which may not exist."""
    return Path(name) if name.endswith(".yaml") else root / "targets" / f"{name}.yaml"


def secrets(root: Path, target: Target, needed: str = NEEDED) -> Mapping[str, str]:
    """The target's secrets by name. The environment takes precedence over the file.

    Raises:
        PipelineError: the file is missing or other users can read it; or the target has no file,
            and the environment has not the one that is needed.
    """
    if target.secrets is None:
        return _environment(needed)
    path = root / target.secrets
    if not textfile.exists(path):
        raise PipelineError(f"{path} is missing: `make up` generates it")
    if path.stat().st_mode & 0o077:
        raise PipelineError(f"other users can read {path}: chmod 600 {path}")
    values = {key: os.environ.get(key, value) for key, value in env_file(path).items()}
    if needed not in values:
        raise SpecError((Mistake(path, None, needed, "is missing: a line KEY=value"),))
    _refuse_trivial(values, f"{path} and the environment")
    return values


def env_file(path: Path) -> dict[str, str]:
    """The variables in a file of KEY=value lines. `$` has no special meaning.

    Raises:
        SpecError: the file cannot be read, or a line is something else.
    """
    lines = list(parse_stream(StringIO(textfile.read(path))))
    mistakes = tuple(
        Mistake(path, _line(line), "", "is no KEY=value: a name, `=`, and the value")
        for line in lines
        if line.error or (line.key is not None and not _is_variable(line))
    )
    if mistakes:
        raise SpecError(mistakes)
    return {line.key: line.value or "" for line in lines if line.key is not None}


def _line(binding: Binding) -> int:
    """Where it stands: the blank lines before it are part of it."""
    text = binding.original.string
    return binding.original.line + text[: len(text) - len(text.lstrip())].count("\n")


def _is_variable(line: Binding) -> bool:
    return line.value is not None and bool(NAME.fullmatch(line.key or ""))


def _environment(needed: str) -> Mapping[str, str]:
    if needed not in os.environ:
        raise PipelineError(
            "only this target's containers have its secrets: run the command with make, for"
            " example `make deploy TARGET=compose`"
        )
    values = {name: value for name, value in os.environ.items() if name.endswith("_PASSWORD")}
    _refuse_trivial(values, "the environment")
    return values


def _refuse_trivial(secrets: Mapping[str, str], place: str) -> None:
    trivial = [name for name, value in secrets.items() if len(value.strip()) < SHORTEST]
    if trivial:
        names = ", ".join(sorted(trivial))
        message = f"{names}: a secret has {SHORTEST} characters or more; it is set in {place}"
        raise UsageError(message)
