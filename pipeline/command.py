"""How every command line of the project ends when it fails."""

import sys
from collections.abc import Callable

from rich.console import Console

from pipeline.errors import PipelineError


def run(app: Callable[[], None]) -> None:
    """Runs a command line; an error becomes one message on stderr, and its exit code."""
    try:
        app()
    except PipelineError as error:
        words = Console(stderr=True)
        words.print("[red]error:[/]", end=" ")
        # A message may hold what looks like markup, and is one line however long.
        words.print(str(error), soft_wrap=True, highlight=False, markup=False)
        sys.exit(error.exit_code)
