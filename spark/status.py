"""What the cleansing job says of itself, for `make status`."""

import fcntl
import json
from dataclasses import dataclass

from pipeline.clients.kafka import Kafka, lag
from pipeline.errors import PipelineError
from stack.layout import Layout


@dataclass(frozen=True)
class Progress:
    """Records since the job started, and how many it has yet to read."""

    state: str
    clean: int
    rejected: int
    duplicates: int
    lag: int | None

    def text(self) -> str:
        """The progress in one line."""
        counts = f"clean {self.clean:,}, rejected {self.rejected:,}, duplicates {self.duplicates:,}"
        behind = f", lag {self.lag:,}" if self.lag is not None else ""
        return f"cleansing: {self.state}; since its start: {counts}{behind}"


def runs(where: Layout) -> bool:
    """Whether a job holds the checkpoint; its lock tells it across containers, a pid would not."""
    lock = where.data / "cleanse.lock"
    if not lock.is_file():
        return False
    with lock.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def read(where: Layout) -> Progress | None:
    """The progress, or None if the job has said nothing yet."""
    file = where.run / "cleanse.json"
    if not file.is_file():
        return None
    said = json.loads(file.read_text())
    done = {
        (topic, int(partition)): offset
        for topic, partitions in said.get("offsets", {}).items()
        for partition, offset in partitions.items()
    }
    return Progress(
        said["state"],
        said.get("clean", 0),
        said.get("rejected", 0),
        said.get("duplicates", 0),
        _lag(where, done) if done else None,
    )


def _lag(where: Layout, done: dict[tuple[str, int], int]) -> int | None:
    try:
        return lag(Kafka(where.target.kafka).ends({topic for topic, _ in done}), done)
    except PipelineError:
        # The table above already says that the broker is down.
        return None
