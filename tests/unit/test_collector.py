"""The exporter's probes: what Prometheus gets when one has no answer."""

import time
from collections.abc import Iterator
from threading import Event

import pytest
from prometheus_client.core import Metric

from monitoring import collector
from monitoring.collector import Probe, Probed
from monitoring.families import gauge
from pipeline.errors import ServiceError
from pipeline.wait import until

SUCCESS = "hospital_probe_success"


class Asked:
    """A probe that answers once, and then does what it is told."""

    def __init__(self, error: Exception | None) -> None:
        self.times = 0
        self.released = Event()
        self._error = error

    def ask(self) -> Iterator[Metric]:
        self.times += 1
        yield gauge("number", "A number", [], {(): self.times})
        if self.times > 1:
            if self._error and self.times < 100:
                raise type(self._error)(*self._error.args)
            self.released.wait(60)


def _samples(probed: Probed) -> dict[str, float]:
    metrics = list(probed.collect())
    return {sample.name: sample.value for metric in metrics for sample in metric.samples}


@pytest.mark.parametrize("error", [ServiceError("away"), TimeoutError(), KeyError("state")])
def test_a_probe_that_fails_has_no_number_and_is_asked_again(error: Exception) -> None:
    asked = Asked(error)
    probed = Probed([Probe("one", 0.1, asked.ask)])
    until(
        lambda: _samples(probed).get(SUCCESS) == 0,
        seconds=10,
        describe=lambda _: f"{_samples(probed)}",
    )
    assert "number" not in _samples(probed)
    before = asked.times
    until(lambda: asked.times > before, seconds=10, describe=lambda _: "it is not asked again")


def test_the_answer_of_a_probe_that_hangs_grows_old(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Asked(None)
    probed = Probed([Probe("one", 0.1, asked.ask)])
    until(lambda: asked.times > 1, seconds=10, describe=lambda _: "it is not asked again")
    assert _samples(probed)["number"] == 1
    later = time.monotonic() + collector.PATIENCE_S + 1
    monkeypatch.setattr(time, "monotonic", lambda: later)
    assert _samples(probed)[SUCCESS] == 0
    assert "number" not in _samples(probed)
    asked.released.set()
