"""What runs ksql/*.sql, as plan and deploy see it: ksqlDB, or Flink."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from pipeline.desired import Query


@dataclass(frozen=True)
class LiveQuery:
    """A query as its engine has it; `text` is comparable with that of a declared one."""

    text: str
    state: str
    failed: bool = False
    note: str = ""


class Engine(Protocol):
    """Either engine. Every method raises ServiceError if it is unreachable or refuses."""

    def running(self) -> Mapping[str, LiveQuery]:
        """What it has, by name."""

    def make(self, query: Query, live: LiveQuery | None, deadline_s: float) -> None:
        """Makes, replaces or restarts a query; returns when it runs."""

    def remove(self, deadline_s: float) -> list[str]:
        """Ends every declared query; returns the names of those there were."""
