"""The interface of the engines, ksqlDB and Flink, for plans and deployments."""

from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Protocol

from pipeline.live import LiveQuery
from pipeline.schemas import Schema
from pipeline.sql.statements import Statement

# Whether a file, or a file of a folder, has what is to be gone.
IsDirty = Callable[[Path], bool]


class Engine(Protocol):
    """ksqlDB or Flink. The name of a query is the name of its statement.

    `create`, `replace` and `restart` wait until the query runs, for up to `deadline_s` seconds.
    They return a note for the user, or "". `concurrency` is how many queries can be changed in
    parallel; `needs_empty_topics`, whether a new query must find its topic without records;
    `marks`, whether it tells which queries this repository deployed. Every method raises
    ServiceError if the engine is unreachable or refuses.
    """

    concurrency: int
    marks: bool
    needs_empty_topics: bool

    def running(self) -> Mapping[str, LiveQuery]:
        """All queries on the engine, by name."""

    def create(self, name: str, deadline_s: float) -> str:
        """Starts a declared query that is not on the engine."""

    def replace(self, name: str, deadline_s: float) -> str:
        """Replaces a query by the declared one."""

    def restart(self, name: str, deadline_s: float) -> str:
        """Restarts a failed query, with its state."""

    def drop(self, name: str, deadline_s: float) -> str:
        """Ends a query and deletes its state; nothing, if there is none. Its topic stays."""

    def remove(self, deadline_s: float) -> list[str]:
        """Ends all queries of this repository and deletes their state; returns their names."""

    def trial(
        self,
        statements: tuple[Statement, ...],
        schemas: Mapping[str, Schema],
        wanted: frozenset[str],
        deadline_s: float,
    ) -> None:
        """Runs statements on the records that their topics have now, and ends them.

        When it returns, the topics in `wanted` have all results. `schemas` are by topic.

        Raises:
            DeadlineError: that takes more than `deadline_s` seconds.
        """

    def purge(self, names: Collection[str], is_dirty: IsDirty, deadline_s: float) -> str:
        """Has queries keep nothing in their files but the state of now.

        `is_dirty` tells whether files have what is to be gone: as long as the state of now has it,
        for up to `deadline_s` seconds, the queries are waited for. Returns a note, or "".
        """

    def skipped(self) -> Mapping[str, int]:
        """The number of unreadable records since their query started, by topic, without zeros."""
