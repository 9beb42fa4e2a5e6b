"""No secret in any output, and long values cut around what differs."""

import json

import pytest
from rich.console import Console

from pipeline import report
from pipeline.change import Action, Change, Edit, Problem
from pipeline.plan import Plan
from pipeline.resources.resource import Outcome


def _text(plan: Plan) -> str:
    console = Console(width=200, no_color=True)
    with console.capture() as captured:
        report.print_plan(plan, console)
    return captured.get()


def _plan(*edits: Edit, note: str = "") -> Plan:
    return Plan(
        (Change("sink", "labs-sink", Action.UPDATE, edits, note),),
        (Problem("sink", "x", "bad: s3cret"),),
    )


def test_a_secret_is_hidden_wherever_it_stands() -> None:
    plan = _plan(
        Edit("connection.password", "written-by-hand", "${env:JDBC_PASSWORD}"),
        Edit("connection.url", "jdbc:x?password=s3cret", "jdbc:x"),
        note="task 0 FAILED: s3cret",
    )
    shown = report.plan_json(report.safe(plan, ["s3cret"]))
    assert "s3cret" not in shown
    assert "written-by-hand" not in shown
    edits = json.loads(shown)["changes"][0]["edits"]
    assert edits[0] == {
        "key": "connection.password",
        "before": "***",
        "after": "${env:JDBC_PASSWORD}",
    }


def test_a_diff_shows_what_is_new_gone_and_changed() -> None:
    text = _text(_plan(Edit("a", None, "1"), Edit("b", "2", None), Edit("c", "3", "4")))
    assert "+ a: 1" in text
    assert "- b: 2" in text
    assert "~ c: 3 → 4" in text
    assert "1 to update." in text


def test_a_long_value_is_cut_around_the_difference() -> None:
    long = "x" * 500
    text = _text(_plan(Edit("schema.string", f"{long}OLD{long}", f"{long}NEW{long}")))
    assert "OLD" in text
    assert "NEW" in text
    assert len(max(text.splitlines(), key=len)) < 200


def test_brackets_in_a_value_are_no_markup() -> None:
    assert "[red]" in _text(_plan(Edit("a", "[red]", "[blue]")))


@pytest.mark.parametrize("name", ["[red]x", "a[/]b", "x[bold"])
def test_neither_are_they_in_a_name(name: str) -> None:
    change = Change("sink", name, Action.DELETE)
    assert name in _text(Plan((change,), (), (name,), (name,)))


def test_an_address_in_a_live_configuration_is_shown_without_its_password() -> None:
    plan = _plan(Edit("connection.url", "jdbc:x?user=a&password=by-hand", "jdbc:x"))
    (edit,) = report.safe(plan).changes[0].edits
    assert edit.before == "jdbc:x?user=a&password=***"


def test_trivial_secrets_hide_nothing_and_long_ones_go_first() -> None:
    assert report.redact("a 2000 b", ["", "a", "2000"]) == "a 2000 b"
    assert report.redact("secret-of-mine", ["secret", "secret-of-mine"]) == "***"


def test_an_outcome_says_of_each_change_what_became_of_it() -> None:
    done, failed, left = (Change("sink", name, Action.CREATE) for name in "abc")
    plan = Plan((done, failed, left), (Problem("table", "t", "no"),))
    outcome = Outcome(((done, None), (failed, "s3cret")), ((left, "table t has a problem"),))
    told = json.loads(
        report.outcome_json(plan, outcome, lambda text: report.redact(text, ["s3cret"]))
    )
    assert [(c["name"], c["outcome"], c["message"]) for c in told["changes"]] == [
        ("a", "done", None),
        ("b", "error", "***"),
        ("c", "not made", "table t has a problem"),
    ]
    assert told["problems"] == ["no"]
    assert report.last_line(outcome, ["sink b is FAILED"]) == (
        "1 of 3 changes made, 1 failed, 1 not tried. Now: sink b is FAILED."
    )
    assert report.last_line(Outcome(((done, None),)), ()) == "1 of 1 change made."


def test_nothing_to_change_is_not_said_beside_a_problem_or_a_leftover() -> None:
    assert _text(Plan(())).startswith(report.NOTHING)
    assert _text(Plan((), (Problem("sink", "s", "no"),))) == ""
    assert report.NOTHING not in _text(Plan((), leftovers=("sink s",)))


def test_a_password_that_a_plugin_knows_is_hidden() -> None:
    problem = Problem("sink", "labs-sink", "key: is in clear text", ("hunter2",))
    edit = Edit("key", None, "hunter2")
    plan = Plan((Change("sink", "labs-sink", Action.UPDATE, (edit,)),), (problem,))
    assert "hunter2" not in report.plan_json(report.safe(plan))
