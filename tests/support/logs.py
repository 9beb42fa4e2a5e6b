"""The lines of the embedded stack's logs."""

import re

from pipeline.wait import until
from stack.layout import Layout

TIME = r"20\d\d-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} UTC"


def lines(layout: Layout, service: str, pattern: str) -> list[str]:
    """The lines of a service with its time, its name, and then what the pattern matches."""
    # Older lines may be in a file of before.
    files = sorted(layout.logs.glob(f"{service}.log*"))
    wanted = re.compile(f"{TIME} {service} {pattern}")
    return [line for file in files for line in file.read_text().splitlines() if wanted.match(line)]


def await_line(layout: Layout, service: str, pattern: str) -> None:
    """Waits for such a line."""
    log = layout.logs / f"{service}.log"
    until(
        lambda: lines(layout, service, pattern),
        seconds=20,
        describe=lambda _: f"no line {pattern!r}; {log} ends:\n{log.read_text()[-2000:]}",
    )
