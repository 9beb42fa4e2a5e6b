"""render.py for tests: as a person runs it, but already imported.

Each run is a process of its own, forked from one that has imported the program: most of what a run
costs is the import. A run watches what it deployed for a moment only.
"""

import multiprocessing
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess

from pipeline import command
from pipeline.cli import app
from pipeline.paths import REPOSITORY
from pipeline.resources import worker
from tests.support.embedded import JAVA

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["__main__", __name__])
# What the program reads when it is imported: the width of the terminal, and that there is none.
TERMINAL = {"COLUMNS": "200", "TERM": "dumb"}
ENVIRONMENT = {"PATH": "/usr/bin:/bin", **TERMINAL, **JAVA}
STREAMS = {"stdout": 1, "stderr": 2}


@dataclass(frozen=True)
class Watch:
    """For how many seconds a deployment watches what it made, and a sink that has yet to write."""

    settle_s: float
    move_s: float


SHORT = Watch(0.5, 0.5)
# As a person's.
FULL = Watch(worker.SETTLE_S, worker.MOVE_S)


class Running:
    """A run of render.py."""

    def __init__(self, arguments: list[str], folder: Path, watch: Watch) -> None:
        self._arguments = arguments
        self._output = tempfile.TemporaryDirectory(prefix="run-")
        task = (arguments, folder, Path(self._output.name), watch)
        self._process = CONTEXT.Process(target=_run, args=task)
        before = {name: os.environ.get(name) for name in TERMINAL}
        os.environ.update(TERMINAL)
        self._process.start()
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value

    @property
    def alive(self) -> bool:
        """Whether it has not ended."""
        return self._process.is_alive()

    def cut_off(self, signal: int) -> None:
        """Sends a signal."""
        assert self._process.pid
        os.kill(self._process.pid, signal)

    def ended(self) -> CompletedProcess[str]:
        """Waits for the end."""
        self._process.join()
        assert self._process.exitcode is not None
        with self._output as output:
            stdout, stderr = (Path(output, stream).read_text() for stream in STREAMS)
        return CompletedProcess(self._arguments, self._process.exitcode, stdout, stderr)


def _run(arguments: list[str], folder: Path, output: Path, watch: Watch) -> None:
    for stream, number in STREAMS.items():
        with (output / stream).open("w") as file:
            os.dup2(file.fileno(), number)
    os.environ.clear()
    os.environ.update(ENVIRONMENT)
    os.chdir(folder)
    sys.argv = ["render.py", *arguments]
    worker.SETTLE_S, worker.MOVE_S = watch.settle_s, watch.move_s
    command.run(app)


def run(*command: str, folder: Path = REPOSITORY) -> CompletedProcess[str]:
    """Runs a program of this repository, by its file or `-m` and its module, in a folder."""
    program, *arguments = command
    place = program if program == "-m" else str(REPOSITORY / program)
    return subprocess.run(
        [sys.executable, place, *arguments], cwd=folder, capture_output=True, text=True, check=False
    )
