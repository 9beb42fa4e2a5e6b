"""An older Kafka's data under the pinned one: records and offsets stay, and the format goes up."""

import re
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from confluent_kafka import Consumer, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from pipeline.clients import librdkafka, records
from pipeline.clients.kafka import Kafka
from pipeline.paths import LIB
from pipeline.repository.connections import SERVERS
from pipeline.wait import until
from stack import requirements, throwaway
from stack.layout import POM, TEMPLATES

# The first of Kafka 4, which has KRaft alone, as the pinned one has.
OLDER = "4.0.2"
RECORDS = [(f"k{n}".encode(), f"v{n}".encode()) for n in range(100)]
GROUP, READ = "sink", 40


@pytest.fixture(scope="module")
def older(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The jars of the older Kafka, from the same declaration."""
    folder = tmp_path_factory.mktemp("older")
    command = [requirements.maven(), "-B", "-ntp", "-q", "-f", str(POM), "-pl", ":kafka"]
    copy = ["dependency:copy-dependencies", f"-DoutputDirectory={folder}"]
    subprocess.run([*command, f"-Dkafka.version={OLDER}", *copy], check=True, capture_output=True)
    assert list(folder.glob(f"kafka_2.13-{OLDER}.jar"))
    return folder


@pytest.fixture
def config(tmp_path: Path) -> Path:
    broker, controller = throwaway.free_ports(2)
    jinja = Environment(  # noqa: S701 - no HTML
        loader=FileSystemLoader(TEMPLATES), undefined=StrictUndefined
    )
    values = {
        "kafka": f"127.0.0.1:{broker}",
        "controller_port": controller,
        "data": tmp_path,
    }
    file = tmp_path / "server.properties"
    file.write_text(jinja.get_template("server.properties.j2").render(values))
    return file


def test_records_and_offsets_stay(older: Path, config: Path) -> None:
    found = re.search(r"listeners=PLAINTEXT://([^,]+)", config.read_text())
    assert found
    kafka = {SERVERS: found[1]}
    form = ("format", "--cluster-id", "upgradetest00000000000", "--config", str(config))
    _run(older, "kafka.tools.StorageTool", *form)
    with _broker(older, config, kafka):
        before = _format(older, kafka)
        Kafka(kafka).create("clean", 1, 1, {"cleanup.policy": "compact"})
        records.write(kafka, "clean", RECORDS)
        _commit(kafka)
    with _broker(LIB / "kafka", config, kafka):
        assert [(m.key(), m.value()) for m in records.messages(kafka, "clean")] == RECORDS
        assert Kafka(kafka).committed(GROUP) == {("clean", 0): READ}
        assert _format(LIB / "kafka", kafka) == before
        tool = "org.apache.kafka.tools.FeatureCommand"
        release = re.search(r"kafka_2\.13-(\d+\.\d+)", next((LIB / "kafka").glob("kafka_*")).name)
        assert release
        _run(LIB / "kafka", tool, *_at(kafka), "upgrade", "--release-version", release[1])
        assert _format(LIB / "kafka", kafka) > before
        records.write(kafka, "clean", [(b"k100", b"v100")])
    with _broker(LIB / "kafka", config, kafka):
        assert len(list(records.messages(kafka, "clean"))) == len(RECORDS) + 1


def _run(jars: Path, *command: str) -> str:
    java = [requirements.java(), "-Xmx256m", "-cp", f"{jars}/*"]
    done = subprocess.run([*java, *command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _at(kafka: Mapping[str, str]) -> tuple[str, str]:
    return "--bootstrap-server", kafka[SERVERS]


def _format(jars: Path, kafka: Mapping[str, str]) -> tuple[int, ...]:
    """The version of the metadata's format, such as 4.0."""
    said = _run(jars, "org.apache.kafka.tools.FeatureCommand", *_at(kafka), "describe")
    found = re.search(r"metadata\.version.*FinalizedVersionLevel: (\d+)\.(\d+)-IV(\d+)", said)
    assert found, said
    return tuple(map(int, found.groups()))


def _commit(kafka: Mapping[str, str]) -> None:
    consumer = Consumer({**kafka, "group.id": GROUP})
    consumer.commit(offsets=[TopicPartition("clean", 0, READ)], asynchronous=False)
    consumer.close()


@contextmanager
def _broker(jars: Path, config: Path, kafka: Mapping[str, str]) -> Iterator[None]:
    log = config.parent / "kafka.log"
    command = [requirements.java(), "-Xmx384m", "-cp", f"{jars}/*", "kafka.Kafka", str(config)]
    with log.open("a") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
    try:
        admin = librdkafka.admin(kafka)
        until(
            lambda: process.poll() is None and _answers(admin),
            seconds=60,
            describe=lambda _: f"Kafka does not start:\n{log.read_text()[-2000:]}",
        )
        yield
    finally:
        process.terminate()
        process.wait(60)


def _answers(admin: AdminClient) -> bool:
    try:
        admin.list_topics(timeout=1)
    except KafkaException:
        return False
    return True
