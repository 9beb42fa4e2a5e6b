"""Waiting ends with the condition, the deadline, or the probe's own error."""

import pytest

from pipeline.errors import DeadlineError, ServiceError
from pipeline.wait import until


def test_the_first_value_that_is_done() -> None:
    answers = iter([None, 1, 2, 3])
    assert until(lambda: next(answers), seconds=5, done=lambda n: n > 1, describe=str, every=0) == 2


def test_without_a_condition_a_value_is_done_if_it_is_true() -> None:
    answers = iter([None, "", "ready"])
    assert until(lambda: next(answers), seconds=5, describe=str, every=0) == "ready"


def test_the_deadline_says_what_was_seen_last() -> None:
    with pytest.raises(DeadlineError, match=r"still 3 of 5 \(waited 0 s\)"):
        until(
            lambda: 3,
            seconds=0.01,
            done=lambda n: n == 5,
            describe=lambda n: f"still {n} of 5",
            every=0.001,
        )


def test_a_probe_gives_up_at_once() -> None:
    def probe() -> None:
        raise ServiceError("dead")

    with pytest.raises(ServiceError, match="dead"):
        until(probe, seconds=5, describe=str)
