"""Queries: the statements of ksql/ that an engine runs, ksqlDB or Flink."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import TYPE_CHECKING

from pipeline.change import Action, Change, lines
from pipeline.live import Line, LiveQuery
from pipeline.resources.resource import Resource, Result, Run, Status, attempt

if TYPE_CHECKING:
    from pipeline.engines.engine import Engine
    from pipeline.services import Services

KIND = "query"


@dataclass(frozen=True)
class Query:
    """A statement of ksql/ that an engine must run.

    `meaning` is compared with that of the running query. `lines` are for the diff in a plan.
    `sources` are the names of the statements that it reads. `reads` and `writes` are topics.
    """

    name: str
    meaning: str
    lines: tuple[Line, ...]
    sources: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    writes: str = ""


class Queries(Resource[Query, LiveQuery]):
    """Queries. If a statement changes, its query starts over, and so do those that read it."""

    kind = KIND

    def read(self, services: "Services", declared: Sequence[Query]) -> Mapping[str, LiveQuery]:
        """All queries on the engine."""
        del declared
        return services.engine.running() if services.engine else {}

    def difference(self, declared: Query, live: LiveQuery | None) -> Iterator[Change]:
        """Compares the statements line by line. A query that failed is restarted."""
        name = declared.name
        if live is None:
            yield Change(KIND, name, Action.CREATE, declared=declared)
        elif live.meaning != declared.meaning:
            changed = tuple(lines(live.lines, declared.lines))
            yield Change(KIND, name, Action.UPDATE, changed, live.note, declared, live)
        elif live.failed:
            note = f"it is {live.state}: {live.note}"
            yield Change(KIND, name, Action.RESTART, (), note, declared, live)

    def remarks(self, declared: Sequence[Query], live: Mapping[str, LiveQuery]) -> Iterator[str]:
        """Queries that are not declared, and whose engine does not tell who made them."""
        names = {query.name for query in declared}
        for name, query in sorted(live.items()):
            if not query.ours and name not in names:
                yield f"{KIND} {name}, which is not declared and bears no mark of who made it"

    def undeclared(
        self, names: frozenset[str], live: Mapping[str, LiveQuery], owner: str
    ) -> Iterator[Change]:
        """Deletes queries that this repository deployed and that are not declared."""
        del owner
        for name, query in sorted(live.items()):
            if query.ours and name not in names:
                deleted = tuple(lines(query.lines, ()))
                yield Change(KIND, name, Action.DELETE, deleted, live=query)

    def apply(self, changes: Sequence[Change], run: Run) -> list[Result]:
        """Makes the changes. If a query fails, those that read it are not changed."""
        by_name = {change.name: change for change in changes}
        sources = {name: _sources(change, by_name) for name, change in by_name.items()}
        errors: dict[str, str | None] = {}

        def result(name: str) -> str | None:
            failed = next((source for source in sources[name] if errors[source]), None)
            if failed:
                return f"not made, because {failed} failed"
            return attempt(by_name[name], lambda change: _make(change, run), run)[1]

        levels = TopologicalSorter(sources)
        levels.prepare()
        while levels.is_active():
            level = levels.get_ready()
            with ThreadPoolExecutor(_engine(run).concurrency) as pool:
                errors |= dict(zip(level, pool.map(result, level), strict=True))
            levels.done(*level)
        return [(change, errors[change.name]) for change in changes]

    def remove(self, declared: Sequence[Query], run: Run, report: Callable[[str], None]) -> None:
        """Deletes every query of this repository, with its state."""
        del declared
        if run.services.engine:
            for name in run.services.engine.remove(run.deadline_s):
                report(f"{KIND} {name}")

    def status(self, declared: Sequence[Query], services: "Services") -> Status | None:
        """The state of each query, the causes of failures, and the count of unreadable records."""
        if services.engine is None or not declared:
            return None
        running = services.engine.running()
        names = [query.name for query in declared]
        states = {name: running[name].state if name in running else "ABSENT" for name in names}
        skipped = services.engine.skipped()
        causes = [f"{name}: {query.note}" for name, query in running.items() if query.failed]
        unread = [
            f"{count:,} records of {topic} could not be read and were passed over"
            for topic, count in skipped.items()
        ]
        return Status(
            columns=("query", "state"),
            rows=tuple(states.items()),
            well=frozenset(name for name, state in states.items() if state == "RUNNING"),
            notes=(*causes, *unread),
            data={"queries": states, "skipped": dict(skipped)},
        )


def _sources(change: Change, by_name: Mapping[str, Change]) -> list[str]:
    query: Query | None = change.declared
    return [source for source in query.sources if source in by_name] if query else []


def _make(change: Change, run: Run) -> None:
    engine = _engine(run)
    make = {
        Action.CREATE: engine.create,
        Action.UPDATE: engine.replace,
        Action.RESTART: engine.restart,
        Action.DELETE: engine.drop,
    }[change.action]
    note = make(change.name, run.deadline_s)
    if note:
        run.tell(f"{KIND} {change.name}: {note}")


def _engine(run: Run) -> "Engine":
    engine = run.services.engine
    assert engine is not None  # noqa: S101 - without an engine, a plan has no queries
    return engine
