"""What runs ksql/*.sql, as plan and deploy see it: ksqlDB, or Flink."""

from collections.abc import Mapping
from typing import Protocol

from pipeline.live import LiveQuery
from pipeline.schemas import Schema
from pipeline.sql.statements import Statement


class Engine(Protocol):
    """Either engine. Every method raises ServiceError if it is unreachable or refuses.

    Queries are known by the names of their statements. What creates, replaces or restarts one
    returns when it runs, with a note for people; "" if there is nothing to say. `concurrency` is
    how many queries may be worked on at once.
    """

    concurrency: int

    def running(self) -> Mapping[str, LiveQuery]:
        """Every query that it has, by name."""

    def create(self, name: str, deadline_s: float) -> str:
        """Starts a declared query that it does not have."""

    def replace(self, name: str, deadline_s: float) -> str:
        """Makes a query what is declared now."""

    def restart(self, name: str, deadline_s: float) -> str:
        """Starts a query again that failed."""

    def drop(self, name: str, deadline_s: float) -> str:
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
