"""Waiting ends with the condition, the deadline, or the probe's own error."""

import pytest

from pipeline.errors import DeadlineError, ServiceError
from pipeline.wait import until


def test_the_first_result_that_is_not_none() -> None:
    answers = iter([None, None, "ready"])
    assert until(lambda: next(answers), seconds=5, describe=str, every=0) == "ready"


def test_the_deadline_says_what_was_seen_last() -> None:
    with pytest.raises(DeadlineError, match=r"still 3 of 5 \(waited 0 s\)"):
        until(lambda: None, seconds=0.01, describe=lambda: "still 3 of 5", every=0.001)


def test_a_probe_gives_up_at_once() -> None:
    def probe() -> None:
        raise ServiceError("dead")

    with pytest.raises(ServiceError, match="dead"):
        until(probe, seconds=5, describe=str)
