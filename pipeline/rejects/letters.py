"""Dead letters as rejects: what a sink could not read, with the error in Connect's headers.

The headers' names are those of `errors.deadletterqueue.context.headers.enable` in Connect.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from confluent_kafka import Message

from pipeline.clients import records
from pipeline.rejects.reject import Reject, in_short
from pipeline.schemas import compact

ERRORS = "__connect.errors."


def read(kafka: Mapping[str, str], queue: str) -> Iterator[Reject]:
    """The letters of a queue. What Connect has not written has no such headers, and is left out.

    Raises:
        ServiceError: the broker is unreachable.
    """
    for message in records.messages(kafka, queue):
        said = dict(_said(message))
        if {"topic", "partition", "offset"} <= said.keys():
            yield _letter(message, said)


def _said(message: Message) -> Iterator[tuple[str, str]]:
    headers: dict[str, Any] = dict(message.headers() or ())
    for name, value in headers.items():
        if name.startswith(ERRORS) and isinstance(value, bytes):
            yield name.removeprefix(ERRORS), value.decode(errors="replace")


def _letter(message: Message, said: Mapping[str, str]) -> Reject:
    error = said.get("exception.class.name", "").rpartition(".")[2]
    return Reject(
        id=f"{message.topic()}-{message.partition()}-{message.offset()}",
        topic=said["topic"],
        partition=int(said["partition"]),
        offset=int(said["offset"]),
        at_ms=message.timestamp()[1],
        rules=(f"{said.get('stage', '')}: {error}",),
        key=_bytes(message.key()),
        value=_bytes(message.value()),
        kept_in=int(message.partition() or 0),
        why=said.get("exception.message", "").partition("\n")[0],
    )


def _bytes(part: str | bytes | None) -> bytes | None:
    return part.encode() if isinstance(part, str) else part


def digest(config: Mapping[str, str], schema: object) -> str:
    """What a sink reads a topic by, in short: its configuration, and the schema."""
    return in_short(compact(dict(config)), compact(schema))
