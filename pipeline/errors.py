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


class UnreachableError(ServiceError):
    """A service accepts no connection."""


class SilentError(ServiceError):
    """A service accepts connections, but does not answer in time. It may answer later."""


class WrongAnswerError(ServiceError):
    """What answers is not the service. `setting` is the key of its address in a target's file."""

    def __init__(self, message: str, setting: str) -> None:
        self.message = message
        self.setting = setting
        super().__init__(f"{message} See `{setting}:` in the target's file")

    def at(self, place: str) -> ServiceError:
        """The same error, with the place of the address: a file and its line."""
        return ServiceError(f"{self.message} See `{self.setting}:` in {place}")


class ServicesError(ServiceError):
    """One service is not well, or several are: each error on a line of its own, once."""

    def __init__(self, errors: tuple[ServiceError, ...]) -> None:
        self.errors = errors
        super().__init__("\n".join(dict.fromkeys(map(str, errors))))


class NotTakenError(ServiceError):
    """A service did not take a statement in its time. The same statement may succeed later."""


class RefusedError(ServiceError):
    """A service does not accept what is asked of it, and says why."""


class DeadlineError(PipelineError):
    """A condition was not met in time. The message tells the last state."""


class NotRestoredError(PipelineError):
    """A Flink job cannot restore its checkpoint. It can start without one instead."""


class PlanRefusedError(PipelineError):
    """The plan has problems, so nothing was changed."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        self.problems = problems
        super().__init__("\n".join(dict.fromkeys(problems)))


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


class InterruptError(KeyboardInterrupt):
    """SIGINT or SIGTERM. No PipelineError: nobody may take it for the failure of one change."""


class InterruptedRunError(PipelineError):
    """A run ended before its end. The message tells what was done. Exit code 128 + the signal."""

    def __init__(self, message: str, signal: int) -> None:
        self.signal = signal
        self.exit_code = 128 + signal
        super().__init__(message)
