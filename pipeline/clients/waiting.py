"""Says that a service takes its time. Who wants to know listens to this logger."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Timer

LOG = logging.getLogger(__name__)
QUIET_S = 2


@contextmanager
def told(what: str) -> Iterator[None]:
    """Logs that we wait for `what`, if the block takes more than 2 s."""
    timer = Timer(QUIET_S, LOG.info, (f"waiting for {what}",))
    # An interrupted program does not wait for it.
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
