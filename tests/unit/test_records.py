"""Records that are read: to the end of each partition, and not to the first error."""

import re
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import KafkaError

from pipeline.clients import librdkafka, records
from pipeline.errors import ServiceError
from pipeline.paths import REPOSITORY


class Polled:
    """A record, or what librdkafka says instead of one."""

    def __init__(self, code: int | None = None) -> None:
        self._error = None if code is None else KafkaError(code, "it said so")

    def error(self) -> KafkaError | None:
        return self._error

    def topic(self) -> str:
        return "t"

    def partition(self) -> int:
        return 0


class Consumer:
    """A topic of one partition."""

    def __init__(self, *polled: Polled) -> None:
        self._polled = iter(polled)

    def list_topics(self, topic: str, timeout: float) -> Any:
        del timeout
        of_topic = type("Topic", (), {"partitions": {0: None}})()
        return type("Metadata", (), {"topics": {topic: of_topic}})()

    def assign(self, partitions: object) -> None:
        del partitions

    def poll(self, timeout: float) -> Polled | None:
        del timeout
        return next(self._polled, None)

    def close(self) -> None:
        pass


def _read(monkeypatch: pytest.MonkeyPatch, *polled: Polled) -> int:
    monkeypatch.setattr(librdkafka, "consumer", lambda _: Consumer(*polled))
    return len(list(records.messages({"bootstrap.servers": "k:1"}, "t")))


def test_a_topic_is_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _read(monkeypatch, Polled(), Polled(), Polled(KafkaError._PARTITION_EOF), Polled()) == 2


def test_an_error_is_no_end(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ServiceError, match="Kafka at k:1: it said so"):
        _read(monkeypatch, Polled(), Polled(KafkaError._TRANSPORT), Polled())


def test_every_producer_chooses_partitions_as_the_java_clients_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[dict[str, object]] = []
    monkeypatch.setattr(librdkafka, "Producer", made.append)
    librdkafka.producer({"bootstrap.servers": "127.0.0.1:1"})
    assert made[0]["partitioner"] == "murmur2_random"
    files = [
        file
        for folder in ("pipeline", "scripts", "spark", "airflow", "bench", "tests", "stack")
        for file in (REPOSITORY / folder).rglob("*.py")
        if re.search(r"(?<!\w)Producer(\(\s*\{|, \{)", file.read_text())
    ]
    assert files == [Path(librdkafka.__file__)]
