"""The planning core, without any service."""

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from pipeline.change import Action, Change, Edit, Problem, edits
from pipeline.clients.connect import Validation, root_cause
from pipeline.live import LiveColumn, LiveQuery, LiveSubject, LiveTable, LiveTopic, Task
from pipeline.paths import REPOSITORY
from pipeline.plan import Live, Plan, compare, everything
from pipeline.repository import desired as declarations
from pipeline.repository import loader
from pipeline.resources import RESOURCES
from pipeline.resources.connector import Connector, Connectors
from pipeline.resources.desired import Desired
from pipeline.resources.query import Query
from pipeline.resources.subject import Subject, Subjects
from pipeline.resources.topic import Topic
from pipeline.schemas import text
from pipeline.services import Services
from tests.support.plans import (
    CONNECTORS,
    DESIRED,
    LIVE,
    LIVE_ROWS,
    ONE,
    OWNER,
    ROWS,
    SCHEMA,
    SELECT,
    SINK,
    SOURCE,
    TWO,
    running,
)

SUBJECTS = declarations.render(loader.load(REPOSITORY), OWNER).subjects
# What only clients, templates and SQL need.
HEAVY = ("confluent_kafka", "psycopg", "requests", "jinja2", "sqlglot")


def _live(**kinds: Mapping[str, Any]) -> Live:
    return {**LIVE, **kinds}


def _with(**connectors: Any) -> Live:
    changed = {**CONNECTORS, **connectors}
    return _live(sink=changed, source=changed)


def _changes(live: Live, desired: Desired = DESIRED) -> tuple[Change, ...]:
    return compare(desired, live).changes


def _said(change: Change) -> tuple[str, str, Action, tuple[Edit, ...], str]:
    return change.kind, change.name, change.action, change.edits, change.note


def _empty(plan: Plan) -> bool:
    return not (plan.changes or plan.problems or plan.leftovers or plan.remarks)


def test_planning_loads_no_client() -> None:
    program = f"import sys, pipeline.plan; print([n for n in {HEAVY} if n in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


def test_what_runs_as_declared_does_not_change() -> None:
    assert _empty(compare(DESIRED, LIVE, prune=True))


def test_a_change_carries_what_is_declared_and_what_runs() -> None:
    older = LiveTopic("t", 2, 1, {"retention.ms": "1"})
    (change,) = _changes(_live(topic={"t": older}))
    assert (change.declared, change.live) == (DESIRED.topics[0], older)


def test_a_query_is_replaced_if_its_text_changed_and_restarted_if_it_failed() -> None:
    changed = _live(query={"q": LiveQuery("2", (SELECT, TWO), "RUNNING")})
    lines = Edit("statement", "2 AS n", None), Edit("statement", None, "1 AS n")
    assert [_said(c) for c in _changes(changed)] == [("query", "q", Action.UPDATE, lines, "")]
    ended = LiveQuery("1", (SELECT, ONE), "ERROR", failed=True, note="why")
    failed = _changes(_live(query={"q": ended}))
    assert [_said(c) for c in failed] == [("query", "q", Action.RESTART, (), "it is ERROR: why")]


def test_a_query_that_is_not_declared_is_told_and_goes_with_prune_if_it_is_ours() -> None:
    nothing = replace(DESIRED, queries=())
    told = compare(nothing, LIVE)
    assert (told.changes, told.leftovers) == ((), ("query q",))
    (pruned,) = compare(nothing, LIVE, prune=True).changes
    lines = Edit("statement", "SELECT", None), Edit("statement", "1 AS n", None)
    assert _said(pruned) == ("query", "q", Action.DELETE, lines, "")
    theirs = _live(query={"q": replace(LIVE["query"]["q"], ours=False)})
    plan = compare(nothing, theirs, prune=True)
    assert plan.changes == ()
    assert plan.remarks == ("query q, which is not declared and was not deployed from here",)


def test_from_nothing_everything_is_created_in_the_order_of_the_data() -> None:
    changes = _changes({})
    assert {change.action for change in changes} == {Action.CREATE}
    kinds = list(dict.fromkeys(change.kind for change in changes))
    assert kinds == [resource.kind for resource in RESOURCES]


def test_edits_are_over_the_whole_map() -> None:
    assert edits({"a": "1", "b": "2", "c": "3"}, {"b": "2", "c": "4", "d": "5"}) == (
        Edit("a", "1", None),
        Edit("c", "3", "4"),
        Edit("d", None, "5"),
    )


def test_a_removed_property_is_a_change() -> None:
    live = replace(SINK, config={**SINK.config, "batch.size": "9"})
    (change,) = _changes(_with(s=running(live)))
    assert _said(change) == ("sink", "s", Action.UPDATE, (Edit("batch.size", "9", None),), "")


def test_a_failed_task_is_restarted_and_a_completed_one_is_not() -> None:
    failed = running(SINK, Task(0, "RUNNING"), Task(1, "FAILED", "no such column"))
    completed = running(SOURCE, Task(0, "COMPLETED"))
    (change,) = _changes(_with(s=failed, d=completed))
    assert (change.action, change.note) == (Action.RESTART, "task 1 FAILED: no such column")


@pytest.mark.parametrize("state", ["STOPPED", "PAUSED"])
def test_a_connector_that_was_halted_by_hand_is_resumed(state: str) -> None:
    halted = replace(running(SINK), state=state, tasks=())
    (change,) = _changes(_with(s=halted))
    assert change.edits == (Edit("state", state, "RUNNING"),)


def test_partitions_grow_but_never_shrink() -> None:
    fewer = _live(topic={"t": LiveTopic("t", 2, 1, {"retention.ms": "1"})})
    (change,) = _changes(fewer)
    assert change.edits == (Edit("partitions", "2", "4"),)
    plan = compare(DESIRED, _live(topic={"t": LiveTopic("t", 8, 1, {"retention.ms": "1"})}))
    assert plan.changes == ()
    assert "t has 8 partitions and Kafka cannot take any away" in plan.problems[0].message


def test_a_schema_changes_by_field_and_level() -> None:
    older = LiveSubject("t-value", 3, 7, {**SCHEMA, "fields": []}, "NONE")
    (change,) = _changes(_live(subject={"t-value": older}))
    assert change.note == "after version 3"
    assert change.edits == (
        Edit("compatibility", "NONE", "BACKWARD"),
        Edit("field id", None, '{"type":"string"}'),
    )


def test_a_schemas_attributes_and_the_order_of_its_fields_are_told_in_words() -> None:
    live_fields = [
        {"name": "n", "type": "int", "doc": "old"},
        {"name": "id", "type": {"type": "string"}},
    ]
    fields = [{"name": "id", "type": "string", "aliases": ["key"]}, {"name": "n", "type": "long"}]
    declared = replace(
        DESIRED.subjects[0], schema={"name": "n.R", "fields": fields, "type": "record"}
    )
    live = LiveSubject("t-value", 1, 7, {**SCHEMA, "fields": live_fields, "doc": "it"}, "BACKWARD")
    desired = replace(DESIRED, subjects=(declared,))
    (change,) = _changes(_live(subject={"t-value": live}), desired)
    assert change.edits == (
        Edit("aliases of field id", None, '["key"]'),
        Edit("doc", "it", None),
        Edit("doc of field n", "old", None),
        Edit("name", "R", "n.R"),
        Edit("order of fields", "n, id", "id, n"),
        Edit("type of field n", "int", "long"),
    )


def test_a_schema_in_another_style_does_not_change() -> None:
    other = {"fields": [{"type": "string", "name": "id"}], "name": "R", "type": "record"}
    live = _live(subject={"t-value": LiveSubject("t-value", 1, 7, other, "BACKWARD")})
    assert _changes(live) == ()


def _reversed(value: Any) -> Any:
    if isinstance(value, list):
        return [_reversed(item) for item in value]
    if isinstance(value, dict):
        return {key: _reversed(value[key]) for key in reversed(value)}
    return value


@pytest.mark.parametrize("subject", SUBJECTS, ids=lambda subject: subject.name)
def test_no_schema_of_the_repository_differs_from_what_a_registry_gives_back(
    subject: Subject,
) -> None:
    for given in (json.loads(text(subject.schema)), _reversed(subject.schema)):
        live = LiveSubject(subject.name, 1, 7, given, subject.compatibility)
        assert list(Subjects().difference(subject, live)) == []


def test_a_connector_that_failed_is_validated_like_any_other(tmp_path: Path) -> None:
    file = tmp_path / "s.yaml"
    file.write_text("config:\n  topics: t\n")
    failed = replace(running(SINK), tasks=(Task(0, "FAILED", "no"),))
    plan = everything(DESIRED, _with(s=failed))
    (found,) = [change for change in plan.changes if change.name == "s"]
    change = replace(found, declared=replace(SINK, file=file))
    assert change.action is Action.RESTART
    said = Validation((("topics", "is wrong"),), frozenset(SINK.config))
    worker = type("Worker", (), {"validate": lambda _, __: said})()
    services = cast("Services", type("Clients", (), {"connect": worker})())
    (problem,) = Connectors("sink").check((change,), (SINK,), services)
    assert problem.message == f"{file}:2: topics: is wrong"


def test_topics_and_subjects_that_we_made_are_pruned_and_no_others() -> None:
    topics = {name: LiveTopic(name, 1, 1, {}, ours=name == "old") for name in ("old", "theirs")}
    subjects = {
        name: LiveSubject(name, 1, 1, {}, "BACKWARD", ours=name == "old-value")
        for name in ("old-value", "theirs-value")
    }
    live = _live(topic={**LIVE["topic"], **topics}, subject={**LIVE["subject"], **subjects})
    told = compare(DESIRED, live)
    assert (told.changes, told.leftovers) == ((), ("topic old", "subject old-value"))
    pruned = compare(DESIRED, live, prune=True).changes
    assert [(change.name, change.action) for change in pruned] == [
        ("old", Action.DELETE), ("old-value", Action.DELETE)
    ]  # fmt: skip


def test_prune_takes_only_what_bears_our_mark() -> None:
    old = running(Connector("old", {"topics": "t", "managed.by": OWNER}, Path(), is_sink=True))
    foreign = running(Connector("foreign", {"topics": "t"}, Path(), is_sink=True))
    live = _with(old=old, foreign=foreign)
    assert _changes(live) == ()
    pruned = compare(DESIRED, live, prune=True).changes
    assert [(change.name, change.action) for change in pruned] == [("old", Action.DELETE)]


def test_a_connector_of_another_owner_is_not_overwritten() -> None:
    theirs = replace(SINK, config={**SINK.config, "managed.by": "billing"})
    live = _with(s=running(theirs))
    message = "s.yaml: s belongs to billing: give yours another name, or take it over with --adopt"
    assert compare(DESIRED, live).problems == (Problem("sink", "s", message),)
    adopted = compare(DESIRED, live, adopt=True)
    assert adopted.problems == ()
    assert [_said(change)[3] for change in adopted.changes] == [
        (Edit("managed.by", "billing", OWNER),)
    ]


def test_a_key_that_is_only_unique_gets_not_null_too() -> None:
    nullable = {"id": LiveColumn("id", "text", nullable=True)}
    live = replace(LIVE_ROWS, columns=nullable)
    assert list(ROWS.statements(live)) == ['ALTER TABLE "rows" ALTER COLUMN "id" SET NOT NULL']
    # A primary key makes its columns NOT NULL by itself.
    (statement,) = ROWS.statements(replace(live, has_primary_key=False))
    assert "PRIMARY KEY" in statement


def test_a_renamed_pipeline_is_told_once() -> None:
    desired = replace(DESIRED, connectors=(SINK, replace(SINK, name="twin")))
    live = _with(**{c.name: running(c) for c in desired.connectors})
    (problem,) = compare(replace(desired, owner="new-name"), live).problems
    assert "runs as the pipeline" in problem.message
    assert f"{OWNER}, and the target calls it new-name" in problem.message
    assert compare(replace(desired, owner="new-name"), live, adopt=True).problems == ()
    # A single one is somebody else's, and not everything.
    live = _with(s=running(replace(SINK, config={**SINK.config, "managed.by": "billing"})))
    assert "s belongs to billing" in compare(DESIRED, live).problems[0].message


def test_a_connector_that_nobody_marked_is_not_overwritten() -> None:
    unmarked = running(replace(SINK, config={"topics": "t"}))
    (problem,) = compare(DESIRED, _with(s=unmarked)).problems
    assert "s runs, but was not deployed from here" in problem.message
    assert compare(DESIRED, _with(s=unmarked), adopt=True).problems == ()


def test_a_sink_does_not_become_a_source_of_the_same_name() -> None:
    source = replace(SOURCE, name="s")
    plan = compare(replace(DESIRED, connectors=(source,)), LIVE, prune=True)
    assert {(c.kind, c.name, c.action) for c in plan.changes} == {
        ("source", "d", Action.DELETE),
        ("source", "s", Action.UPDATE),
    }
    (problem,) = plan.problems
    assert "s runs as a sink, and cannot become a source under the same name" in problem.message


WIDE = replace(
    DESIRED,
    topics=(*DESIRED.topics, Topic("dlq", 1, 1, {}), Topic("other", 1, 1, {})),
    connectors=(
        replace(SINK, topics=("t", "dlq"), table="rows"),
        replace(SOURCE, topics=("t",)),
        replace(SOURCE, name="e", topics=("other",)),
    ),
    queries=(Query("q", "1", (SELECT, ONE), reads=("t",), writes="other"),),
)


def _keys(plan: Plan) -> set[tuple[str, str]]:
    return {change.key for change in plan.changes}


def test_only_takes_along_what_the_selected_needs() -> None:
    everything = compare(WIDE, {})
    sink = {("topic", "t"), ("topic", "dlq"), ("subject", "t-value"), ("table", "rows")}
    # The roles of the script: nothing has run it yet.
    roles = ("table", "db_setup.sql")
    assert _keys(everything.only(frozenset({"s"}))) == sink | {roles, ("sink", "s")}
    known = compare(WIDE, {"table": {"db_setup.sql": LIVE["table"]["db_setup.sql"]}})
    assert _keys(known.only(frozenset({"s"}))) == sink | {("sink", "s")}
    query = {("topic", "t"), ("topic", "other"), ("subject", "t-value"), ("query", "q")}
    assert _keys(everything.only(frozenset({"q"}))) == query
    source = {("topic", "t"), ("subject", "t-value"), ("source", "d")}
    assert _keys(everything.only(frozenset({"d"}))) == source


def test_a_problem_blocks_what_needs_it_and_nothing_else() -> None:
    plan = compare(WIDE, {}).with_problems([Problem("subject", "t-value", "no")])
    free = _keys(plan) - plan.blocked(plan.broken()).keys()
    assert free == {
        ("topic", "t"), ("topic", "dlq"), ("topic", "other"), ("table", "db_setup.sql"),
        ("source", "e"),
    }  # fmt: skip
    assert plan.only(frozenset({"e"})).problems == ()
    assert plan.only(frozenset({"s"})).problems == plan.problems


def test_a_table_that_does_not_fit_holds_back_the_schema_that_it_is_made_from() -> None:
    plan = compare(WIDE, {}).with_problems([Problem("table", "rows", "no")])
    blocked = plan.blocked(plan.broken())
    assert blocked["subject", "t-value"] == blocked["source", "d"] == ("table", "rows")
    assert set(_keys(plan) - blocked.keys()) == {
        ("topic", "t"), ("topic", "dlq"), ("topic", "other"), ("table", "db_setup.sql"),
        ("source", "e"),
    }  # fmt: skip


def test_a_problem_without_a_name_concerns_all_changes_of_its_kind() -> None:
    plan = compare(WIDE, {}).with_problems([Problem("table", "", "no")])
    assert {("table", "rows"), ("table", "db_setup.sql"), ("sink", "s")} <= set(
        plan.blocked(plan.broken())
    )
    # Nothing of the kind changes.
    assert compare(DESIRED, LIVE).with_problems([Problem("table", "", "no")]).problems == ()


def test_a_table_gets_columns_comments_and_privileges() -> None:
    wanted = replace(
        DESIRED,
        tables=(
            replace(
                ROWS,
                columns=(*ROWS.columns, replace(ROWS.columns[0], name="n", nullable=True)),
                comment="Rows",
            ),
        ),
    )
    live = replace(LIVE_ROWS, grants={**LIVE_ROWS.grants, "bi_reader": frozenset()})
    changes = _changes(_live(table={**LIVE["table"], "rows": live}), wanted)
    assert [_said(change) for change in changes] == [
        (
            "table",
            "rows",
            Action.UPDATE,
            (
                Edit("column n", None, "text"),
                Edit("comment", None, "Rows"),
                Edit("privileges of bi_reader", "", "SELECT"),
            ),
            "",
        )
    ]
    assert list(changes[0].declared.statements(live)) == [
        'ALTER TABLE "rows" ADD COLUMN IF NOT EXISTS "n" text',
        "COMMENT ON TABLE \"rows\" IS 'Rows'",
    ]


def test_a_primary_key_that_is_gone_is_made_again() -> None:
    live = replace(LIVE_ROWS, keys=frozenset(), has_primary_key=False)
    (change,) = _changes(_live(table={**LIVE["table"], "rows": live}))
    assert change.edits == (Edit("primary key", None, "id"),)
    assert list(change.declared.statements(live)) == ['ALTER TABLE "rows" ADD PRIMARY KEY ("id")']


def test_what_a_person_added_to_a_table_is_left_alone_and_told_unless_the_script_knows() -> None:
    more = {**LIVE_ROWS.columns, "note": LiveColumn("note", "text", nullable=True, comment="mine")}
    live = _live(table={**LIVE["table"], "rows": replace(LIVE_ROWS, columns=more, comment="hand")})
    plan = compare(DESIRED, live)
    assert plan.changes == ()
    assert plan.remarks == ("column note of rows, which is in no schema",)
    script = replace(DESIRED.script, text="ALTER TABLE rows ADD COLUMN IF NOT EXISTS note text")
    assert compare(replace(DESIRED, script=script), live).remarks == ()


@pytest.mark.parametrize(
    ("live", "message"),
    [
        (
            replace(LIVE_ROWS, columns={"id": LiveColumn("id", "bigint", nullable=False)}),
            'run ALTER TABLE "rows" ALTER COLUMN "id" TYPE text USING "id"::text',
        ),
        (
            replace(
                LIVE_ROWS,
                columns={
                    **LIVE_ROWS.columns, "old": LiveColumn("old", "text", nullable=False)
                },
            ),
            'run ALTER TABLE "rows" DROP COLUMN "old"',
        ),
        (replace(LIVE_ROWS, keys=frozenset()), "id is not the primary key of rows"),
    ],
)  # fmt: skip
def test_a_table_that_does_not_fit_is_a_problem(live: LiveTable, message: str) -> None:
    (problem,) = ROWS.unfit(live)
    assert message in problem


def test_a_table_that_nothing_makes_is_a_problem() -> None:
    # What is to be made can be left out by --only.
    assert list(ROWS.unfit(None)) == []
    more = replace(ROWS, columns=(*ROWS.columns, replace(ROWS.columns[0], name="n")))
    assert list(more.unfit(LIVE_ROWS)) == []
    (problem,) = replace(ROWS, columns=()).unfit(None)
    assert "there is no table rows, and its topics have no schema to make it from" in problem


def test_a_table_with_more_columns_that_fill_themselves_fits() -> None:
    made = LiveColumn("made", "text", nullable=False, filled=True)
    more = replace(LIVE_ROWS, columns={**LIVE_ROWS.columns, "made": made})
    assert list(ROWS.unfit(more)) == []


def test_the_root_cause_is_the_innermost_one() -> None:
    trace = (
        "org.x.ConnectException: Exiting\n\tat org.x.Y.z(Y.java:1)\n"
        "Caused by: java.sql.SQLException: outer\n\t... 3 more\n"
        "Caused by: org.postgresql.util.PSQLException: FATAL: no\n\tat a.b(C.java:2)\n"
    )
    assert root_cause(trace) == "org.postgresql.util.PSQLException: FATAL: no"
    assert root_cause("java.lang.Error: alone\n\tat a.b(C.java)") == "java.lang.Error: alone"
    assert root_cause("") == ""
