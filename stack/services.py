"""The services of the stack: the command that starts each one, and its health check."""

import shlex
import sys
import sysconfig
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import requests
from confluent_kafka import KafkaException

from pipeline.clients import librdkafka
from pipeline.clients.database import connect
from pipeline.errors import DeniedError, ServiceError
from pipeline.paths import LIB, REPOSITORY
from pipeline.repository.connections import SERVERS
from spark import status
from stack import requirements
from stack.layout import Layout

# The age in seconds at which the cleansing's status file is too old. The job writes it every
# second, once Spark has started, which takes 20 s on a busy machine.
SILENCE_S = 90
# Flink's jars come from its Python package.
FLINK_JARS = Path(sysconfig.get_paths()["purelib"]) / "pyflink"
# As in Flink's own scripts: without these, Flink cannot serialise its job graphs on Java 17.
FLINK_OPENS = (
    "java.lang", "java.lang.reflect", "java.io", "java.net", "java.nio", "java.text", "java.time",
    "java.util", "java.util.concurrent", "java.util.concurrent.atomic",
    "java.util.concurrent.locks", "sun.nio.ch",
)  # fmt: skip
JVM = "-XX:+UseParallelGC -XX:+ExitOnOutOfMemoryError -Djava.awt.headless=true -Duser.timezone=UTC"


@dataclass(frozen=True)
class Service:
    """One program under the supervisor."""

    name: str
    address: tuple[str, int] | None
    command: str
    healthy: Callable[[], bool]
    stop_signal: str = "TERM"
    variables: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)
    directory: Path = REPOSITORY

    @property
    def listens_at(self) -> str:
        """Host and port for display; "" if the service does not listen."""
        return "{}:{}".format(*self.address) if self.address else ""

    @property
    def environment(self) -> str:
        """The environment in supervisord's syntax. Secrets refer to supervisord's environment."""
        secrets = {name: f"%(ENV_{source})s" for name, source in self.variables.items()}
        return ",".join(f'{name}="{value}"' for name, value in {**secrets, **self.settings}.items())


def services(layout: Layout, secrets: Mapping[str, str]) -> tuple[Service, ...]:
    """All services, each after the services that it needs."""
    return (
        _postgres(layout, secrets),
        _kafka(layout),
        _registry(layout),
        _connect(layout),
        *_flink(layout),
        _cleanse(layout),
    )


def address(url: str) -> tuple[str, int]:
    """Host and port of a URL or of host:port."""
    parts = urlsplit(url if "//" in url else f"//{url}")
    return str(parts.hostname), int(parts.port or 80)


def _java(layout: Layout, heap_mb: int, *args: str | Path) -> str:
    logging = f"-Dlog4j2.configurationFile={layout.run / 'log4j2.properties'}"
    jvm = [requirements.java(), f"-Xms{heap_mb}m", f"-Xmx{heap_mb}m", *JVM.split(), logging]
    return shlex.join([*jvm, *map(str, args)])


def _postgres(layout: Layout, secrets: Mapping[str, str]) -> Service:
    postgres = layout.target.postgres
    program = [str(LIB / "postgres" / "bin" / "postgres"), "-D", str(layout.data / "postgres")]

    def healthy() -> bool:
        password = secrets["POSTGRES_PASSWORD"]
        try:
            connect(postgres, postgres.admin, password, dbname="postgres").close()
        except DeniedError:
            # Waiting does not help.
            raise
        except ServiceError:
            return False
        return True

    return Service(
        "postgres",
        (postgres.host, postgres.port),
        shlex.join([*requirements.unprivileged(), *program]),
        healthy,
        stop_signal="INT",
    )


def _kafka(layout: Layout) -> Service:
    config = layout.run / "server.properties"
    broker = layout.target.kafka
    listener = address(broker[SERVERS])

    def healthy() -> bool:
        try:
            librdkafka.admin(broker).list_topics(timeout=2)
        except KafkaException:
            return False
        return True

    classpath = f"{LIB / 'kafka'}/*"
    command = _java(layout, 768, "-cp", classpath, "kafka.Kafka", config)
    return Service("kafka", listener, command, healthy)


def _registry(layout: Layout) -> Service:
    host, port = address(layout.target.registry.url)
    postgres = layout.target.postgres
    options = {
        "quarkus.http.host": host,
        "quarkus.http.port": port,
        "quarkus.log.console.level": "WARN",
        "apicurio.storage.kind": "sql",
        "apicurio.storage.sql.kind": "postgresql",
        "apicurio.datasource.url": f"jdbc:postgresql://{postgres.host}:{postgres.port}/registry",
        "apicurio.datasource.username": "registry",
    }
    runner = next((LIB / "registry").glob("apicurio-registry-app-*-runner.jar"))
    flags = [f"-D{key}={value}" for key, value in options.items()]
    return Service(
        "registry",
        (host, port),
        _java(layout, 384, *flags, "-jar", runner),
        lambda: answers(f"http://{host}:{port}/health/ready"),
        variables={"APICURIO_DATASOURCE_PASSWORD": "REGISTRY_PASSWORD"},
    )


def _connect(layout: Layout) -> Service:
    classpath = f"{LIB / 'kafka'}/*"
    main = "org.apache.kafka.connect.cli.ConnectDistributed"
    return Service(
        "connect",
        address(layout.target.connect.url),
        _java(layout, 1024, "-cp", classpath, main, layout.run / "connect.properties"),
        lambda: answers(f"{layout.target.connect}/connectors"),
        variables={"JDBC_PASSWORD": "CONNECT_WRITER_PASSWORD", "JDBC_URL": "JDBC_URL"},
    )


def _flink(layout: Layout) -> tuple[Service, ...]:
    flink = layout.target.flink
    if flink is None:
        return ()
    classpath = f"{LIB / 'flink'}/*:{FLINK_JARS / 'lib'}/*"
    opens = [f"--add-opens=java.base/{name}=ALL-UNNAMED" for name in FLINK_OPENS]
    options = ["-Dio.netty.tryReflectionSetAccessible=true", *opens, "-cp", classpath]
    folders = [layout.run, layout.data / "flink" / "queries"]
    return (
        Service(
            "flink",
            address(flink.gateway.url),
            _java(layout, 640, *options, "hospital.flink.Server", *folders),
            lambda: answers(f"{flink.gateway}/v1/info"),
            settings={"FLINK_CONF_DIR": str(layout.run)},
        ),
    )


def _cleanse(layout: Layout) -> Service:
    command = [sys.executable, "-m", "spark.job", "--target", str(layout.run / "target.yaml")]
    file = status.file_of(layout.state)

    def healthy() -> bool:
        written = status.read(file)
        return written is not None and written.age_s < SILENCE_S

    return Service("cleanse", None, shlex.join(command), healthy)


def answers(url: str) -> bool:
    """Whether a URL is answered, and not with an error."""
    try:
        return requests.get(url, timeout=5).ok
    except requests.RequestException:
        return False
