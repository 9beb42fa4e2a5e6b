"""Runs a command line of the project and reports its errors."""

import sys
import tomllib
from collections.abc import Callable

from rich.console import Console

from pipeline.errors import PipelineError
from pipeline.paths import REPOSITORY


def run(app: Callable[[], None]) -> None:
    """Runs a command line. An error becomes a message on stderr and an exit code."""
    try:
        app()
    except PipelineError as error:
        stderr = Console(stderr=True)
        stderr.print("[red]error:[/]", end=" ")
        # Rich must not read the message as markup, and must not wrap it.
        stderr.print(str(error), soft_wrap=True, highlight=False, markup=False)
        sys.exit(error.exit_code)


def version() -> str:
    """The name and the version of the project."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    return f"{project['name']} {project['version']}"
