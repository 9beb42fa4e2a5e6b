"""The errors that users see. Any other exception is a bug in this project."""

from dataclasses import dataclass
from pathlib import Path


class PipelineError(Exception):
    """Something failed; the message tells why. Exit code 1."""

    exit_code = 1


class ServiceError(PipelineError):
    """A service is unreachable, refuses a request, or answers with an error."""


class DeniedError(ServiceError):
    """A service refuses our credentials."""


class LockedError(ServiceError):
    """A table is locked by another session of PostgreSQL. The message says by which."""


class SlowError(PipelineError):
    """A statement takes longer than it may, or somebody has cancelled it."""


class DeadlineError(PipelineError):
    """A condition was not met in time. The message tells the last state."""


class NotRestoredError(PipelineError):
    """A Flink job cannot restore its checkpoint. It can start without one instead."""


class PlanRefusedError(PipelineError):
    """The plan has problems, so nothing was changed."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


class UsageError(PipelineError):
    """The command line names something that does not exist. Exit code 2."""

    exit_code = 2


@dataclass(frozen=True)
class Mistake:
    """A mistake in a file. `line` counts from 1; None if the mistake has no line."""

    file: Path
    line: int | None
    key: str
    message: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else f"{self.file}"
        return f"{place}: {self.key}: {self.message}" if self.key else f"{place}: {self.message}"


class SpecError(PipelineError):
    """The repository's files have mistakes. The message lists all of them. Exit code 2."""

    exit_code = 2

    def __init__(self, mistakes: tuple[Mistake, ...]) -> None:
        self.mistakes = mistakes
        super().__init__("\n".join(str(mistake) for mistake in mistakes))
