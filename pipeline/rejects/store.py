"""The rejects in Kafka: reads them, and sends them through the pipeline again."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any

from confluent_kafka import Message

from pipeline.clients import records
from pipeline.rejects.reject import FOR, OF, Choice, Raw, Reject, Sent, starts

# Sent, and then taken from the rejects.
AT_A_TIME = 500
Decode = Callable[[bytes], Mapping[str, Any]]


def read(kafka: Mapping[str, str], topic: str, decode: Decode) -> list[Reject]:
    """The rejects of a topic; not those that were sent again, which have a tombstone.

    Raises:
        ServiceError: the broker is unreachable.
    """
    found: dict[bytes | None, Reject] = {}
    for message in records.messages(kafka, topic):
        key, value = message.key(), message.value()
        if value:
            found[key] = _reject(decode(value), int(message.partition() or 0))
        else:
            found.pop(key, None)
    return list(found.values())


def _reject(record: Mapping[str, Any], kept_in: int) -> Reject:
    return Reject(
        id=record["reject_id"],
        topic=record["source_topic"],
        partition=record["source_partition"],
        offset=record["source_offset"],
        at_ms=int(record["source_timestamp"].timestamp() * 1000),
        rules=tuple(record["rules"].split(",")),
        key=record["record_key"],
        value=record["record_value"],
        kept_in=kept_in,
    )


def raw(kafka: Mapping[str, str], rejects: Collection[Reject], everything: Iterable[Reject]) -> Raw:
    """What the raw topics have from the first of these rejects on; `everything` are all there are.

    Raises:
        ServiceError: the broker is unreachable.
    """
    found = Raw()
    rejected = {(reject.place, reject.offset) for reject in everything}
    for message in records.since(kafka, starts(rejects)):
        place = str(message.topic()), int(message.partition() or 0)
        offset = int(message.offset() or 0)
        sent = _sent(message)
        if sent:
            found.sent[place, offset] = sent
        key = message.key()
        if key is not None and (place, offset) not in rejected:
            newest = found.last.get((place, key), -1)
            found.last[place, key] = max(newest, sent.offset if sent else offset)
    return found


def _sent(message: Message) -> Sent | None:
    headers: dict[str, Any] = dict(message.headers() or ())
    if not headers.keys() >= {OF, FOR}:
        return None
    return Sent(headers[OF].decode(), headers[FOR].decode())


def send(kafka: Mapping[str, str], choice: Choice, topic: str | None = None) -> Iterator[int]:
    """Sends rejects to the topics that they came from, as they were; yields how many so far.

    What has arrived gets a tombstone in the topic of the rejects, if one is given. A run that is
    killed between the two is seen by its headers: the next one writes the tombstone only.

    Raises:
        ServiceError: the broker is unreachable or refuses; what was yielded has been sent.
    """
    producer = records.Sender(kafka)
    if topic:
        _take(producer, topic, choice.sent)
    for first in range(0, len(choice.replays), AT_A_TIME):
        several = choice.replays[first : first + AT_A_TIME]
        for replay in several:
            reject, sent = replay.reject, replay.sent
            producer.send(
                reject.topic,
                reject.key,
                reject.value,
                partition=reject.partition,
                timestamp=reject.at_ms,
                headers=[(OF, sent.of.encode()), (FOR, sent.rules.encode())],
            )
        producer.settle()
        if topic:
            _take(producer, topic, [replay.reject for replay in several])
        yield first + len(several)


def _take(producer: records.Sender, topic: str, rejects: Iterable[Reject]) -> None:
    """Takes rejects from their topic."""
    for reject in rejects:
        producer.send(topic, reject.id.encode(), None, partition=reject.kept_in)
    producer.settle()
