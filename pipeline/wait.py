"""Waiting for a condition, with a deadline, instead of sleeping."""

from collections.abc import Callable
from typing import TypeVar

from tenacity import RetryError, Retrying, retry_if_result, stop_after_delay, wait_fixed

from pipeline.errors import DeadlineError

T = TypeVar("T")


def until(
    probe: Callable[[], T | None],
    *,
    seconds: float,
    describe: Callable[[], str],
    every: float = 0.2,
) -> T:
    """The first result of `probe` that is not None.

    `probe` may raise to give up at once. `describe` is asked for the message when time runs out:
    what was waited for, and the last state seen.

    Raises:
        DeadlineError: after `seconds`.
    """
    retrying = Retrying(
        stop=stop_after_delay(seconds),
        wait=wait_fixed(every),
        retry=retry_if_result(lambda result: result is None),
    )
    try:
        found: T | None = retrying(probe)
    except RetryError:
        raise DeadlineError(f"{describe()} (waited {seconds:.0f} s)") from None
    assert found is not None  # noqa: S101 - what retry_if_result promises
    return found
