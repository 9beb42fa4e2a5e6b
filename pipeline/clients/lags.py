"""How far readers are behind: in records, and in seconds."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

Partition = tuple[str, int]
# First and end offset, by topic and partition.
Bounds = Mapping[Partition, tuple[int, int]]
# The first offset whose record is not older than a time, in ms since the epoch; -1 if none is.
OffsetsAt = Callable[[Mapping[Partition, int]], Mapping[Partition, int]]
# An age is found to within a sixteenth of it.
HALVINGS = 4
SHORTEST_MS = 1000


@dataclass(frozen=True)
class Lag:
    """Records that a reader has yet to read, and the age of the oldest of them, in seconds."""

    records: int
    seconds: float = 0

    def __str__(self) -> str:
        return f"{self.records:,} ({_duration(self.seconds)})"


def unread(bounds: Bounds, done: Mapping[Partition, int]) -> dict[Partition, tuple[int, int]]:
    """First and end offset of what a reader has yet to read, where there is something.

    What retention has deleted does not count. An offset beyond the end is of a topic that was
    deleted and created again.
    """
    first = {
        partition: max(start, done.get(partition, 0)) for partition, (start, _) in bounds.items()
    }
    return {p: (first[p], end) for p, (_, end) in bounds.items() if end > first[p]}


def records(unread: Bounds) -> int:
    """How many records are between first and end offsets."""
    return sum(end - first for first, end in unread.values())


def ages(unread: Bounds, offsets_at: OffsetsAt, now_ms: int) -> dict[Partition, float]:
    """The age in seconds of the first unread record of each partition.

    It is found by asking for the offsets of times, which takes Describe only: no record is read.
    """
    age = _within(unread, offsets_at, now_ms)
    shortest = {partition: ms // 2 if ms > SHORTEST_MS else 0 for partition, ms in age.items()}
    for _ in range(HALVINGS):
        middle = {p: (shortest[p] + age[p]) // 2 for p in age}
        younger = _younger(unread, offsets_at, now_ms, middle)
        age |= {p: middle[p] for p in younger}
        shortest |= {p: middle[p] for p in age.keys() - younger}
    return {partition: ms / 1000 for partition, ms in age.items()}


def _within(unread: Bounds, offsets_at: OffsetsAt, now_ms: int) -> dict[Partition, int]:
    """A time in ms that is longer than the age, and at most twice as long."""
    found: dict[Partition, int] = {}
    ms = SHORTEST_MS
    while len(found) < len(unread):
        asked = dict.fromkeys(unread.keys() - found.keys(), min(ms, now_ms))
        found |= dict.fromkeys(_younger(unread, offsets_at, now_ms, asked), ms)
        if ms >= now_ms:
            found |= dict.fromkeys(unread.keys() - found.keys(), now_ms)
        ms *= 2
    return found


def _younger(
    unread: Bounds, offsets_at: OffsetsAt, now_ms: int, ages_ms: Mapping[Partition, int]
) -> set[Partition]:
    """The partitions whose first unread record is not older than that."""
    offsets = offsets_at({p: now_ms - ms for p, ms in ages_ms.items()})
    return {p for p in ages_ms if 0 <= offsets[p] <= unread[p][0]}


def _duration(seconds: float) -> str:
    for unit, length in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"
