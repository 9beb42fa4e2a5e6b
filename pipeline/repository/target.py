"""Reads targets/*.yaml, which say where the pipeline runs, and a target's secrets."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, PrivateAttr, StringConstraints, model_validator

from pipeline import textfile
from pipeline.errors import Mistake, PipelineError, SpecError, UsageError
from pipeline.kubernetes.settings import Strimzi
from pipeline.repository import connections, envfile, yamlfile
from pipeline.repository.confidential import SHORTEST
from pipeline.repository.connections import Kafka, Properties, Service, Url
from pipeline.repository.specs import MOST_PARTITIONS, MOST_REPLICAS, Property
from pipeline.suggest import unknown

# What the workers of both targets hand out: stack/templates/connect.properties.j2, compose.yaml.
WORKER_VARIABLES = ("JDBC_URL", "JDBC_PASSWORD")
NEEDED = "POSTGRES_PASSWORD"
# The settings that have paths of certificates, and references to secrets.
CONNECTIONS = {
    "kafka", "principals", "registry", "connect", "ksqldb", "rest", "flink", "postgres",
}  # fmt: skip


def _address(text: str) -> str:
    if not 1 <= int(text.rpartition(":")[2]) <= 65535:
        raise ValueError("has no port between 1 and 65535")
    return text


Address = Annotated[
    str, StringConstraints(pattern=r"^[^:/\s]+:[0-9]{1,5}$"), AfterValidator(_address)
]
Port = Annotated[int, Field(ge=1, le=65535)]
# The programs that talk to Kafka, beside render.py.
Program = Literal["airflow", "cleanse", "connect", "flink", "monitor", "produce", "replay", "erase"]


SslMode = Literal["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]


class Postgres(yamlfile.Model):
    """The PostgreSQL server, as the pipeline's programs connect to it."""

    host: str
    port: Port
    database: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    admin: str = Field("postgres", description="Role that runs postgres/db_setup.sql.")
    user: str | None = Field(
        None, description="Role that render.py logs in as, if it is not `admin`: one that may read."
    )
    password: str | None = Field(
        None, description="A reference to its password; without it, POSTGRES_PASSWORD."
    )
    sslmode: SslMode | None = Field(None, description="As in libpq; `verify-full` is the safe one.")
    sslrootcert: str | None = Field(None, description="PEM file of the CA, as in libpq.")
    sslcert: str | None = Field(None, description="PEM file of the client's certificate.")
    sslkey: str | None = Field(None, description="PEM file of the client's key.")
    published: Address | None = Field(
        None, description="host:port at which tools outside the target reach it, if it differs."
    )


class Flink(yamlfile.Model):
    """Flink. It runs ksql/*.sql if the target has no ksqlDB."""

    gateway: Service = Field(description="REST address of Flink's SQL gateway.")
    cluster: Service = Field(description="REST address of Flink's cluster.")


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


class TopicsOverlay(yamlfile.Model):
    """What topics have here, in place of the defaults of topics.yaml."""

    partitions: int | None = Field(None, ge=1, le=MOST_PARTITIONS)
    replication: int | None = Field(None, ge=1, le=MOST_REPLICAS)
    config: dict[str, Property] = Field({}, description="Topic properties, by Kafka's names.")


class ConnectorOverlay(yamlfile.Model):
    """What connectors have here, in place of what their specs and templates say."""

    config: dict[str, Property] = Field(
        {}, description="Properties of Connect or of the connector, `tasks.max` for one."
    )


class Metrics(yamlfile.Model):
    """Where `make metrics` starts what watches the embedded stack."""

    prometheus: Url
    alertmanager: Url
    exporters_port: Port = Field(
        description="The first of 11 ports at which the services tell their metrics."
    )


class Embedded(yamlfile.Model):
    """Settings of the embedded stack only."""

    controller_port: Port | None = Field(None, description="Port of Kafka's KRaft controller.")
    cluster_port: Port | None = Field(
        None,
        description="Makes the stack a cluster: the first of 16 ports that its parts use among"
        " themselves.",
    )

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.controller_port is None) == (self.cluster_port is None):
            raise ValueError("has one of controller_port (one broker) and cluster_port (a cluster)")
        return self


class Target(yamlfile.Model):
    """A place where the pipeline runs."""

    pipeline: str = Field(
        pattern=r"^[a-z][a-z0-9-]*$",
        description="Marks connectors that this repository deployed. `--prune` deletes no others.",
    )
    kafka: Kafka = Field(
        description="host:port, or the properties of a client by librdkafka's names:"
        " bootstrap.servers, security.protocol and so on."
    )
    principals: dict[Program, Properties] = Field(
        {}, description="By program: its properties in place of those of `kafka`, its log-in first."
    )
    registry: Service = Field(description="Root URL of a Confluent-compatible Schema Registry API.")
    connect: Service
    postgres: Postgres
    flink: Flink | None = Field(None, description="Runs ksql/*.sql.")
    ksqldb: Service | None = Field(None, description="Runs ksql/*.sql.")
    spark: Spark = Field(
        default_factory=lambda: Spark.model_validate({}), description="Runs the cleansing."
    )
    airflow: Url | None = Field(None, description="Airflow's API server.")
    dashboard: Url | None = Field(None, description="The web dashboard.")
    metrics: Metrics | None = Field(None, description="Prometheus, Alertmanager and exporters.")
    rest: Service | None = Field(None, description="Confluent's REST Proxy.")
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
    topics: TopicsOverlay = Field(
        default_factory=lambda: TopicsOverlay.model_validate({}),
        description="What topics have here, in place of the defaults of topics.yaml.",
    )
    connectors: dict[str, ConnectorOverlay] = Field(
        {}, description="By name of connectors (* and ? match): what they have here. The last wins."
    )
    strimzi: Strimzi | None = Field(
        None,
        description="Strimzi's operators make the topics and connectors, and `deploy` the rest.",
    )
    embedded: Embedded | None = None
    _file: Path = PrivateAttr(Path("targets"))

    @property
    def file(self) -> Path:
        """The file that it was read from."""
        return self._file

    def kafka_of(self, program: Program) -> dict[str, str]:
        """The properties of a program's Kafka clients, by librdkafka's names."""
        return {**self.kafka, **self.principals.get(program, {})}


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
    anchored = _anchored(root, target)
    anchored._file = path  # noqa: SLF001 - its own
    return anchored


def _anchored(root: Path, target: Target) -> Target:
    """The target; its certificates and references are paths below the repository's root."""
    settings = target.model_dump(by_alias=True)
    for key in CONNECTIONS & settings.keys():
        settings[key] = _below(root, key, settings[key])
    return Target.model_validate(settings)


def own_secrets(target: Target, path: Path) -> Iterator[str]:
    """The names of the secrets that the target's connections refer to in a file."""
    for _, text in _texts(target.model_dump(include=CONNECTIONS, by_alias=True)):
        yield from (key for place, key in connections.lines_of(text) if place == path.absolute())


def referenced(target: Target) -> Iterator[str]:
    """The secrets that the target refers to, as far as they have values now."""
    for key, text in _texts(target.model_dump(include=CONNECTIONS, by_alias=True)):
        yield from connections.secrets_of(key, text)


def _texts(settings: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """All texts of nested settings, each with its own key."""
    for key, value in settings.items():
        if isinstance(value, dict):
            yield from _texts(value)
        elif isinstance(value, str):
            yield key, value


def _below(root: Path, key: str, value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _below(root, name, item) for name, item in value.items()}
    return connections.anchored(root, key, value) if isinstance(value, str) else value


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
    values = {key: os.environ.get(key, value) for key, value in envfile.read(path).items()}
    if needed not in values:
        raise SpecError((Mistake(path, None, needed, "is missing: a line KEY=value"),))
    _refuse_trivial(values, f"{path} and the environment")
    return values


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
