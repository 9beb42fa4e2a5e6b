"""compose.yaml without an engine: it is free of the mistakes that show here, and each is found."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from airflow.configuration import conf

from pipeline.paths import REPOSITORY
from pipeline.repository import desired as declarations
from pipeline.repository import envfile, loader
from pipeline.repository import target as targets
from pipeline.repository.target import Target
from scripts import passwords
from stack.orchestration import SETTINGS
from tests.support import compose as checks
from tests.support import configured
from tests.support.compose import Services

TEXT = (REPOSITORY / "compose.yaml").read_text()
DOCKERFILES = sorted((REPOSITORY / "images").glob("*.Dockerfile"))
HADOLINT = Path(sys.executable).parent / "hadolint"
REST_MIB = 512
# Settings of Kafka and Connect that one target has and the other has not, each with its reason.
PLACES = "the targets have other addresses and folders"
CONVERTER = "the registries have converters of their own"
DIFFERENT_BROKER = {
    **dict.fromkeys(
        ("listeners", "advertised.listeners", "log.dirs", "controller.quorum.voters"), PLACES
    ),
    "listener.security.protocol.map": "one listener inside, one for this machine",
    "inter.broker.listener.name": "one listener inside, one for this machine",
}
DIFFERENT_WORKER = {
    **dict.fromkeys(
        (
            "bootstrap.servers",
            "listeners",
            "rest.advertised.host.name",
            "rest.advertised.port",
            "plugin.path",
        ),
        PLACES,
    ),
    "value.converter": CONVERTER,
}


@pytest.fixture(scope="module")
def env_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("compose") / ".env"
    passwords.ensure(path)
    return path


@pytest.fixture(scope="module")
def services(env_file: Path) -> Services:
    found, problems = checks.resolve(TEXT, REPOSITORY, env_file)
    assert problems == []
    return found


@pytest.fixture(scope="module")
def place() -> Target:
    return targets.load(REPOSITORY, "compose")


def _all(services: Services, place: Target) -> list[str]:
    return [
        *checks.pinned(services, REPOSITORY),
        *checks.guarded(services),
        *checks.ordered(services),
        *checks.health(services, REPOSITORY),
        *checks.ports(services),
        *checks.peers(services),
        *checks.mounted(services),
        *checks.target(services, place),
        *checks.variables(services, REPOSITORY),
    ]


def test_docker_compose_takes_it_and_no_check_finds_anything(
    services: Services, place: Target
) -> None:
    core = {"postgres", "kafka", "schema-registry", "connect", "ksqldb-server", "cleanse"}
    assert {name for name, service in services.items() if "profiles" not in service} == core
    assert _all(services, place) == []


MISTAKES: dict[str, tuple[str, str, str]] = {
    "an unknown key": ("  kafka:\n", "  kafka:\n    imagee: x\n", "imagee"),
    "a variable that nothing sets": (
        "${CONNECT_WRITER_PASSWORD:?make up generates it}\n    volumes",
        "${WRITER_PASSWORD:?make up generates it}\n    volumes",
        "required variable WRITER_PASSWORD is missing a value",
    ),
    "a variable without a default": (
        "LOG_DIR: /tmp", 'LOG_DIR: "${LOGS}"', 'The \\"LOGS\\" variable is not set',
    ),
    "a dependency that is not there": (
        "depends_on: {postgres: {condition",
        "depends_on: {postgresql: {condition",
        'depends on undefined service "postgresql"',
    ),
    "a volume that is not declared": (
        "kafka:/var/lib", "kafkas:/var/lib", "undefined volume kafkas",
    ),
    "no exact version": (
        "kafdrop:4.2.0", "kafdrop:latest", "kafdrop: image obsidiandynamics/kafdrop:latest has no",
    ),
    "no memory limit": ("    mem_limit: 1g\n    healthcheck:\n      test: [CMD, pg",
                        "    healthcheck:\n      test: [CMD, pg", "postgres: has no mem_limit"),
    "privileges": ('security_opt: ["no-new-privileges:true"]', "labels: {a: b}",
                   "kafka: may gain privileges"),
    "a dependency that is not waited for": (
        "depends_on: {airflow-api: {condition: service_healthy}}",
        "depends_on: {airflow-api: {condition: service_started}}",
        "airflow-dags: depends on airflow-api with service_started, not service_healthy",
    ),
    "no health check": (
        "    healthcheck:\n      # Without the agent",
        "    x-healthcheck:\n      # Without the agent",
        "kafka: has no health check",
    ),
    "a tool that the image lacks": (
        'test: [CMD, ub, http-ready, "http://localhost:8088/healthcheck", "5"]',
        'test: [CMD, curl, "http://localhost:8088/healthcheck"]',
        "ksqldb-server: its health check calls curl, which confluentinc/cp-ksqldb-server is not",
    ),
    "a tool in a shell that the image lacks": (
        "test -n \\\"$$(find", "test -n \\\"$$(fd", "cleanse: its health check calls fd,",
    ),
    "a timeout that overflows": (
        '8083/connectors", "5"]', '8083/connectors", "30"]', "ub's timeout of 30 s overflows",
    ),
    "one port twice": (
        "${REST_PORT:-8082}", "${REST_PORT:-8083}", "8083: connect and rest-proxy both publish",
    ),
    "a port for everybody": (
        "127.0.0.1:${KAFDROP_PORT:-9000}:9000", "${KAFDROP_PORT:-9000}:9000",
        "kafdrop: port 9000 is not on loopback",
    ),
    "an unknown host in the environment": (
        "KAFKA_REST_BOOTSTRAP_SERVERS: kafka:19092", "KAFKA_REST_BOOTSTRAP_SERVERS: broker:19092",
        "rest-proxy: broker:19092: there is no service broker",
    ),
    "a port that nobody listens on": (
        "SCHEMA_REGISTRY_KAFKASTORE_BOOTSTRAP_SERVERS: kafka:19092",
        "SCHEMA_REGISTRY_KAFKASTORE_BOOTSTRAP_SERVERS: kafka:9093",
        "schema-registry: kafka:9093: kafka does not listen on 9093",
    ),
    "a mount of nothing": ("./topics.yaml:", "./topic.yaml:", "topic.yaml, which does not exist"),
    "a misspelt property": (
        "KAFKA_LOG_DIRS", "KAFKA_LOGS_DIRS", "kafka: KAFKA_LOGS_DIRS: logs.dirs is no property",
    ),
    "a misspelt property of the worker": (
        "CONNECT_OFFSET_FLUSH_INTERVAL_MS", "CONNECT_OFFSETS_FLUSH_INTERVAL_MS",
        "offsets.flush.interval.ms is no property of the server",
    ),
    "a misspelt property of the converter": (
        "CONNECT_VALUE_CONVERTER_AUTO_REGISTER_SCHEMAS", "CONNECT_VALUE_CONVERTER_AUTO_REGISTER",
        "value.converter.auto.register is no property",
    ),
    "a misspelt property of the registry": (
        "SCHEMA_REGISTRY_KAFKASTORE_TOPIC_R", "SCHEMA_REGISTRY_KAFKA_TOPIC_R",
        "kafka.topic.replication.factor is no property",
    ),
    "a misspelt property of the REST Proxy": (
        "KAFKA_REST_SCHEMA_REGISTRY_URL", "KAFKA_REST_SCHEMAREGISTRY_URL",
        "schemaregistry.url is no property",
    ),
    "a misspelt property of ksqlDB's streams": (
        "KSQL_KSQL_STREAMS_STATE_DIR", "KSQL_KSQL_STREAMS_STATE_DIRECTORY",
        "ksql.streams.state.directory is no property",
    ),
    "a secret that would become a property": (
        "      JDBC_PASSWORD:", "      CONNECT_WRITER_PASSWORD:",
        "connect: CONNECT_WRITER_PASSWORD: writer.password is no property",
    ),
    "a variable that the image does not read": (
        "POSTGRES_DB:", "POSTGRESQL_DB:", "postgres: POSTGRESQL_DB: not known to its image",
    ),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_each_mistake_is_found(mistake: str, env_file: Path, place: Target) -> None:
    right, wrong, finding = MISTAKES[mistake]
    assert right in TEXT
    found, problems = checks.resolve(TEXT.replace(right, wrong), REPOSITORY, env_file)
    said = problems or _all(found, place)
    assert any(finding in problem for problem in said), said


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        ({"connect": "http://kafka-connect:8083"}, "there is no service kafka-connect"),
        ({"ksqldb": "http://ksqldb-server:8081"}, "ksqldb-server does not listen on 8081"),
        (
            {"postgres": {"host": "postgres", "port": 5432, "database": "d",
                          "published": "127.0.0.1:5432"}},
            "127.0.0.1:5432: postgres is published at",
        ),
    ],
)  # fmt: skip
def test_a_mistake_in_the_target_is_found(
    services: Services, place: Target, change: dict[str, Any], finding: str
) -> None:
    changed = Target.model_validate({**place.model_dump(by_alias=True), **change})
    (said,) = checks.target(services, changed)
    assert finding in said


def _connectors() -> list[tuple[str, dict[str, str], bool]]:
    desired = declarations.render(loader.load(REPOSITORY), "hospital-admissions")
    return [(c.name, dict(c.config), c.is_sink) for c in desired.connectors]


def test_every_connector_is_known_to_the_images_plugins() -> None:
    for name, config, is_sink in _connectors():
        assert list(checks.connector(name, config, is_sink=is_sink)) == []


@pytest.mark.parametrize(
    ("key", "value", "finding"),
    [
        ("connector.class", "JdbcSinkConnectors", "is no plugin of the image"),
        ("batchsize", "1", "labs-sink: batchsize: known neither to io.debezium"),
        ("consumer.override.max.poll.record", "1", "consumer.override.max.poll.record: known"),
        ("producer.override.linger.ms", "1", "producer.override.linger.ms: known"),
        ("transforms.flatten.delimeter", "_", "transforms.flatten.delimeter: known"),
        ("transforms.other.delimiter", "_", "transforms.other.delimiter: known"),
    ],
)
def test_a_mistake_in_a_connector_is_found(key: str, value: str, finding: str) -> None:
    name, config, is_sink = next(found for found in _connectors() if found[0] == "labs-sink")
    (said,) = checks.connector(name, {**config, key: value}, is_sink=is_sink)
    assert finding in said


def _properties(services: Services, name: str, prefix: str) -> dict[str, str]:
    environment = services[name]["environment"]
    return {
        checks.converted(variable.removeprefix(prefix)): str(value)
        for variable, value in environment.items()
        if variable.startswith(prefix) and not variable.endswith("_OPTS")
    }


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The configuration of the embedded services."""
    return configured.written(tmp_path_factory.mktemp("embedded"))


def _pairs(file: Path) -> dict[str, str]:
    lines = file.read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))


@pytest.mark.parametrize(
    ("service", "prefix", "file", "different"),
    [
        ("kafka", "KAFKA_", "server.properties", DIFFERENT_BROKER),
        ("connect", "CONNECT_", "connect.properties", DIFFERENT_WORKER),
    ],
)
def test_both_targets_are_set_alike(
    services: Services,
    written: Path,
    service: str,
    prefix: str,
    file: str,
    different: dict[str, str],
) -> None:
    compose = _properties(services, service, prefix)
    embedded = _pairs(written / file)
    for found in (compose, embedded):
        for key in [key for key in found if key.startswith("value.converter.")]:
            del found[key]
    assert list(checks.differences(compose, embedded, different)) == []
    changed = {**compose, "session.timeout.ms": "1"}
    (said,) = checks.differences(changed, {**embedded, "session.timeout.ms": "2"}, different)
    assert said == "session.timeout.ms: compose has 1, embedded 2"


def test_postgresql_is_set_alike(services: Services, written: Path) -> None:
    said = " ".join(services["postgres"]["command"])
    compose = dict(found.split("=") for found in re.findall(r"-c (\S+)", said))
    lines = (written / "postgresql.conf").read_text().splitlines()
    embedded = dict(line.split(" = ", 1) for line in lines if " = " in line)
    embedded = {key: value.strip("'") for key, value in embedded.items()}
    places = ("listen_addresses", "port", "unix_socket_directories", "log_line_prefix")
    different = {**dict.fromkeys(places, PLACES), "max_connections": "its default"}
    assert list(checks.differences(compose, embedded, different)) == []


def _unknown_to_airflow(environment: dict[str, str]) -> list[str]:
    names = [name.split("__") for name in environment if name.startswith("AIRFLOW__")]
    known = conf.configuration_description
    return [
        "__".join(name)
        for name in names
        if name[2].lower() not in known.get(name[1].lower(), {"options": {}})["options"]
    ]


def test_airflows_settings_are_options_that_it_has(services: Services) -> None:
    for name in ("airflow-api", "airflow-scheduler", "airflow-dags", "airflow-triggerer"):
        environment = services[name]["environment"]
        assert envfile.read(SETTINGS).items() <= environment.items()
        assert _unknown_to_airflow(environment) == []
    assert _unknown_to_airflow({"AIRFLOW__CORE__PARALELISM": "4"}) == ["AIRFLOW__CORE__PARALELISM"]


@pytest.mark.parametrize("file", DOCKERFILES, ids=lambda file: file.name)
def test_a_dockerfile_is_clean_and_copies_what_is_there(file: Path) -> None:
    done = subprocess.run([HADOLINT, file], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    copied = re.findall(r"^COPY (?!--from)(.*) \S+$", file.read_text(), re.MULTILINE)
    sources = [source for line in copied for source in line.split()]
    assert sources
    ignored = (REPOSITORY / ".dockerignore").read_text().splitlines()
    for source in sources:
        assert (REPOSITORY / source).exists()
        assert any(Path(source).match(line[1:]) for line in ignored if line.startswith("!"))


def test_the_stores_of_ksqldb_have_a_bound_within_its_limit(services: Services) -> None:
    service = services["ksqldb-server"]
    setter = service["environment"]["KSQL_KSQL_STREAMS_ROCKSDB_CONFIG_SETTER"]
    folder = REPOSITORY / "ksqldb" / "src" / "main" / "java"
    source = (folder / f"{setter.replace('.', '/')}.java").read_text()
    (stores,) = re.findall(r"ALL = (\d+) \* MEBIBYTE", source)
    (heap,) = re.findall(r"-Xmx(\d+)m", service["environment"]["KSQL_HEAP_OPTS"])
    # The rest is for threads, classes and buffers.
    assert (int(stores) + int(heap) + REST_MIB) * 1024**2 <= int(service["mem_limit"])


# Stands in for an interpreter without the packages of the group `embedded`.
IMPORT = """
import importlib, sys
for name in ("supervisor", "pyflink", "kaskade"):
    sys.modules[name] = None
for name in sys.argv[1:]:
    importlib.import_module(name)
"""


def test_what_runs_in_a_container_needs_no_package_of_the_embedded_stack(tmp_path: Path) -> None:
    makefiles = [REPOSITORY / "Makefile", REPOSITORY / "targets" / "compose.mk"]
    said = TEXT + "".join(file.read_text() for file in makefiles)
    modules = {found for found in re.findall(r"-m,? ([a-z_.]+)", said) if "." in found}
    modules -= {"pipeline.repository.jsonschemas"}  # make spec-schema, on the host
    assert modules == {
        "scripts.demo", "scripts.health", "scripts.kafka_producer", "scripts.passwords",
        "scripts.rest_proxy", "spark.job",
    }  # fmt: skip
    dags = [file.stem for file in (REPOSITORY / "airflow" / "dags").glob("*.py")]
    path = f"{REPOSITORY}:{REPOSITORY / 'airflow'}:{REPOSITORY / 'airflow' / 'dags'}"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", IMPORT, "pipeline.cli", *modules, *dags],
        env={"PYTHONPATH": path, "AIRFLOW_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_what_the_makefile_says_of_services_is_so(services: Services) -> None:
    text = (REPOSITORY / "targets" / "compose.mk").read_text()
    named = set(re.findall(r"(?:--wait|exec|port|:ro\)|--rm) ([a-z][a-z-]+)", text))
    assert named == {
        "pipeline",
        "dashboard",
        "kafdrop",
        "rest-proxy",
        "airflow-api",
        "airflow-scheduler",
        "ksqldb-cli",
        "prometheus",
        "grafana",
    }
    assert named <= set(services)
    profiles = {p for service in services.values() for p in service.get("profiles", ())}
    assert set(re.findall(r"--profile ([a-z]+)", text)) <= profiles
