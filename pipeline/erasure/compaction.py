"""Has Kafka forget the records that a tombstone follows, and the tombstones.

Kafka cleans a compacted topic when it is worth it, and never the segment that it writes to. So for
this time, topics get settings by which it is always worth it; and records that say nothing, under a
key of nobody, begin new segments. A topic that is clean has its own settings again at once: Kafka's
cleaner takes one log at a time, the one with most to clean first. See "Log Compaction" and the
topic settings in Kafka's documentation.
"""

from collections.abc import Callable, Iterable, Mapping

from pipeline.clients import records
from pipeline.clients.kafka import Kafka
from pipeline.wait import until

POLICY = "cleanup.policy"
SETTINGS = {
    POLICY: "compact",
    "segment.ms": "1000",
    "min.cleanable.dirty.ratio": "0",
    "min.compaction.lag.ms": "0",
    "delete.retention.ms": "0",
    "file.delete.delay.ms": "0",
}
NOBODY = b"nobody"
# It takes three rounds of the cleaner: to drop a record, to date its tombstone, to drop that.
EVERY_S = 1.5
# The partitions of a topic that have something left.
Left = Callable[[str], frozenset[int]]


def compact(
    kafka: Kafka, writer: Mapping[str, str], topics: Iterable[str], left: Left, deadline_s: float
) -> None:
    """Waits until none of these topics has anything left.

    Raises:
        DeadlineError: one still has.
        ServiceError: the broker is unreachable or refuses.
    """
    dirty = {topic: left(topic) for topic in topics}
    # A run that was killed has left settings of this list.
    own = {
        name: {k: v for k, v in topic.config.items() if k == POLICY or SETTINGS.get(k) != v}
        for name, topic in kafka.topics(dirty).items()
    }
    eager = {name: {**config, **SETTINGS} for name, config in own.items()}

    def clean() -> Mapping[str, frozenset[int]]:
        _begin_segments(writer, dirty)
        for topic in tuple(dirty):
            dirty[topic] = left(topic)
            if not dirty[topic]:
                kafka.configure(topic, own[topic], eager[topic])
                del dirty[topic]
        return dirty

    try:
        for name in dirty:
            kafka.configure(name, eager[name], own[name])
        until(
            clean,
            seconds=deadline_s,
            done=lambda found: not found,
            describe=lambda found: (
                f"records are left in {', '.join(found or ())}: does somebody still send them?"
            ),
            every=EVERY_S,
        )
    finally:
        for name in dirty:
            kafka.configure(name, own[name], eager[name])


def _begin_segments(writer: Mapping[str, str], dirty: Mapping[str, Iterable[int]]) -> None:
    sender = records.Sender(writer)
    for topic, partitions in dirty.items():
        for number in partitions:
            sender.send(topic, NOBODY, None, partition=number)
    sender.settle()
