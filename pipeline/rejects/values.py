"""The values of refused records, as people read them."""

from collections.abc import Iterable, Mapping
from typing import Any

from pipeline import codec, privacy
from pipeline.clients.registry import Registry
from pipeline.rejects.reject import Reject
from pipeline.rejects.report import Read
from pipeline.schemas import Schema, subject_of

# What fastavro raises for bytes that are no record of the schema.
NO_AVRO = (ArithmeticError, EOFError, LookupError, TypeError, ValueError)
NOTHING_KNOWN: Schema = {"fields": []}


def schemas(registry: Registry, topic: str) -> dict[int, Schema]:
    """The registered schemas of a topic's values, by id.

    Raises:
        ServiceError: the registry is unreachable.
    """
    subject = subject_of(topic)
    versions = [registry.version(subject, number) for number in registry.versions(subject)]
    return {version.id: version.schema for version in versions if not version.foreign}


def reader(registry: Registry, rejects: Iterable[Reject], declared: Mapping[str, Schema]) -> Read:
    """Reads values as Avro's JSON, by the schemas that they were written with.

    The `declared` schemas, by topic, say what is masked: see privacy.masked.

    Raises:
        ServiceError: the registry is unreachable.
    """
    topics = {reject.topic for reject in rejects}
    by_topic = {topic: schemas(registry, topic) for topic in topics}

    def read(reject: Reject) -> Any:
        value = reject.value
        if value is None:
            return None
        try:
            schema = by_topic[reject.topic][codec.schema_id(value)]
            found = codec.to_json(schema, codec.decoder(schema)(value))
        except NO_AVRO:
            return f"{len(value)} bytes that are no Avro of the topic"
        return privacy.masked(found, declared.get(reject.topic, NOTHING_KNOWN))

    return read
