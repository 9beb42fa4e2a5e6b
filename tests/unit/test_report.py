"""No secret in any output, and long values cut around what differs."""

import json

from rich.console import Console

from pipeline import report
from pipeline.change import Action, Change, Edit, Problem
from pipeline.plan import Plan


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
