"""How the cleansing job shows others what it does: a status file, and a lock while it runs.

The job writes the file every second. `make status`, the supervisor's health check and Airflow's
sensors read it. Both are below the target's `state` folder.
"""

import fcntl
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import TypeAdapter

from pipeline.clients.kafka import Kafka, lag
from pipeline.errors import PipelineError


@dataclass(frozen=True)
class Status:
    """The job's state, and what it did with the records since it started.

    `batch` is the number of its last micro-batch, `offsets` where that ended, by topic and
    partition; `at` is when the status was written, in seconds since the epoch.
    """

    state: str
    clean: int = 0
    rejected: int = 0
    duplicates: int = 0
    batch: int | None = None
    offsets: Mapping[str, Mapping[int, int]] = field(default_factory=dict)
    at: float = field(default_factory=time.time)

    @property
    def age_s(self) -> float:
        """Seconds since it was written."""
        return time.time() - self.at

    def text(self, behind: int | None) -> str:
        """The status in one line; `behind` is the job's lag in records."""
        counts = f"clean {self.clean:,}, rejected {self.rejected:,}, duplicates {self.duplicates:,}"
        lag_text = f", lag {behind:,}" if behind is not None else ""
        return f"cleansing: {self.state}; since its start: {counts}{lag_text}"


_JSON = TypeAdapter(Status)


def file_of(state: Path) -> Path:
    """The status file below a target's `state` folder."""
    return state / "run" / "cleanse.json"


def checkpoint_of(state: Path) -> Path:
    """The folder of the query's progress and state, below a target's `state` folder."""
    return state / "data" / "cleanse"


def write(file: Path, status: Status) -> None:
    """Replaces the file at once: a reader sees the old status or the new one."""
    file.parent.mkdir(parents=True, exist_ok=True)
    new = file.with_suffix(".new")
    new.write_bytes(_JSON.dump_json(status))
    new.replace(file)


def read(file: Path) -> Status | None:
    """The last status; None if no job has written one."""
    return _JSON.validate_json(file.read_bytes()) if file.is_file() else None


def behind(status: Status, kafka: str) -> int | None:
    """Records that the job has yet to read; None before its first batch or without a broker."""
    done = {
        (topic, partition): offset
        for topic, partitions in status.offsets.items()
        for partition, offset in partitions.items()
    }
    if not done:
        return None
    try:
        return lag(Kafka(kafka).bounds(status.offsets), done)
    except PipelineError:
        return None


@contextmanager
def only_job(checkpoint: Path) -> Iterator[None]:
    """Holds the checkpoint's lock; the kernel drops it however the process ends.

    Raises:
        PipelineError: another job holds it.
    """
    checkpoint.mkdir(parents=True, exist_ok=True)
    with _lock_of(checkpoint).open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise PipelineError(
                f"{checkpoint}: a cleansing job (pid {lock.read().strip()}) works on this"
                " checkpoint already: stop it first, or give another --checkpoint"
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def runs(checkpoint: Path) -> bool:
    """Whether a job holds the checkpoint's lock; a pid would not tell it across containers."""
    lock = _lock_of(checkpoint)
    if not lock.is_file():
        return False
    with lock.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _lock_of(checkpoint: Path) -> Path:
    return checkpoint.parent / f"{checkpoint.name}.lock"
