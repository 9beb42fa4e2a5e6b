"""Finds the records of a person in Kafka, and whether topics still have some."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from pipeline import codec
from pipeline.clients import records
from pipeline.clients.registry import Registry
from pipeline.erasure.person import Person
from pipeline.rejects.values import NO_AVRO, schemas
from pipeline.repository.project import Project
from pipeline.schemas import Schema

# More rounds than a chain of records has links: patient, admission, diagnosis.
ROUNDS = 10


class Search:
    """Reads topics with the schemas that their records were written with."""

    def __init__(self, kafka: Mapping[str, str], registry: Registry, project: Project) -> None:
        self._kafka = kafka
        self._project = project
        self._kinds = project.kinds
        # Parents come before their children in topics.yaml: so most is found in the first round.
        of_files = [t for t in project.topics.topics if t in project.identifying]
        self.topics = (*of_files, *sorted(project.identifying - {*of_files}))
        self._schemas = {
            topic: {
                number: schema
                for source in self._written_as(topic)
                for number, schema in schemas(registry, source).items()
            }
            for topic in self.topics
        }

    def _written_as(self, topic: str) -> list[str]:
        """The topics whose schemas its values have: of a queue, those that its sink reads."""
        if topic in self._project.schemas:
            return [topic]
        sinks = [sink for sink in self._project.connectors if sink.queue == topic]
        return [name for sink in sinks for name in sink.reads if name in self._project.schemas]

    def find(self, person: Person) -> None:
        """Adds all records of a person, until no round finds another identifier.

        Raises:
            ServiceError: the broker or the registry is unreachable.
        """
        for _ in range(ROUNDS):
            before = len(person.ids)
            for topic in self.topics:
                self._look_through(topic, person)
            if len(person.ids) == before:
                return

    def _look_through(self, topic: str, person: Person) -> None:
        pattern = person.pattern
        for message in records.messages(self._kafka, topic):
            key, value = _bytes(message.key()), _bytes(message.value())
            if not value or not pattern.search(key + b"\0" + value):
                continue
            written_to, codes = self._codes(topic, value)
            if person.owns(key, codes):
                known = len(person.ids)
                place = topic, key, int(message.partition() or 0)
                person.add(place, codes, self._project.key_of(written_to))
                pattern = person.pattern if len(person.ids) > known else pattern

    def _codes(self, topic: str, value: bytes) -> tuple[str, Mapping[str, Any] | None]:
        """The topic that a record was written to, and its fields that identify.

        They are None if it cannot be read. Of a reject, both are of the raw record in it.
        """
        record = _read(self._schemas.get(topic, {}), value)
        if record is None:
            return topic, None
        rules = self._project.rules
        if rules and topic == rules.rejects:
            return self._codes(record["source_topic"], record["record_value"] or b"")
        lower = {name.lower(): found for name, found in record.items()}
        return topic, {name: lower[name] for name in lower if self._kinds.get(name) == "code"}


def left(kafka: Mapping[str, str], topic: str, pattern: re.Pattern[bytes]) -> frozenset[int]:
    """The partitions of a topic with a record that matches, be it a tombstone's key.

    Raises:
        ServiceError: the broker is unreachable.
    """
    found = records.messages(kafka, topic)
    return frozenset(
        int(message.partition() or 0)
        for message in found
        if pattern.search(_bytes(message.key()) + b"\0" + _bytes(message.value()))
    )


def keyless(kafka: Mapping[str, str], topics: Iterable[str]) -> list[str]:
    """The topics that have records without a key."""
    return [
        topic
        for topic in topics
        if any(message.key() is None for message in records.messages(kafka, topic))
    ]


def _read(by_id: Mapping[int, Schema], value: bytes) -> Mapping[str, Any] | None:
    try:
        return codec.decoder(by_id[codec.schema_id(value)])(value)
    except NO_AVRO:
        return None


def _bytes(part: str | bytes | None) -> bytes:
    return part.encode() if isinstance(part, str) else part or b""
