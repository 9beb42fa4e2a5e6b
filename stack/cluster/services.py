"""The parts of the cluster, as services of the stack."""

import shlex
from collections.abc import Iterator
from functools import partial

import requests

from pipeline.paths import LIB
from pipeline.repository.connections import SERVERS, lines_of
from pipeline.repository.target import Target
from stack import requirements
from stack.cluster import ports as numbers
from stack.cluster.certificates import TRUST
from stack.cluster.ports import Ports
from stack.exporters import agent
from stack.layout import Layout
from stack.service import FLINK_JARS, Service, address, answers, flink_command, java, listens

SPARK_JARS = FLINK_JARS.parent / "pyspark" / "jars"
# As in Spark's own scripts, for Java 17.
SPARK_OPENS = (
    "java.lang", "java.lang.invoke", "java.lang.reflect", "java.io", "java.net", "java.nio",
    "java.util", "java.util.concurrent", "java.util.concurrent.atomic", "sun.nio.ch",
    "sun.nio.cs", "sun.security.action", "sun.util.calendar",
)  # fmt: skip
# Of each Spark worker: the cleansing has 17 tasks at a time.
SLOTS = 9


def brokers(layout: Layout) -> Iterator[Service]:
    """The three brokers. A client may have to wait for the principals."""
    servers = layout.target.kafka[SERVERS].split(",")
    for number, server in zip(numbers.BROKERS, servers, strict=True):
        at, name = address(server), f"kafka-{number}"
        config = layout.run / f"{name}.properties"
        options = [*agent(layout, name), "-cp", f"{LIB / 'kafka'}/*"]
        command = java(layout, 400, *options, "kafka.Kafka", config)
        yield Service(name, at, command, partial(listens, at))


def proxy(layout: Layout) -> Service:
    """What asks for TLS and a log-in, before the registry, the workers and Flink."""
    command = [requirements.nginx(), "-c", str(layout.run / "nginx.conf"), "-p", str(layout.run)]
    at = address(layout.target.registry.url)
    return Service("proxy", at, shlex.join(command), lambda: listens(at), stop_signal="QUIT")


def workers(layout: Layout, cluster: Ports) -> Iterator[Service]:
    """The two Connect workers of one group."""
    for number in numbers.WORKERS:
        at = ("127.0.0.1", cluster.worker(number))
        log_in = f"-Djava.security.auth.login.config={layout.run / 'connect.jaas'}"
        main = "org.apache.kafka.connect.cli.ConnectDistributed"
        config = layout.run / f"connect-{number}.properties"
        options = [log_in, *trust(layout), *agent(layout, f"connect-{number}")]
        command = java(layout, 700, *options, "-cp", f"{LIB / 'kafka'}/*", main, config)
        yield Service(
            f"connect-{number}",
            at,
            command,
            partial(answers, f"http://{at[0]}:{at[1]}/", ok=(200, 401)),
            variables={
                "JDBC_PASSWORD": "CONNECT_WRITER_PASSWORD",
                "JDBC_URL": "JDBC_URL",
                **{name: name for name in variables(layout.target)},
            },
        )


def variables(target: Target) -> tuple[str, ...]:
    """The secrets of the workers themselves, by their names in the secrets file."""
    texts = [*target.kafka_of("connect").values(), target.registry.user_info or ""]
    return tuple(dict.fromkeys(key for text in texts for _, key in lines_of(text)))


def flink(layout: Layout, cluster: Ports) -> Iterator[Service]:
    """The job manager with the SQL gateway, and two task managers."""
    folders = [layout.run, layout.data / "flink" / "queries"]
    gateway = ("127.0.0.1", cluster.gateway)
    settings = {"FLINK_CONF_DIR": str(layout.run)}
    main = "org.apache.flink.runtime.taskexecutor.TaskManagerRunner"
    overview = f"http://127.0.0.1:{cluster.flink}/overview"
    for number in numbers.WORKERS:
        task = ["--configDir", str(layout.run)]
        yield Service(
            f"flink-{number}",
            None,
            flink_command(
                layout, 640, *trust(layout), *agent(layout, f"flink-{number}"), main, *task
            ),
            partial(_all_are_there, overview, "taskmanagers"),
            settings=settings,
        )
    yield Service(
        "flink",
        gateway,
        flink_command(
            layout,
            400,
            *trust(layout),
            *agent(layout, "flink"),
            "hospital.flink.Master",
            *folders,
        ),
        partial(answers, f"http://{gateway[0]}:{gateway[1]}/v1/info"),
        settings=settings,
    )


def _all_are_there(url: str, key: str) -> bool:
    """Whether both have come to their master, by a number in its answer."""
    try:
        return bool(requests.get(url, timeout=5).json().get(key) == len(numbers.WORKERS))
    except requests.RequestException:
        return False


def spark(layout: Layout, cluster: Ports) -> Iterator[Service]:
    """Spark's standalone master, and two workers."""
    at = address(layout.target.spark.master)
    opens = [f"--add-opens=java.base/{name}=ALL-UNNAMED" for name in SPARK_OPENS]
    deploy = "org.apache.spark.deploy"
    options = [*opens, "-cp", f"{SPARK_JARS}/*"]
    local = {"SPARK_LOCAL_IP": "127.0.0.1", "SPARK_SCALA_VERSION": "2.13"}
    master = ["--host", at[0], "--port", str(at[1]), "--webui-port", str(cluster.spark)]
    page = f"http://127.0.0.1:{cluster.spark}/json/"
    yield Service(
        "spark-master",
        at,
        java(layout, 160, *options, f"{deploy}.master.Master", *master),
        lambda: listens(at),
        settings=local,
    )
    for number in numbers.WORKERS:
        folder = layout.data / f"spark-{number}"
        shape = ["--host", at[0], "--cores", str(SLOTS), "--memory", "1g", "--webui-port", "0"]
        shape += ["--work-dir", str(folder), layout.target.spark.master]
        yield Service(
            f"spark-{number}",
            None,
            java(layout, 160, *options, f"{deploy}.worker.Worker", *shape),
            partial(_all_are_there, page, "aliveworkers"),
            settings={**local, "SPARK_HOME": str(SPARK_JARS.parent)},
        )


def trust(layout: Layout) -> tuple[str, str]:
    """Has a JVM trust the cluster's CA, as far as its clients are not told of one."""
    store = "-Djavax.net.ssl.trustStore"
    return f"{store}={layout.tls / TRUST}", f"{store}Type=PKCS12"
