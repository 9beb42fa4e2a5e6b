"""Waits for a condition until a deadline."""

from collections.abc import Callable
from typing import TypeVar

from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from pipeline.errors import DeadlineError

T = TypeVar("T")


def until(
    probe: Callable[[], T | None],
    *,
    seconds: float,
    describe: Callable[[T | None], str],
    done: Callable[[T], bool] = bool,
    every: float = 0.2,
) -> T:
    """Calls `probe` every `every` seconds, and returns its first value for which `done` is true.

    None is never done. `probe` can raise an exception to stop waiting. When the time is up,
    `describe` gets the last value and returns the message: what was expected, and what was there.

    Raises:
        DeadlineError: no value was done within `seconds`.
    """
    retrying = Retrying(
        stop=stop_after_delay(seconds),
        wait=wait_fixed(every),
        retry=retry_if_result(lambda value: value is None or not done(value)),
        retry_error_callback=lambda state: state.outcome and state.outcome.result(),
    )
    value: T | None = retrying(probe)
    if value is None or not done(value):
        raise DeadlineError(f"{describe(value)} (waited {seconds:.0f} s)")
    return value
