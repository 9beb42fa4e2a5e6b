"""Metrics by their labels: what the probes' answers are written with."""

from collections.abc import Iterable, Mapping

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

# Values by what the labels are.
Values = Mapping[tuple[str, ...], float]


def gauge(name: str, says: str, labels: Iterable[str], values: Values) -> Metric:
    """A number that goes up and down."""
    family = GaugeMetricFamily(name, says, labels=list(labels))
    for key, value in sorted(values.items()):
        family.add_metric(list(key), value)
    return family


def counter(name: str, says: str, labels: Iterable[str], values: Values) -> Metric:
    """A number that only grows, until what counts it starts again; its name ends with _total."""
    family = CounterMetricFamily(name, says, labels=list(labels))
    for key, value in sorted(values.items()):
        family.add_metric(list(key), value)
    return family


def state(name: str, says: str, label: str, states: Mapping[str, str]) -> Metric:
    """1 for the state that each one has."""
    return gauge(name, says, (label, "state"), dict.fromkeys(states.items(), 1))
