"""Runs a command line of the project and reports its errors."""

import logging
import sys
import tomllib
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

from rich.console import Console

from pipeline import servicelog
from pipeline.errors import PipelineError, ServiceError, ServicesError, WrongAnswerError
from pipeline.paths import REPOSITORY
from pipeline.repository.target import file_of
from pipeline.repository.yamlfile import line_of


class _Lines(logging.Handler):
    """Prints each message, the first time."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        super().__init__(logging.INFO)
        self._tell = tell
        self._told: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        message = record.getMessage()
        if message not in self._told:
            self._told.add(message)
            self._tell(message)


def listen(tell: Callable[[str], None]) -> None:
    """From now on, `tell` gets what the clients have to say while they wait."""
    logger = logging.getLogger("pipeline.clients")
    logger.setLevel(logging.INFO)
    logger.handlers = [_Lines(tell)]


def placing(command: Callable[..., None]) -> Callable[..., None]:
    """A command with --target, whose errors of a wrong address say where in the file it stands."""

    @wraps(command)
    def placed(**options: Any) -> None:
        try:
            command(**options)
        except ServicesError as error:
            placed_errors = (_placed(one, options["target"]) for one in error.errors)
            raise ServicesError(tuple(placed_errors)) from None
        except WrongAnswerError as error:
            raise _placed(error, options["target"]) from None

    return placed


def _placed(error: ServiceError, target: str) -> ServiceError:
    if not isinstance(error, WrongAnswerError):
        return error
    file = file_of(Path(), target)
    return error.at(f"{file}:{line_of(file, error.setting)}")


def run(app: Callable[[], None]) -> None:
    """Runs a command line. An error becomes a message on stderr and an exit code."""
    servicelog.configure()
    try:
        app()
    except PipelineError as error:
        if servicelog.service():
            servicelog.logger().error("%s", error)
        else:
            _print(error)
        sys.exit(error.exit_code)


def _print(error: PipelineError) -> None:
    stderr = Console(stderr=True)
    stderr.print("[red]error:[/]", end=" ")
    # Rich must not read the message as markup, and must not wrap it.
    stderr.print(str(error), soft_wrap=True, highlight=False, markup=False)


def version() -> str:
    """The name and the version of the project."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    return f"{project['name']} {project['version']}"
