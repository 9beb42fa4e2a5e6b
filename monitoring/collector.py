"""Asks what the metrics come from, each in a thread of its own, and tells Prometheus the answers.

A scrape waits for nothing: it gets the newest answers. What could not be asked has none, so that
no old number is taken for a new one; `hospital_probe_success` tells of it.
"""

import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from threading import Lock, Thread

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from pipeline import servicelog
from pipeline.errors import PipelineError

# An answer that is so much older than it should be, in seconds, is of a probe that hangs.
PATIENCE_S = 60


@dataclass(frozen=True)
class Probe:
    """Something to ask, and how often, in seconds."""

    name: str
    every_s: float
    ask: Callable[[], Iterable[Metric]]


@dataclass(frozen=True)
class Answer:
    """What a probe gave: its metrics, or why it gave none; how long it took, in seconds; and when.

    `at` is by the clock of `time.monotonic`.
    """

    metrics: tuple[Metric, ...]
    error: str
    seconds: float
    at: float


class Probed(Collector):
    """The newest answer of each probe."""

    def __init__(self, probes: Sequence[Probe]) -> None:
        self._probes = probes
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
        for probe in self._probes:
            answer = answers.get(probe.name)
            if answer is None:
                continue
            is_old = time.monotonic() > answer.at + probe.every_s + PATIENCE_S
            success.add_metric([probe.name], not (answer.error or is_old))
            took.add_metric([probe.name], answer.seconds)
            yield from () if is_old else answer.metrics
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
    metrics: tuple[Metric, ...] = ()
    try:
        metrics, error = tuple(probe.ask()), ""
    except PipelineError as raised:
        error = str(raised)
    # A thread that ends would leave its last answer behind, as if it were of now.
    except Exception:
        error = traceback.format_exc()
    now = time.monotonic()
    return Answer(metrics, error, now - begun, now)
