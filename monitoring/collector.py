"""Asks what the metrics come from, each in a thread of its own, and tells Prometheus the answers.

A scrape waits for nothing: it gets the newest answers. What could not be asked has none, so that
no old number is taken for a new one; `hospital_probe_success` tells of it.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from threading import Lock, Thread

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from pipeline import servicelog
from pipeline.errors import PipelineError


@dataclass(frozen=True)
class Probe:
    """Something to ask, and how often, in seconds."""

    name: str
    every_s: float
    ask: Callable[[], Iterable[Metric]]


@dataclass(frozen=True)
class Answer:
    """What a probe gave: its metrics, or why it gave none; and how long it took, in seconds."""

    metrics: tuple[Metric, ...]
    error: str
    seconds: float


class Probed(Collector):
    """The newest answer of each probe."""

    def __init__(self, probes: Sequence[Probe]) -> None:
        self._answers: dict[str, Answer] = {}
        self._lock = Lock()
        for probe in probes:
            Thread(target=self._ask_on, args=(probe,), name=probe.name, daemon=True).start()

    def collect(self) -> Iterator[Metric]:
        """What Prometheus gets."""
        success = GaugeMetricFamily(
            "hospital_probe_success", "Whether a probe got an answer", labels=["probe"]
        )
        took = GaugeMetricFamily(
            "hospital_probe_duration_seconds", "How long a probe took", labels=["probe"]
        )
        with self._lock:
            answers = dict(self._answers)
        for name, answer in sorted(answers.items()):
            success.add_metric([name], not answer.error)
            took.add_metric([name], answer.seconds)
            yield from answer.metrics
        yield success
        yield took

    def _ask_on(self, probe: Probe) -> None:
        while True:
            answer = _asked(probe)
            with self._lock:
                before = self._answers.get(probe.name)
                self._answers[probe.name] = answer
            if answer.error and (before is None or before.error != answer.error):
                servicelog.logger().warning("%s: %s", probe.name, answer.error)
            time.sleep(max(0.0, probe.every_s - answer.seconds))


def _asked(probe: Probe) -> Answer:
    begun = time.monotonic()
    try:
        return Answer(tuple(probe.ask()), "", time.monotonic() - begun)
    except PipelineError as error:
        return Answer((), str(error), time.monotonic() - begun)
