"""What tests/unit/known/ says of Kafka and of the plugins is what these say of themselves."""

import re
import subprocess

import pytest
import requests

from pipeline.paths import LIB
from stack import requirements
from stack.layout import Layout
from tests.support.compose import KNOWN, names

CLASSES = {
    "broker": "kafka.server.KafkaConfig",
    "worker": "org.apache.kafka.connect.runtime.distributed.DistributedConfig",
    "producer": "org.apache.kafka.clients.producer.ProducerConfig",
    "consumer": "org.apache.kafka.clients.consumer.ConsumerConfig",
}
PLUGINS = sorted(file.stem for file in (KNOWN / "plugins").glob("*.txt"))


@pytest.mark.parametrize("file", CLASSES)
def test_kafka_documents_these_properties(file: str) -> None:
    # Each of these classes prints its documentation: Kafka's own site is made of it.
    command = [requirements.java(), "-cp", f"{LIB / 'kafka'}/*", CLASSES[file]]
    page = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert set(re.findall(r'<h4><a id="([^"]+)"', page)) == names(file)


def _listed(stack: Layout, plugin: str) -> set[str]:
    answer = requests.get(f"{stack.target.connect}/connector-plugins/{plugin}/config", timeout=20)
    answer.raise_for_status()
    return {key["name"] for key in answer.json()}


@pytest.mark.parametrize("plugin", PLUGINS)
def test_the_worker_lists_these_properties(stack: Layout, plugin: str) -> None:
    assert _listed(stack, plugin) == names(f"plugins/{plugin}")


def test_our_datagen_has_no_property_that_confluents_has_not(stack: Layout) -> None:
    ours = _listed(stack, "hospital.datagen.DatagenConnector")
    sink = _listed(stack, "io.debezium.connector.jdbc.JdbcSinkConnector")
    assert ours & sink == names("connector")
    of_sources = {key for key in ours if key.startswith(("topic.", "transaction.", "offsets."))}
    own = ours - sink - of_sources - {"exactly.once.support"}
    assert own < names("datagen")
