"""Sinks as readers: their consumer groups, and how far these are behind."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, TypeVar

Lag = TypeVar("Lag")


class Reader(Protocol):
    """A declared connector, as far as it is asked for here."""

    @property
    def name(self) -> str:
        """Its name on the worker."""

    @property
    def config(self) -> Mapping[str, str]:
        """Its configuration."""

    @property
    def is_sink(self) -> bool:
        """Whether it reads topics."""


def sink_lags(
    ask: Callable[[Mapping[str, set[str]]], Mapping[str, Lag]], connectors: Sequence[Reader]
) -> dict[str, Lag]:
    """The lag of each sink, by its name. `ask` is a method of a broker's client.

    Raises:
        ServiceError: the broker is unreachable.
    """
    sinks = [connector for connector in connectors if reads(connector)]
    groups: dict[str, set[str]] = {}
    for sink in sinks:
        groups.setdefault(group_of(sink), set()).update(sink.config["topics"].split(","))
    lags = ask(groups)
    return {sink.name: lags[group_of(sink)] for sink in sinks}


def reads(connector: Reader) -> bool:
    """Whether it is a sink that names its topics."""
    return connector.is_sink and "topics" in connector.config


def group_of(sink: Reader) -> str:
    """The sink's consumer group: its own, or the one that Connect gives it."""
    return sink.config.get("consumer.override.group.id", f"connect-{sink.name}")
