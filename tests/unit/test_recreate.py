"""--recreate: a statement anew with its topic and all that reads it, in order, or not at all."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from pipeline import deploy
from pipeline.change import Action, Change, Problem
from pipeline.errors import PipelineError, UsageError
from pipeline.live import Line, LiveConnector, LiveQuery, LiveSubject, LiveTopic, Task
from pipeline.paths import REPOSITORY
from pipeline.plan import Live, Plan, compare
from pipeline.repository import desired as declarations
from pipeline.repository.loader import load
from pipeline.resources.connector import Connector
from pipeline.resources.desired import Desired
from pipeline.resources.query import Query
from pipeline.resources.resource import Outcome, Run
from pipeline.resources.subject import Subject
from pipeline.resources.topic import Topic
from pipeline.selection import recreated
from pipeline.services import Services
from tests.support.notes import Notes
from tests.support.plans import DESIRED, LIVE, OWNER, SCHEMA

TOPICS = ("raw", "kept", "a", "b", "c")
TEXT = (Line("x", "x"),)


def _sink(topic: str) -> Connector:
    config = {"topics": topic, "managed.by": OWNER}
    return Connector(
        f"{topic}-sink", config, Path("s.yaml"), (topic,), f"{topic}_rows", is_sink=True
    )


# RAW -> A -> B, and C beside them. Each but RAW has a topic, a subject and a sink.
WHOLE = Desired(
    owner=OWNER,
    topics=(
        Topic("raw", 1, 1, {"retention.ms": "604800000"}),
        *(Topic(name, 1, 1, {"cleanup.policy": "compact"}) for name in TOPICS[1:]),
    ),
    subjects=tuple(
        Subject(f"{name}-value", SCHEMA, "BACKWARD", Path("x.sql")) for name in TOPICS[2:]
    ),
    tables=(),
    script=DESIRED.script,
    connectors=tuple(_sink(name) for name in TOPICS[2:]),
    queries=(
        Query("RAW", "1", TEXT, reads=("raw",)),
        Query("KEPT", "1", TEXT, reads=("kept",)),
        Query("A", "1", TEXT, ("RAW", "KEPT"), writes="a", origin="x.sql:1"),
        Query("B", "1", TEXT, ("A",), writes="b"),
        Query("C", "1", TEXT, ("RAW",), writes="c"),
    ),
)
RUNNING: Live = {
    "topic": {topic.name: LiveTopic(topic.name, 1, 1, topic.config) for topic in WHOLE.topics},
    "subject": {s.name: LiveSubject(s.name, 3, 7, SCHEMA, "BACKWARD") for s in WHOLE.subjects},
    "table": {"db_setup.sql": LIVE["table"]["db_setup.sql"]},
    "query": {query.name: LiveQuery("1", TEXT, "RUNNING") for query in WHOLE.queries},
    "sink": {
        sink.name: LiveConnector(
            sink.name, sink.config, "RUNNING", "", (Task(0, "RUNNING"),), is_sink=True
        )
        for sink in WHOLE.connectors
    },
    "source": {},
}
OF_A = {
    ("topic", "a"), ("topic", "b"), ("subject", "a-value"), ("subject", "b-value"),
    ("query", "A"), ("query", "B"), ("sink", "a-sink"), ("sink", "b-sink"),
}  # fmt: skip


def _plan(name: str = "A", live: Live = RUNNING) -> Plan:
    return compare(WHOLE, live, recreate=frozenset({name}))


def _keys(plan: Plan) -> dict[tuple[str, str], Action]:
    return {change.key: change.action for change in plan.changes}


def test_a_statement_is_made_anew_with_its_topic_and_all_that_reads_it() -> None:
    assert _keys(_plan()) == dict.fromkeys(OF_A, Action.RECREATE)
    assert {key for key in OF_A if "b" in key[1].lower()} == _plan("B").recreated
    assert compare(WHOLE, RUNNING).changes == ()


def test_the_plan_says_what_goes_and_what_cannot_come_back() -> None:
    notes = {change.key: change.note for change in _plan().changes}
    assert notes["topic", "a"] == "with its records"
    assert notes["subject", "b-value"] == "with its versions"
    assert notes["query", "A"] == notes["query", "B"]
    assert notes["query", "A"] == (
        "it starts over from the earliest record; it cannot bring back what raw has deleted after"
        " 7 days"
    )
    assert "rows under keys that nothing writes any more stay" in notes["sink", "a-sink"]


@pytest.mark.parametrize(
    ("config", "forgets"),
    [
        ({}, "7 days"),
        ({"retention.ms": "43200000"}, "0.5 days"),
        ({"retention.ms": "-1"}, ""),
        ({"cleanup.policy": "compact", "retention.ms": "1"}, ""),
        ({"cleanup.policy": "compact,delete", "retention.ms": "86400000"}, "1 days"),
    ],
)
def test_what_a_topic_forgets_follows_from_its_settings(
    config: dict[str, str], forgets: str
) -> None:
    assert Topic("t", 1, 1, config).forgets == forgets


def test_no_trend_of_the_repository_loses_anything_if_it_is_made_anew() -> None:
    project = load(REPOSITORY)
    topics = {topic.name: topic for topic in declarations.topics(project)}
    read = {statement.topic for statement in project.statements}
    assert {name for name in read if topics[name].forgets} == set()


def test_a_query_that_ended_is_made_anew_without_being_named() -> None:
    ended = LiveQuery("1", TEXT, "STOPPED", failed=True, note="somebody did it", over=True)
    plan = compare(WHOLE, {**RUNNING, "query": {**RUNNING["query"], "A": ended}})
    assert _keys(plan) == dict.fromkeys(OF_A, Action.RECREATE)
    (note,) = (change.note for change in plan.changes if change.name == "A")
    assert note.startswith("it is STOPPED: somebody did it; it starts over")


def test_what_is_not_there_is_created() -> None:
    queries = {name: query for name, query in RUNNING["query"].items() if name not in {"A", "B"}}
    live = {**RUNNING, "query": queries, "sink": {}}
    actions = _keys(_plan("A", live))
    assert actions["topic", "a"] is actions["query", "A"] is Action.RECREATE
    assert actions["sink", "a-sink"] is Action.CREATE


def test_only_takes_all_of_it() -> None:
    assert set(_keys(_plan().only(frozenset({"B"})))) == OF_A
    assert _keys(_plan().only(frozenset({"C"}))) == {}


def test_one_problem_holds_back_all_of_it() -> None:
    plan = _plan().with_problems([Problem("sink", "b-sink", "no")])
    assert plan.blocked(plan.broken()).keys() == OF_A
    other = _plan().with_problems([Problem("sink", "c-sink", "no")])
    assert other.blocked(other.broken()) == {}


def test_a_statement_is_named_in_either_case_and_an_unknown_one_is_refused() -> None:
    assert recreated(["a", "B"], WHOLE) == {"A", "B"}
    with pytest.raises(UsageError, match=r"unknown statement KEPTT; did you mean KEPT\?"):
        recreated(["KEPTT"], WHOLE)


class Everything:
    """All services. They write down what they do, and fail at what `refused` begins with."""

    concurrency = 1
    marks = True
    needs_empty_topics = True

    def __init__(self, refused: str = "-") -> None:
        self.done: list[str] = []
        self.refused = refused
        self.there = set(TOPICS)
        self.registered = {subject.name for subject in WHOLE.subjects}
        self.stopped: set[str] = set()

    def did(self, what: str) -> str:
        if what.startswith(self.refused):
            raise PipelineError("no")
        self.done.append(what)
        return ""

    def drop(self, name: str, deadline_s: float) -> str:
        del deadline_s
        return self.did(f"drop {name}")

    def create(self, name: str, deadline_s: float = 0, *more: Any, trial: bool = False) -> str:
        del deadline_s, more, trial
        self.there.add(name)
        return self.did(f"create {name}")

    replace = restart = create

    def topics(self, names: list[str]) -> set[str]:
        return self.there & set(names)

    def subjects(self) -> set[str]:
        return self.registered

    def delete(self, what: Any, *, for_good: bool = True) -> None:
        del for_good
        name = what if isinstance(what, str) else what[0]
        self.did(f"delete {name}")
        self.there.discard(name)

    def register(self, name: str, schema: Any) -> None:
        del schema
        self.did(f"register {name}")

    def set_compatibility(self, name: str, level: str) -> None:
        del name, level

    def latest(self, name: str) -> LiveSubject:
        return cast("LiveSubject", RUNNING["subject"][name])

    def stop(self, name: str) -> None:
        self.did(f"stop {name}")
        self.stopped.add(name)

    def resume(self, name: str) -> None:
        self.did(f"resume {name}")
        self.stopped.discard(name)

    def forget_offsets(self, name: str) -> None:
        self.did(f"rewind {name}")

    def connectors(self) -> dict[str, LiveConnector]:
        sinks = cast("dict[str, LiveConnector]", RUNNING["sink"])
        return {
            name: replace(sink, state="STOPPED", tasks=()) if name in self.stopped else sink
            for name, sink in sinks.items()
        }

    def lags(self, groups: dict[str, Any]) -> dict[str, int]:
        return dict.fromkeys(groups, 0)

    def committed(self, group: str) -> dict[Any, int]:
        del group
        return {}


def _made(services: Everything, plan: Plan, run: Callable[[Run], Run] = lambda run: run) -> Outcome:
    kinds = ("kafka", "registry", "connect", "engine")
    found = {**dict.fromkeys(kinds, services), "database": Notes()}
    clients = cast("Services", type("Clients", (), found)())
    told = Run(clients, 1, report=lambda *_: None, tell=lambda _: None)
    return deploy.apply(plan, run(told))


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.resources.worker.SETTLE_S", 0.01)
    monkeypatch.setattr("pipeline.resources.worker.MOVE_S", 0.05)
    monkeypatch.setattr("pipeline.resources.worker.EVERY_S", 0.01)


def test_all_goes_from_the_sinks_up_before_it_is_made_from_the_topics_down() -> None:
    services = Everything()
    outcome = _made(services, _plan())
    assert outcome.failures == ()
    assert {change.key for change in outcome.made} == OF_A
    done = services.done
    order = [
        "stop b-sink", "rewind b-sink", "drop B", "drop A", "delete b-value", "delete b",
        "create a", "register a-value", "create A", "create B", "resume a-sink",
    ]  # fmt: skip
    assert [done.index(step) for step in order] == sorted(done.index(step) for step in order)
    assert not any(" c" in step or " C" in step for step in done)


@pytest.mark.parametrize("refused", ["rewind a-sink", "drop A", "delete a-value", "delete a"])
def test_what_cannot_be_taken_away_is_not_made_and_no_sink_stays_stopped(refused: str) -> None:
    services = Everything(refused)
    outcome = _made(services, _plan())
    assert outcome.made == ()
    assert not any(step.startswith(("create", "register")) for step in services.done)
    assert services.stopped == set()
    assert any(failure.endswith(": no") for failure in outcome.failures)
    assert len(outcome.failures) == len(OF_A)


def test_a_sink_goes_on_if_its_query_cannot_be_made_again() -> None:
    services = Everything("create B")
    outcome = _made(services, _plan())
    assert {change.key for change in outcome.made} == OF_A - {("query", "B"), ("sink", "b-sink")}
    assert services.stopped == set()


def test_nothing_is_taken_away_from_what_has_a_problem() -> None:
    services = Everything()
    plan = _plan().with_problems([Problem("sink", "b-sink", "no")])
    assert _made(services, plan).made == ()
    assert services.done == []


def test_once_it_is_stopping_nothing_more_is_taken_away() -> None:
    services = Everything()

    def stopping(run: Run) -> Run:
        run.stopping.set()
        return run

    outcome = _made(services, _plan(), stopping)
    assert outcome.made == ()
    assert {step for step in services.done if not step.startswith("resume")} == set()


def test_the_changes_come_in_the_order_of_the_data() -> None:
    changes: tuple[Change, ...] = _plan().changes
    kinds = list(dict.fromkeys(change.kind for change in changes))
    assert kinds == ["topic", "subject", "query", "sink"]
