"""The planning core, without any service."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipeline.clients.connect import LiveConnector, Task, root_cause
from pipeline.clients.kafka import LiveTopic
from pipeline.clients.postgres import LiveTables
from pipeline.clients.registry import LiveSubject
from pipeline.desired import Connector, Desired, Line, Query, Script, Subject, Table, Topic
from pipeline.engines.engine import LiveQuery
from pipeline.live import Live
from pipeline.plan import Action, Change, Edit, Kind, Plan, compare, edits, table_problems

OWNER = "hospital"
SCHEMA: dict[str, Any] = {
    "type": "record",
    "name": "R",
    "fields": [{"name": "id", "type": "string"}],
}
SELECT, ONE, TWO = Line("select", "SELECT"), Line("1", "1 AS n"), Line("2", "2 AS n")
SINK = Connector("s", {"topics": "t", "managed.by": OWNER}, Path("s.yaml"), is_sink=True)
SOURCE = Connector("d", {"kafka.topic": "t", "managed.by": OWNER}, Path("d.yaml"), is_sink=False)
DESIRED = Desired(
    topics=(Topic("t", 4, 1, {"retention.ms": "1"}),),
    subjects=(Subject("t-value", SCHEMA, "BACKWARD", Path("t.avsc")),),
    script=Script(Path("db_setup.sql"), "SELECT 1", "a" * 64),
    tables=(Table("rows", ("id",), ("id",), "s", Path("s.yaml")),),
    connectors=(SOURCE, SINK),
    queries=(Query("q", "1", (SELECT, ONE)),),
)


def _running(connector: Connector, *tasks: Task) -> LiveConnector:
    states = tasks or (Task(0, "RUNNING"),)
    return LiveConnector(connector.name, connector.config, "RUNNING", "", states)


LIVE = Live(
    topics={"t": LiveTopic("t", 4, 1, {"retention.ms": "1"})},
    subjects={"t-value": LiveSubject("t-value", 1, 7, SCHEMA, "BACKWARD")},
    script_sha256="a" * 64,
    connectors={"s": _running(SINK), "d": _running(SOURCE)},
    queries={"q": LiveQuery("1", (SELECT, ONE), "RUNNING", ours=True)},
)
NOTHING = Live({}, {}, None, {})


def _changes(live: Live, desired: Desired = DESIRED) -> tuple[Change, ...]:
    return compare(desired, live, OWNER).changes


def test_what_runs_as_declared_does_not_change() -> None:
    assert compare(DESIRED, LIVE, OWNER, prune=True) == Plan(())


def test_a_query_is_replaced_if_its_text_changed_and_restarted_if_it_failed() -> None:
    changed = replace(LIVE, queries={"q": LiveQuery("2", (SELECT, TWO), "RUNNING")})
    lines = Edit("statement", "2 AS n", None), Edit("statement", None, "1 AS n")
    assert _changes(changed) == (Change(Kind.QUERY, "q", Action.UPDATE, lines),)
    ended = LiveQuery("1", (SELECT, ONE), "ERROR", failed=True, note="why")
    failed = replace(LIVE, queries={"q": ended})
    assert _changes(failed) == (Change(Kind.QUERY, "q", Action.RESTART, note="it is ERROR: why"),)


def test_a_query_that_is_not_declared_is_told_and_goes_with_prune_if_it_is_ours() -> None:
    nothing = replace(DESIRED, queries=())
    told = compare(nothing, LIVE, OWNER)
    assert (told.changes, told.leftovers) == ((), ("query q",))
    pruned = compare(nothing, LIVE, OWNER, prune=True)
    lines = Edit("statement", "SELECT", None), Edit("statement", "1 AS n", None)
    assert pruned == Plan((Change(Kind.QUERY, "q", Action.DELETE, lines),))
    theirs = replace(LIVE, queries={"q": replace(LIVE.queries["q"], ours=False)})
    assert compare(nothing, theirs, OWNER, prune=True) == Plan(())


def test_from_nothing_everything_is_created_in_the_order_of_the_data() -> None:
    changes = _changes(NOTHING)
    assert [(change.kind, change.action) for change in changes] == [
        (kind, Action.CREATE) for kind in Kind
    ]


def test_edits_are_over_the_whole_map() -> None:
    assert edits({"a": "1", "b": "2", "c": "3"}, {"b": "2", "c": "4", "d": "5"}) == (
        Edit("a", "1", None),
        Edit("c", "3", "4"),
        Edit("d", None, "5"),
    )


def test_a_removed_property_is_a_change() -> None:
    live = replace(SINK, config={**SINK.config, "batch.size": "9"})
    (change,) = _changes(replace(LIVE, connectors={**LIVE.connectors, "s": _running(live)}))
    assert change == Change(Kind.SINK, "s", Action.UPDATE, (Edit("batch.size", "9", None),))


def test_a_failed_task_is_restarted_and_a_completed_one_is_not() -> None:
    failed = _running(SINK, Task(0, "RUNNING"), Task(1, "FAILED", "no such column"))
    completed = _running(SOURCE, Task(0, "COMPLETED"))
    (change,) = _changes(replace(LIVE, connectors={"s": failed, "d": completed}))
    assert (change.action, change.note) == (Action.RESTART, "task 1 FAILED: no such column")


@pytest.mark.parametrize("state", ["STOPPED", "PAUSED"])
def test_a_connector_that_was_halted_by_hand_is_resumed(state: str) -> None:
    halted = replace(_running(SINK), state=state, tasks=())
    (change,) = _changes(replace(LIVE, connectors={**LIVE.connectors, "s": halted}))
    assert change.edits == (Edit("state", state, "RUNNING"),)


def test_partitions_grow_but_never_shrink() -> None:
    fewer = replace(LIVE, topics={"t": LiveTopic("t", 2, 1, {"retention.ms": "1"})})
    (change,) = _changes(fewer)
    assert change.edits == (Edit("partitions", "2", "4"),)
    more = replace(LIVE, topics={"t": LiveTopic("t", 8, 1, {"retention.ms": "1"})})
    plan = compare(DESIRED, more, OWNER)
    assert plan.changes == ()
    assert "t has 8 partitions and Kafka cannot take any away" in plan.problems[0]


def test_a_schema_changes_by_field_and_level() -> None:
    older = LiveSubject("t-value", 3, 7, {**SCHEMA, "fields": []}, "NONE")
    (change,) = _changes(replace(LIVE, subjects={"t-value": older}))
    assert change.note == "after version 3"
    assert change.edits == (
        Edit("compatibility", "NONE", "BACKWARD"),
        Edit("field id", None, '{"type":"string"}'),
    )


def test_prune_takes_only_what_bears_our_mark() -> None:
    old = _running(Connector("old", {"topics": "t", "managed.by": OWNER}, Path(), is_sink=True))
    foreign = _running(Connector("foreign", {"topics": "t"}, Path(), is_sink=True))
    live = replace(LIVE, connectors={**LIVE.connectors, "old": old, "foreign": foreign})
    assert _changes(live) == ()
    pruned = compare(DESIRED, live, OWNER, prune=True).changes
    assert [(change.name, change.action) for change in pruned] == [("old", Action.DELETE)]


def test_a_connector_of_another_owner_is_not_overwritten() -> None:
    theirs = replace(SINK, config={**SINK.config, "managed.by": "billing"})
    live = replace(LIVE, connectors={**LIVE.connectors, "s": _running(theirs)})
    assert compare(DESIRED, live, OWNER).problems == (
        "s.yaml: s belongs to billing: give yours another name",
    )


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        (LiveTables({}, {}), "there is no table rows"),
        (LiveTables({"rows": frozenset()}, {}), "table rows lacks id"),
        (LiveTables({"rows": frozenset({"id"})}, {}), "id is not the primary key of rows"),
    ],
)
def test_a_table_that_does_not_fit_is_a_problem(tables: LiveTables, message: str) -> None:
    assert message in "\n".join(table_problems(DESIRED.tables, tables))


def test_a_table_that_fits_is_none() -> None:
    fits = LiveTables({"rows": frozenset({"id", "more"})}, {"rows": frozenset({("id",)})})
    assert list(table_problems(DESIRED.tables, fits)) == []


def test_the_root_cause_is_the_innermost_one() -> None:
    trace = (
        "org.x.ConnectException: Exiting\n\tat org.x.Y.z(Y.java:1)\n"
        "Caused by: java.sql.SQLException: outer\n\t... 3 more\n"
        "Caused by: org.postgresql.util.PSQLException: FATAL: no\n\tat a.b(C.java:2)\n"
    )
    assert root_cause(trace) == "org.postgresql.util.PSQLException: FATAL: no"
    assert root_cause("java.lang.Error: alone\n\tat a.b(C.java)") == "java.lang.Error: alone"
    assert root_cause("") == ""
