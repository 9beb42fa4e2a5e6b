"""How the cleansing job shows others what it does: a status file, a lock, and a consumer group.

The job writes the file every second, below the target's `state` folder: the supervisor's health
check reads it. The lock is in PostgreSQL, and the positions of the job are in Kafka: `make status`
and Airflow's sensors read them from anywhere.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import TypeAdapter

from pipeline.clients.kafka import Kafka
from pipeline.errors import PipelineError
from pipeline.repository import rules as rules_file
from pipeline.repository.target import Target

# The age in seconds at which a status is too old. The job writes one every second, once Spark has
# started, which takes 20 s on a busy machine.
FRESH_S = 90


@dataclass(frozen=True)
class Status:
    """The job's state, and what it did with the records since it started, by its checkpoints.

    `rules` has the rejected ones by rule, `digests` by what each raw topic is cleansed. `at` is
    when the status was written, in seconds since the epoch.
    """

    state: str
    clean: int = 0
    rejected: int = 0
    rules: Mapping[str, int] = field(default_factory=dict)
    digests: Mapping[str, str] = field(default_factory=dict)
    at: float = field(default_factory=time.time)

    @property
    def age_s(self) -> float:
        """Seconds since it was written."""
        return time.time() - self.at

    def text(self, behind: int | None) -> str:
        """The status in one line; `behind` is the job's lag in records."""
        lag_text = f", lag {behind:,}" if behind is not None else ""
        counts = f"clean {self.clean:,}, rejected {self.rejected:,}"
        return f"cleansing: {self.state}{lag_text}; up to its last checkpoint: {counts}"


_JSON = TypeAdapter(Status)


def file_of(state: Path) -> Path:
    """The status file below a target's `state` folder."""
    return state / "run" / "cleanse.json"


def checkpoint_of(root: Path, target: Target) -> str:
    """The URL below which the queries keep their checkpoints."""
    return url_of(root, target.spark.checkpoint or str(target.state / "data" / "cleanse"))


def url_of(root: Path, place: str) -> str:
    """The URL of a folder, or of what is a URL already."""
    return place.rstrip("/") if "://" in place else (root / place).resolve().as_uri()


def lock_of(target: Target, checkpoint: str | None = None) -> str:
    """The name of the lock that a job holds as long as it works on a checkpoint.

    There is one for the target's own, wherever that is: a pipeline is cleansed by one job, on
    whatever machine. Another checkpoint, by its URL, has a lock of its own.
    """
    return f"{target.pipeline} cleanses {checkpoint or ''}"


def group_of(target: Target) -> str:
    """The consumer group with the positions of the job."""
    return f"{target.pipeline}-cleanse"


def write(file: Path, status: Status) -> None:
    """Replaces the file at once: a reader sees the old status or the new one."""
    file.parent.mkdir(parents=True, exist_ok=True)
    new = file.with_suffix(".new")
    new.write_bytes(_JSON.dump_json(status))
    new.replace(file)


def read(file: Path) -> Status | None:
    """The last status; None if no job has written one."""
    return _JSON.validate_json(file.read_bytes()) if file.is_file() else None


def behind(target: Target, root: Path) -> int | None:
    """Raw records that the job has yet to read; None if Kafka or the rules do not say."""
    group = group_of(target)
    try:
        topics = rules_file.load(root / rules_file.FILE).topics
        return Kafka(target.kafka).lags({group: topics})[group]
    except PipelineError:
        return None
