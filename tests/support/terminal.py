"""A terminal of its own for `make monitor`."""

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
from pathlib import Path

from pipeline.paths import REPOSITORY
from pipeline.wait import until

SIZE = ("LINES", "COLUMNS")


@contextmanager
def monitor(target_file: Path, *arguments: str) -> Iterator[int]:
    """A terminal that make monitor runs in."""
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 160, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-m", "stack", "monitor", *arguments, "--target", str(target_file)],
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


def await_text(terminal: int, wanted: str) -> None:
    """Waits until a terminal has shown a text."""
    shown = bytearray()

    def read() -> bytearray:
        ready, _, _ = select.select([terminal], [], [], 0.2)
        if ready:
            shown.extend(os.read(terminal, 65536))
        return shown

    until(
        read,
        seconds=180,
        done=lambda text: wanted.encode() in text,
        describe=lambda _: f"no {wanted} in {shown[-2000:]!r}",
        every=0,
    )
