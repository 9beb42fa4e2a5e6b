"""What runs ksql/*.sql, as plan and deploy see it: ksqlDB, or Flink."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from pipeline.desired import Line, Query
from pipeline.schemas import Schema
from pipeline.sql.statements import Statement


@dataclass(frozen=True)
class LiveQuery:
    """A query as its engine has it; `meaning` is comparable with that of a declared one.

    One that is `ours` was deployed by this repository.
    """

    meaning: str
    lines: tuple[Line, ...]
    state: str
    failed: bool = False
    note: str = ""
    ours: bool = False


class Engine(Protocol):
    """Either engine. Every method raises ServiceError if it is unreachable or refuses.

    `concurrency` is how many statements it may be given at once.
    """

    concurrency: int

    def running(self) -> Mapping[str, LiveQuery]:
        """What it has, by name."""

    def make(self, query: Query, live: LiveQuery | None, deadline_s: float) -> str:
        """Makes, replaces or restarts a query; returns when it runs, with what is to be told."""

    def drop(self, name: str, deadline_s: float) -> None:
        """Ends a query and forgets its state."""

    def remove(self, deadline_s: float) -> list[str]:
        """Ends every query of this repository; returns the names of those there were."""

    def trial(
        self,
        statements: tuple[Statement, ...],
        schemas: Mapping[str, Schema],
        wanted: frozenset[str],
        deadline_s: float,
    ) -> None:
        """Runs statements until the wanted topics have all that follows from what the others hold.

        Ends them.
        """

    def skipped(self) -> Mapping[str, int]:
        """Records that could not be read since their query started, by topic; none is 0."""
