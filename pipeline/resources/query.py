"""Queries: the statements of ksql/ that an engine runs, ksqlDB or Flink."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from graphlib import TopologicalSorter
from typing import TYPE_CHECKING, Any

from pipeline.change import Action, Change, Problem, lines
from pipeline.live import Line, LiveQuery
from pipeline.resources import owned
from pipeline.resources.resource import DEPLOY, Resource, Result, Run, Status, Wrong, attempt
from pipeline.resources.topic import Topic

if TYPE_CHECKING:
    from pipeline.engines.engine import Engine
    from pipeline.services import Services

KIND = "query"
# What to do about a state; about any other, deploy.
REMEDIES = {
    "FAILING": "mend the cause: it is tried again by itself",
    "CREATED": "wait: it starts",
    "RESTARTING": "wait: it is tried again by itself",
}


@dataclass(frozen=True)
class Query:
    """A statement of ksql/ that an engine must run.

    `meaning` is compared with that of the running query. `lines` are for the diff in a plan.
    `sources` are the names of the statements that it reads. `reads` and `writes` are topics.
    `origin` is the statement's file and line.
    """

    name: str
    meaning: str
    lines: tuple[Line, ...]
    sources: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    writes: str = ""
    origin: str = ""


class Queries(Resource[Query, LiveQuery]):
    """Queries. Whatever a changed statement's engine cannot take back can be made anew."""

    kind = KIND
    recreatable = True

    def read(self, services: "Services", declared: Sequence[Query]) -> Mapping[str, LiveQuery]:
        """All queries on the engine."""
        del declared
        if services.engine is None:
            return {}
        running = services.engine.running()
        if services.engine.marks:
            return running
        ours = owned.names(KIND, services)
        return {name: replace(query, ours=name in ours) for name, query in running.items()}

    def difference(self, declared: Query, live: LiveQuery | None) -> Iterator[Change]:
        """Compares the statements line by line. A query that failed or is paused is restarted."""
        name = declared.name
        if live is None:
            yield Change(KIND, name, Action.CREATE, declared=declared)
        elif live.meaning != declared.meaning:
            changed = tuple(lines(live.lines, declared.lines))
            yield Change(KIND, name, Action.UPDATE, changed, live.note, declared, live)
        elif live.failed:
            note = f"it is {live.state}: {live.note}"
            yield Change(KIND, name, Action.RESTART, (), note, declared, live)

    def problems(
        self, declared: Query, live: LiveQuery | None, owner: str, *, adopt: bool
    ) -> Iterator[str]:
        """Somebody else runs a job under the name of the statement."""
        del owner
        if live and live.theirs and not adopt:
            yield (
                f"{declared.origin}: a job of the name {declared.name} runs, but was not deployed"
                " from here: end it, or put yours in its place with --adopt"
            )

    def is_over(self, live: LiveQuery | None) -> bool:
        """Whether somebody has ended the query, and left what it had made."""
        return live is not None and live.over

    def anew(
        self, declared: Query, live: LiveQuery | None, needed: Sequence[Any]
    ) -> Iterator[Change]:
        """A query that starts over, and what of its topics' records it cannot read any more."""
        why = f"it is {live.state}: {live.note}; " if live and live.over else ""
        note = f"{why}it starts over from the earliest record{_lost(needed)}"
        changed = tuple(lines(live.lines, declared.lines)) if live else ()
        yield Change(KIND, declared.name, Action.RECREATE, changed, note, declared, live)

    def check(
        self, changes: Sequence[Change], declared: Sequence[Query], services: "Services"
    ) -> list[Problem]:
        """Whether a query's topic is as new as the query, and nobody else reads what is dropped."""
        del declared
        again = {change.name for change in changes if change.action is Action.RECREATE}
        return [*_beside_others(changes, services), *_read_by_others(changes, again)]

    def clear(self, changes: Sequence[Change], run: Run) -> list[Result]:
        """Ends the queries, those first that read others; ends with the first failure."""
        by_name = {change.name: change for change in changes}
        sources = {name: _sources(change, by_name) for name, change in by_name.items()}
        results: list[Result] = []
        for name in reversed(tuple(TopologicalSorter(sources).static_order())):
            results.append(attempt(by_name[name], lambda change: _drop(change, run), run))
            if results[-1][1]:
                break
        return results

    def remarks(self, declared: Sequence[Query], live: Mapping[str, LiveQuery]) -> Iterator[str]:
        """Queries that are not declared, and that no deployment of ours made."""
        names = {query.name for query in declared}
        for name, query in sorted(live.items()):
            if not query.ours and name not in names:
                yield f"{KIND} {name}, which is not declared and was not deployed from here"

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
        if _engine(run).marks:
            return self._in_order(changes, run)
        return owned.stored(KIND, changes, lambda: self._in_order(changes, run), run)

    def _in_order(self, changes: Sequence[Change], run: Run) -> list[Result]:
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
        engine = run.services.engine
        if engine:
            names = engine.remove(run.deadline_s)
            for name in names:
                report(f"{KIND} {name}")
            if not engine.marks:
                owned.forget(KIND, names, run.services)

    def status(self, declared: Sequence[Query], services: "Services") -> Status | None:
        """The state of each query, the causes of failures, and the count of unreadable records."""
        if services.engine is None or not declared:
            return None
        running = services.engine.running()
        names = [query.name for query in declared]
        states = {name: running[name].state if name in running else "ABSENT" for name in names}
        skipped = services.engine.skipped()
        wrong = (
            Wrong(name, _said(state, running.get(name)), REMEDIES.get(state, DEPLOY))
            for name, state in states.items()
            if state != "RUNNING"
        )
        unread = [
            f"{count:,} records of {topic} could not be read and were passed over"
            for topic, count in skipped.items()
        ]
        return Status(
            columns=("query", "state"),
            rows=tuple(states.items()),
            wrong=tuple(wrong),
            notes=tuple(unread),
            data={"queries": states, "skipped": dict(skipped)},
        )


def _said(state: str, live: LiveQuery | None) -> str:
    return f"{state}: {live.note}" if live and live.failed else state


def _sources(change: Change, by_name: Mapping[str, Change]) -> list[str]:
    """What is changed before it: what it reads, or what reads it if it is deleted."""
    before = change.declared.sources if change.declared else change.live.readers
    return [name for name in before if name in by_name]


def _lost(needed: Iterable[Any]) -> str:
    """What of its topics a query that starts over does not find any more."""
    forgetful = [item for item in needed if isinstance(item, Topic) and item.forgets]
    told = ", ".join(f"{topic.name} has deleted after {topic.forgets}" for topic in forgetful)
    return f"; it cannot bring back what {told}" if told else ""


def _beside_others(changes: Sequence[Change], services: "Services") -> Iterator[Problem]:
    """A new query on an engine that would write beside what an older one has written."""
    if services.engine is None or not services.engine.needs_empty_topics:
        return
    created = [c for c in changes if c.action is Action.CREATE and c.declared.writes]
    if not created:
        return
    bounds = services.kafka.bounds({change.declared.writes for change in created})
    filled = {topic for (topic, _), (start, end) in bounds.items() if end > start}
    for query in (change.declared for change in created):
        if query.writes in filled:
            yield Problem(
                KIND,
                query.name,
                f"{query.origin}: the topic {query.writes} has records already, and {query.name}"
                f" would write all of them once more: `deploy --recreate {query.name}` makes both"
                " anew",
            )


def _read_by_others(changes: Sequence[Change], again: set[str]) -> Iterator[Problem]:
    """A query that cannot be dropped, because something reads it that is not declared."""
    for change in changes:
        if change.name in again and change.live:
            others = sorted(set(change.live.readers) - again)
            if others:
                yield Problem(
                    KIND,
                    change.name,
                    f"{change.declared.origin}: {change.name} cannot be made anew, because it is"
                    f" read by {', '.join(others)}, which is not declared: drop that first, with"
                    " --prune if it was deployed from here",
                )


def _drop(change: Change, run: Run) -> None:
    _engine(run).drop(change.name, run.deadline_s)


def _make(change: Change, run: Run) -> None:
    engine = _engine(run)
    make = {
        Action.CREATE: engine.create,
        Action.RECREATE: engine.create,
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
