"""Rejects, and which of them go through the pipeline again. Pure."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pipeline.repository.rules import Rules
from pipeline.schemas import Schema, compact

# Headers of a record that was sent again: the coordinates of the first one, and the digest of the
# rules that it was sent for.
OF, FOR = "hospital.replay.of", "hospital.replay.for"

Partition = tuple[str, int]


@dataclass(frozen=True)
class Reject:
    """A record that was refused: its coordinates, its time in ms since the epoch, its bytes.

    `topic` and `partition` are those that it came from, `kept_in` is the partition of the topic
    with the rejects. `rules` are those of the cleansing that it broke; or else what a sink could
    not do, which `why` says in the words of the error.
    """

    id: str
    topic: str
    partition: int
    offset: int
    at_ms: int
    rules: tuple[str, ...]
    key: bytes | None
    value: bytes | None
    kept_in: int
    why: str = ""

    @property
    def place(self) -> Partition:
        """Topic and partition that it came from."""
        return self.topic, self.partition

    @property
    def origin(self) -> str:
        """Its coordinates in one word."""
        return f"{self.topic}-{self.partition}-{self.offset}"


@dataclass(frozen=True)
class Sent:
    """What the headers of a record say that was sent again."""

    of: str
    rules: str

    @property
    def offset(self) -> int:
        """That of the record that came first."""
        return int(self.of.rpartition("-")[2])


@dataclass
class Raw:
    """What the raw topics have from the first reject on.

    `sent` has the records that were sent again, by their coordinates. `last` has the offset of the
    newest record of each key that is no reject; one that was sent again counts by its first offset.
    """

    sent: dict[tuple[Partition, int], Sent] = field(default_factory=dict)
    last: dict[tuple[Partition, bytes | None], int] = field(default_factory=dict)

    def last_sent(self) -> dict[str, int]:
        """The offset at which each was last sent again, by its first coordinates."""
        found: dict[str, int] = {}
        for (_, offset), sent in self.sent.items():
            found[sent.of] = max(offset, found.get(sent.of, offset))
        return found

    def offset(self, reject: Reject) -> int:
        """That of the record that came first."""
        before = self.sent.get((reject.place, reject.offset))
        return before.offset if before else reject.offset


@dataclass(frozen=True)
class Replay:
    """A reject that is sent again, and the headers that mark it."""

    reject: Reject
    sent: Sent


@dataclass(frozen=True)
class Choice:
    """What is sent again, in the order of its offsets, and what is not.

    `sent` have been sent again since, and are rejects still: a letter stays in its queue, and a run
    may have been killed before it took a reject. `tried` were sent again for these very rules, and
    broke them. `superseded` have a newer record of their key, which they would take back.
    """

    replays: tuple[Replay, ...]
    sent: tuple[Reject, ...]
    tried: tuple[Reject, ...]
    superseded: tuple[Reject, ...]

    @property
    def waiting(self) -> tuple[Reject, ...]:
        """All that have not been sent again since."""
        return (*(one.reject for one in self.replays), *self.tried, *self.superseded)


def digests(rules: Rules, schemas: Mapping[str, Schema]) -> dict[str, str]:
    """By raw topic: what its cleansing depends on, in short."""
    return {topic: _digest(topic, rules, schemas) for topic in rules.topics}


def _digest(topic: str, rules: Rules, schemas: Mapping[str, Schema]) -> str:
    """The rules and the schemas."""
    own = rules.topics[topic]
    parts = (
        own.model_dump_json(),
        compact(rules.vocabularies),
        compact(rules.pools),
        compact(schemas[topic]),
        compact(schemas[own.clean]),
    )
    return in_short(*parts)


def in_short(*parts: str) -> str:
    """A digest of texts."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def choose(rejects: Iterable[Reject], raw: Raw, digests: Mapping[str, str]) -> Choice:
    """Which rejects are sent again. `digests` has that of each raw topic's rules of now."""
    replays, sent, tried, superseded = [], [], [], []
    last_sent = raw.last_sent()
    for reject in sorted(rejects, key=lambda one: (one.place, raw.offset(one))):
        before = raw.sent.get((reject.place, reject.offset))
        again = Sent(before.of if before else reject.origin, digests[reject.topic])
        if last_sent.get(again.of, -1) > reject.offset:
            sent.append(reject)
        elif before == again:
            tried.append(reject)
        elif raw.last.get((reject.place, reject.key), -1) > raw.offset(reject):
            superseded.append(reject)
        else:
            replays.append(Replay(reject, again))
    return Choice(tuple(replays), tuple(sent), tuple(tried), tuple(superseded))


def starts(rejects: Iterable[Reject]) -> dict[Partition, int]:
    """The offset of the first reject of each partition of the raw topics."""
    found: dict[Partition, int] = {}
    for reject in rejects:
        found[reject.place] = min(reject.offset, found.get(reject.place, reject.offset))
    return found
