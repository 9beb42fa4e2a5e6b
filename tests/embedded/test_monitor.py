"""make monitor, in a terminal of its own."""

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager

from pipeline.paths import REPOSITORY
from pipeline.wait import until
from tests.support.embedded import TARGET
from tests.support.workspace import Workspace

SIZE = ("LINES", "COLUMNS")


@contextmanager
def _terminal(*arguments: str) -> Iterator[int]:
    """A terminal that make monitor runs in."""
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 160, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-m", "stack", "monitor", *arguments, "--target", str(TARGET)],
        cwd=REPOSITORY,
        # Its size is that of the terminal, not of ours.
        env={**{k: v for k, v in os.environ.items() if k not in SIZE}, "TERM": "xterm-256color"},
        stdin=its,
        stdout=its,
        stderr=its,
    )
    os.close(its)
    try:
        yield ours
    finally:
        process.terminate()
        process.wait(20)
        os.close(ours)


def _await(terminal: int, wanted: str) -> None:
    shown = bytearray()

    def read() -> bytearray:
        ready, _, _ = select.select([terminal], [], [], 0.2)
        if ready:
            shown.extend(os.read(terminal, 65536))
        return shown

    until(
        read,
        seconds=60,
        done=lambda text: wanted.encode() in text,
        describe=lambda _: f"no {wanted} in {shown[-2000:]!r}",
        every=0,
    )


def test_the_cluster_and_the_avro_of_a_topic_are_shown(widgets: Workspace) -> None:
    name = next((widgets.root / "schemas").glob("*.avsc")).stem
    widgets.ok("deploy")
    with _terminal() as terminal:
        _await(terminal, name)
    with _terminal(name) as terminal:
        _await(terminal, "{'id': 'W")
