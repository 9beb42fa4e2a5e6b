"""A version that stands in more than one file is the same in each."""

import re
import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement

from pipeline.paths import REPOSITORY
from stack import requirements
from stack.layout import POM

CONNECT, STRIMZI, FLINK, HOSPITAL, KSQLDB = (
    (REPOSITORY / "images" / f"{name}.Dockerfile").read_text()
    for name in ("connect", "connect-strimzi", "flink", "hospital", "ksqldb")
)
# Confluent Platform 8.x has Apache Kafka 4.x.
CONFLUENT_AHEAD = 4


def _properties() -> dict[str, str]:
    """The properties of stack/pom.xml."""
    return dict(re.findall(r"<([a-z]+\.[a-z.]+)>([^<$]+)</\1>", POM.read_text()))


def _project() -> dict[str, Any]:
    return tomllib.loads((REPOSITORY / "pyproject.toml").read_text())


def _exact() -> dict[str, str]:
    """The packages of which pyproject.toml itself names the version."""
    project = _project()
    groups = [project["project"]["dependencies"], *project["dependency-groups"].values()]
    found = [Requirement(text) for group in groups for text in group]
    return {
        requirement.name: str(requirement.specifier).removeprefix("==")
        for requirement in found
        if str(requirement.specifier).startswith("==")
    }


def _images() -> dict[str, str]:
    """The tags of compose.yaml's images, by name; those that are built here have none."""
    services = yaml.safe_load((REPOSITORY / "compose.yaml").read_text())["services"].values()
    images = [service["image"] for service in services if "build" not in service]
    return dict(image.split(":") for image in images)


def _confluent() -> str:
    (version,) = re.findall(r"^FROM confluentinc/cp-kafka-connect:(\S+)$", CONNECT, re.MULTILINE)
    return str(version)


POMS, EXACT, IMAGES = _properties(), _exact(), _images()


@pytest.mark.parametrize(
    ("package", "property_"),
    [("pyspark", "spark.version"), ("apache-flink-libraries", "flink.version")],
)
def test_a_python_package_and_its_jars(package: str, property_: str) -> None:
    assert EXACT[package] == POMS[property_]


def test_images_on_kubernetes() -> None:
    (flink,) = re.findall(r"^FROM flink:(\S+)$", FLINK, re.MULTILINE)
    assert flink == f"{POMS['flink.version']}-java{requirements.JAVA_AT_LEAST}"
    target = yaml.safe_load((REPOSITORY / "targets" / "example-kubernetes.yaml").read_text())
    image = target["spark"]["conf"]["spark.kubernetes.container.image"]
    assert image == f"apache/spark:{POMS['spark.version']}"


def test_postgresql() -> None:
    assert IMAGES["postgres"].startswith(POMS["postgres.version"].removesuffix(".0") + "-")


def test_confluents_images() -> None:
    tags = {tag for name, tag in IMAGES.items() if name.startswith("confluentinc/")}
    texts = CONNECT + STRIMZI + KSQLDB
    tags |= set(re.findall(r"^FROM confluentinc/[^\s:]+:(\S+)", texts, re.MULTILINE))
    assert tags == {_confluent()}


def test_kafka_is_that_of_confluents_images() -> None:
    major, minor, _ = _confluent().split(".")
    assert POMS["kafka.version"].split(".")[:2] == [str(int(major) - CONFLUENT_AHEAD), minor]


def test_all_images_use_the_same_maven() -> None:
    texts = (CONNECT, STRIMZI, FLINK, HOSPITAL, KSQLDB)
    assert len({re.findall(r"^FROM (maven:\S+) AS", text, re.M)[0] for text in texts}) == 1


def test_java() -> None:
    said = re.findall(r"(?:temurin|openjdk)-(\d+)", CONNECT + STRIMZI + FLINK + HOSPITAL + KSQLDB)
    assert {*said, POMS["maven.compiler.release"]} == {str(requirements.JAVA_AT_LEAST)}


def test_python() -> None:
    project = _project()
    (image,) = re.findall(r"^FROM python:(\d\.\d+)\.", HOSPITAL, re.MULTILINE)
    makefile = (REPOSITORY / "Makefile").read_text()
    (compiled,) = re.findall(r"--python-version (\S+)", makefile)
    (lowest,) = re.findall(r">=([\d.]+)", project["project"]["requires-python"])
    tools = project["tool"]
    ruff = tools["ruff"]["target-version"].replace("py3", "3.")
    assert {image, compiled, ruff, tools["mypy"]["python_version"]} == {lowest}


def test_our_datagen_tells_its_version() -> None:
    (source,) = (REPOSITORY / "datagen" / "src" / "main").rglob("DatagenConnector.java")
    (told,) = re.findall(r'return "([\d.]+)";', source.read_text())
    (own, *_) = re.findall(r"<version>([\d.]+)</version>", POM.read_text())
    assert told == own


def _named() -> dict[str, str]:
    """The versions that text for people may name, by the word before it."""
    return {
        "Airflow": EXACT["apache-airflow"],
        "Apicurio": POMS["registry.version"],
        "Confluent Platform": _confluent(),
        "Debezium": POMS["debezium.version"],
        "Flink": POMS["flink.version"],
        "JDK": POMS["maven.compiler.release"],
        "Kafka": POMS["kafka.version"],
        "PostgreSQL": POMS["postgres.version"],
        "Spark": POMS["spark.version"],
        "kafka-streams": POMS["kafka.version"],
    }


def _stale(text: str) -> Iterator[str]:
    """What text for people says of a version, and is not so."""
    known = {
        ".".join(v.split(".")[:3]) for v in [*POMS.values(), *EXACT.values(), *IMAGES.values()]
    }
    known |= set(_named().values())
    for number in re.findall(r"(?<![\w.])\d+\.\d+\.\d+(?![\w.]*\d)", text):
        if number not in known:
            yield number
    for name, version in _named().items():
        for said in re.findall(rf"\b{name} (\d+(?:\.\d+)*)", text):
            if not f"{version}.".startswith(f"{said}."):
                yield f"{name} {said}"


@pytest.mark.parametrize("file", ["README.md", "tests/unit/known/README.md"])
def test_what_people_read(file: str) -> None:
    assert list(_stale((REPOSITORY / file).read_text())) == []


def test_a_stale_version_is_found() -> None:
    text = f"Kafka {POMS['kafka.version']}, Flink 1.20, Airflow 99; 17.6, 98.7.6; 127.0.0.1"
    assert list(_stale(text)) == ["98.7.6", "Airflow 99", "Flink 1.20"]
