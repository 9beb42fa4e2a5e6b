"""Every error that a person can meet. Anything else that is raised is a defect of ours."""

from dataclasses import dataclass
from pathlib import Path


class PipelineError(Exception):
    """Something failed for a reason that the message tells. Exit code 1."""

    exit_code = 1


class ServiceError(PipelineError):
    """A service cannot be reached, refuses us, or answers with an error."""


class DeniedError(ServiceError):
    """A service does not accept our credentials."""


class DeadlineError(PipelineError):
    """A condition was not met in time; the message has the last state seen."""


class NotRestoredError(PipelineError):
    """A checkpoint is gone, damaged, or of another plan: its job can start over instead."""


class PlanRefusedError(PipelineError):
    """The plan has problems, so nothing was written."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


class UsageError(PipelineError):
    """The command line asks for what is not there. Exit code 2."""

    exit_code = 2


@dataclass(frozen=True)
class Mistake:
    """One mistake in one file. `line` counts from 1; None where the file as a whole is at fault."""

    file: Path
    line: int | None
    key: str
    message: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else f"{self.file}"
        return f"{place}: {self.key}: {self.message}" if self.key else f"{place}: {self.message}"


class SpecError(PipelineError):
    """The files of the repository have mistakes; all of them are listed. Exit code 2."""

    exit_code = 2

    def __init__(self, mistakes: tuple[Mistake, ...]) -> None:
        self.mistakes = mistakes
        super().__init__("\n".join(str(mistake) for mistake in mistakes))
