"""SIGINT (Ctrl-C) and SIGTERM while changes are made: they end what goes on, not the process."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from pipeline.errors import InterruptedRunError, InterruptError
from pipeline.resources.resource import Run

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def heeded(run: Run, last_line: Callable[[], str]) -> Iterator[None]:
    """In the block, the first signal ends the run. `last_line` says then what was done.

    Raises:
        InterruptedRunError: there was a signal. What was under way has come to its end.
    """

    def heed(number: int, _: FrameType | None) -> None:
        if run.stopping.is_set():
            # One more would leave things in the middle.
            return
        run.stopping.set()
        run.tell("interrupted: what is under way comes to its end, nothing new is begun")
        raise InterruptError(number)

    before = {number: signal.signal(number, heed) for number in SIGNALS}
    try:
        yield
    except InterruptError as error:
        raise InterruptedRunError(last_line(), error.args[0]) from None
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
