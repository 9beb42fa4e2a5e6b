"""The services of the stack: the command that starts each one, and its health check."""

import shlex
import sys
from collections.abc import Mapping

from confluent_kafka import KafkaException

from pipeline.clients import librdkafka
from pipeline.clients.database import connect, in_url
from pipeline.errors import DeniedError, ServiceError
from pipeline.paths import LIB
from pipeline.repository.connections import SERVERS
from spark import status
from stack import requirements
from stack.cluster import services as cluster
from stack.exporters import agent
from stack.layout import Layout
from stack.service import Service, address, answers, flink_command, java

# Spark's own settings, as options of its JVM: each query's rates and state.
SPARK_METRICS = (
    "-Dspark.metrics.conf.driver.sink.jmx.class=org.apache.spark.metrics.sink.JmxSink",
    "-Dspark.metrics.namespace=cleanse",
    "-Dspark.sql.streaming.metricsEnabled=true",
)
# The format of a line of log that log4j2.properties.j2 gives to the others.
REGISTRY_LINE = "%d{yyyy-MM-dd HH:mm:ss.SSS} UTC registry %-5p %c{2.} - %s%e%n"


def services(layout: Layout, secrets: Mapping[str, str]) -> tuple[Service, ...]:
    """All services, each after the services that it needs."""
    ports = layout.cluster
    if ports:
        return (
            _postgres(layout, secrets),
            *cluster.brokers(layout),
            _registry(layout),
            cluster.proxy(layout),
            *cluster.workers(layout, ports),
            *cluster.spark(layout, ports),
            *cluster.flink(layout, ports),
            _cleanse(layout),
        )
    return (
        _postgres(layout, secrets),
        _kafka(layout),
        _registry(layout),
        _connect(layout),
        *_flink(layout),
        _cleanse(layout),
    )


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
    command = java(layout, 768, *agent(layout, "kafka"), "-cp", classpath, "kafka.Kafka", config)
    return Service("kafka", listener, command, healthy)


def _registry(layout: Layout) -> Service:
    host, port = address(layout.target.registry.url)
    if layout.cluster:
        port = layout.cluster.registry
    postgres = layout.target.postgres
    options = {
        "quarkus.http.host": host,
        "quarkus.http.port": port,
        # Its start, and what goes wrong, as Kafka and Connect write it.
        "quarkus.log.console.level": "INFO",
        'quarkus.log.category."io.quarkus".level': "INFO",
        "quarkus.log.console.format": REGISTRY_LINE,
        "apicurio.storage.kind": "sql",
        "apicurio.storage.sql.kind": "postgresql",
        "apicurio.datasource.url": (
            f"jdbc:postgresql://{postgres.host}:{postgres.port}/registry{in_url(postgres)}"
        ),
        "apicurio.datasource.username": "registry",
    }
    runner = next((LIB / "registry").glob("apicurio-registry-app-*-runner.jar"))
    flags = [f"-D{key}={value}" for key, value in options.items()]
    return Service(
        "registry",
        (host, port),
        java(layout, 384, *flags, "-jar", runner),
        lambda: answers(f"http://{host}:{port}/health/ready"),
        variables={"APICURIO_DATASOURCE_PASSWORD": "REGISTRY_PASSWORD"},
    )


def _connect(layout: Layout) -> Service:
    classpath = f"{LIB / 'kafka'}/*"
    main = "org.apache.kafka.connect.cli.ConnectDistributed"
    return Service(
        "connect",
        address(layout.target.connect.url),
        java(
            layout,
            1024,
            *agent(layout, "connect"),
            "-cp",
            classpath,
            main,
            layout.run / "connect.properties",
        ),
        lambda: answers(f"{layout.target.connect}/connectors"),
        variables={"JDBC_PASSWORD": "CONNECT_WRITER_PASSWORD", "JDBC_URL": "JDBC_URL"},
    )


def _flink(layout: Layout) -> tuple[Service, ...]:
    flink = layout.target.flink
    if flink is None:
        return ()
    folders = [layout.run, layout.data / "flink" / "queries"]
    return (
        Service(
            "flink",
            address(flink.gateway.url),
            flink_command(layout, 640, *agent(layout, "flink"), "hospital.flink.Server", *folders),
            lambda: answers(f"{flink.gateway}/v1/info"),
            settings={"FLINK_CONF_DIR": str(layout.run)},
        ),
    )


def _cleanse(layout: Layout) -> Service:
    command = [sys.executable, "-m", "spark.job", "--target", str(layout.run / "target.yaml")]
    file = status.file_of(layout.state)

    def healthy() -> bool:
        written = status.read(file)
        return written is not None and written.age_s < status.FRESH_S

    settings = {"SPARK_SUBMIT_OPTS": shlex.join(_observed(layout))}
    return Service("cleanse", None, shlex.join(command), healthy, settings=settings)


def _observed(layout: Layout) -> tuple[str, ...]:
    """The options of Spark's JVM that have it tell its metrics."""
    told = agent(layout, "cleanse")
    return (*told, *SPARK_METRICS) if told else ()
