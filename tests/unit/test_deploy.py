"""What is left alone when something before it fails."""

from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import Any, cast

import pytest

from pipeline import deploy
from pipeline.change import Action, Change, Problem
from pipeline.errors import PipelineError
from pipeline.live import LiveConnector, Task
from pipeline.plan import Plan
from pipeline.resources import worker
from pipeline.resources.connector import Connector
from pipeline.resources.query import Query
from pipeline.resources.resource import Resource, Result, Run
from pipeline.services import Services


class Refusing:
    """An engine that refuses one statement."""

    concurrency = 2
    marks = True

    def __init__(self, refused: str) -> None:
        self.refused = refused
        self.made: list[str] = []

    def create(self, name: str, deadline_s: float) -> str:
        del deadline_s
        if name == self.refused:
            raise PipelineError("no")
        self.made.append(name)
        return f"{name} is made"

    replace = restart = drop = create


def test_what_builds_on_a_statement_that_failed_is_left_alone_and_the_others_are_made() -> None:
    sources = {"a": (), "b": ("a",), "c": ("b",), "d": ()}
    changes = tuple(
        Change("query", name, Action.CREATE, declared=Query(name, name, (), of))
        for name, of in sources.items()
    )
    connector = Change("sink", "s", Action.CREATE)
    engine = Refusing("a")
    told: list[str] = []
    services = cast("Services", type("Clients", (), {"engine": engine})())
    run = Run(services, deadline_s=1, report=lambda *_: None, tell=told.append)
    needs = {connector.key: frozenset({("query", "c")})}
    outcome = deploy.apply(Plan((*changes, connector), needs=needs), run)
    assert engine.made == ["d"]
    assert told == ["query d: d is made"]
    assert outcome.failures == (
        "query a: no",
        "query b: not made, because a failed",
        "query c: not made, because b failed",
        "sink s: not made, because query c failed",
    )


class Remembering(Resource[Any, Any]):
    """A kind that only remembers what was done, in which order."""

    def __init__(self, kind: str, done: list[str], *, holds_data: bool, refused: str = "") -> None:
        self.kind = kind
        self.holds_data = holds_data
        self._done = done
        self._refused = refused

    def apply(self, changes: Sequence[Change], run: Run) -> list[Result]:
        del run
        self._done += [f"{change.action} {change.name}" for change in changes]
        return [(c, "no" if c.name == self._refused else None) for c in changes]


@pytest.mark.parametrize("refused", ["", "old sink"])
def test_data_is_deleted_last_and_only_if_all_else_was_made(
    monkeypatch: pytest.MonkeyPatch, refused: str
) -> None:
    done: list[str] = []
    kinds = (
        Remembering("topic", done, holds_data=True),
        Remembering("subject", done, holds_data=True),
        Remembering("sink", done, holds_data=False, refused=refused),
    )
    monkeypatch.setattr(deploy, "RESOURCES", kinds)
    changes = [
        Change(kind, f"{age} {kind}", action)
        for kind in ("topic", "subject", "sink")
        for age, action in (("new", Action.CREATE), ("old", Action.DELETE))
    ]
    run = Run(cast("Services", None), deadline_s=1, report=lambda *_: None, tell=lambda _: None)
    outcome = deploy.apply(Plan(tuple(changes)), run)
    first = ["create new topic", "create new subject", "create new sink", "delete old sink"]
    last = ["delete old subject", "delete old topic"]
    assert done == (first if refused else [*first, *last])
    reason = "not deleted, because not all else was made"
    left = [f"subject old subject: {reason}", f"topic old topic: {reason}"]
    assert list(outcome.failures) == (["sink old sink: no", *left] if refused else [])


def test_what_has_a_problem_is_not_tried_and_the_rest_is_made() -> None:
    queries = [
        Change("query", name, Action.CREATE, declared=Query(name, name, ())) for name in "abc"
    ]
    problem = Problem("query", "a", "it is wrong")
    needs = {("query", "b"): frozenset({("query", "a")})}
    engine = Refusing("")
    services = cast("Services", type("Clients", (), {"engine": engine})())
    run = Run(services, deadline_s=1, report=lambda *_: None, tell=lambda _: None)
    outcome = deploy.apply(Plan(tuple(queries), (problem,), needs=needs), run)
    assert engine.made == ["c"]
    assert [change.name for change in outcome.made] == ["c"]
    assert outcome.failures == (
        "query a: not made, because of its problem",
        "query b: not made, because query a has a problem",
    )


class Away:
    """A broker that is away once all is written."""

    def committed(self, group: str) -> dict[tuple[str, int], int]:
        raise PipelineError(f"Kafka is away, asked for {group}")


def test_what_was_made_is_told_if_a_service_is_away_afterwards(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(worker, "make", lambda *_: None)
    sink = Connector("s", {"topics": "t"}, Path("s.yaml"), is_sink=True)
    changes = (
        Change("query", "q", Action.CREATE, declared=Query("q", "q", ())),
        Change("sink", "s", Action.CREATE, declared=sink),
    )
    services = cast("Services", type("Clients", (), {"engine": Refusing(""), "kafka": Away()})())
    told: list[tuple[str, str | None]] = []
    run = Run(services, 1, lambda change, error: told.append((change.name, error)), lambda _: None)
    outcome = deploy.apply(Plan(changes), run)
    assert [change.name for change in outcome.made] == ["q"]
    unknown = "made, but whether it goes on is not known: Kafka is away, asked for connect-s"
    assert outcome.failures == (f"sink s: {unknown}",)
    assert told == [("q", None), ("s", unknown)]


class Worker:
    """A worker whose connectors change their states from one request to the next."""

    def __init__(self, *states: dict[str, str]) -> None:
        self._states: Iterator[dict[str, str]] = iter([*states, *[states[-1]] * 1000])

    def connectors(self) -> dict[str, LiveConnector]:
        return {
            name: LiveConnector(
                name, {}, "RUNNING", "", (Task(0, state, "no rows today"),), is_sink=True
            )
            for name, state in next(self._states).items()
        }


def _watched(
    worker_: Worker, *names: str, idle: frozenset[str] = frozenset(), stopping: bool = False
) -> object:
    services = cast("Services", type("Clients", (), {"connect": worker_})())
    run = Run(services, deadline_s=1, report=lambda *_: None, tell=lambda _: None)
    if stopping:
        run.stopping.set()
    return worker.watch(names, run, lambda: set(idle))


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that goes on by a second whenever it is looked at: however slow the machine is."""
    for name, seconds in {"SETTLE_S": 10, "MOVE_S": 40, "EVERY_S": 0}.items():
        monkeypatch.setattr(worker, name, seconds)
    monkeypatch.setattr(worker, "monotonic", count().__next__)


@pytest.mark.usefixtures("quick")
def test_a_task_that_fails_with_its_first_record_is_seen() -> None:
    running = {"a": "RUNNING", "b": "RUNNING", "c": "COMPLETED"}
    states = Worker(running, running, {**running, "b": "FAILED"})
    failed = {"b": "task 0 FAILED: no rows today"}
    assert _watched(states, "a", "b", "c") == (failed, set())


@pytest.mark.usefixtures("quick")
def test_a_sink_that_has_work_is_watched_for_longer_and_told_if_it_does_not_begin() -> None:
    running = Worker({"a": "RUNNING", "b": "RUNNING"})
    assert _watched(running, "a", "b", idle=frozenset({"b"})) == ({}, {"b"})
    late = Worker(*[{"a": "RUNNING"}] * 10, {"a": "FAILED"})
    assert _watched(late, "a", idle=frozenset({"a"})) == (
        {"a": "task 0 FAILED: no rows today"},
        set(),
    )


@pytest.mark.usefixtures("quick")
def test_of_a_run_that_is_cut_off_nothing_is_said_to_wait() -> None:
    running = Worker({"a": "RUNNING"})
    assert _watched(running, "a", idle=frozenset({"a"}), stopping=True) == ({}, set())
