"""What `status` prints, and its JSON."""

import json
from dataclasses import replace

import pytest
from rich.console import Console

from pipeline import statusreport
from pipeline.clients.lags import Lag
from pipeline.live import LiveConnector, Task
from pipeline.resources import connectorstatus
from pipeline.resources.resource import Status, Wrong

COLUMNS = ("connector", "state", "tasks", "lag")


def _printed(status: Status, width: int = 200) -> str:
    console = Console(width=width, no_color=True)
    with console.capture() as captured:
        statusreport.show([status], console)
    return captured.get()


def _connector(name: str, state: str, *tasks: Task) -> LiveConnector:
    return LiveConnector(name, {}, state, "", tasks, is_sink=True)


@pytest.mark.parametrize("name", ["[red]x", "a[/]b", "x[bold"])
def test_a_name_is_no_markup(name: str) -> None:
    wrong = (Wrong(name, "[blue]", "deploy"),)
    printed = _printed(Status(("connector", "state"), ((name, "[blue]"),), wrong, (name,), {}))
    assert printed.count(name) == 3
    assert printed.count("[blue]") == 2


def test_a_state_stays_json_whatever_is_hidden() -> None:
    secret = '"state": '
    data = {"queries": {"q": f"x{secret}"}, "connectors": [{"name": "a", "lag": None}]}
    wrong = (Wrong("q", secret, "deploy"),)
    status = Status(("query", "state"), (("q", secret),), wrong, (secret,), data)
    safe = statusreport.safe(status, [secret])
    assert json.loads(statusreport.as_json([safe])) == {
        "wrong": [{"name": "q", "what": "***", "remedy": "deploy"}],
        "queries": {"q": "x***"},
        "connectors": [{"name": "a", "lag": None}],
    }
    assert (safe.rows, safe.notes) == ((("q", "***"),), ("***",))


def test_a_narrow_status_folds_names_and_cuts_none() -> None:
    names = ("admissions-by-age-daily-sink", "admissions-by-band-daily-sink")
    rows = tuple((name, "RUNNING", "RUNNING RUNNING", "1,234") for name in names)
    head, *printed = _printed(Status(COLUMNS, rows, (), (), {}), 40).splitlines()[1:]
    assert "…" not in "".join(printed)
    # The first column, put together again.
    width = head.index("state")
    assert "".join(line[:width].strip() for line in printed) == "".join(names)


def test_what_is_wrong_comes_first_with_what_to_do() -> None:
    live = {
        "well": _connector("well", "RUNNING", Task(0, "RUNNING"), Task(1, "RUNNING")),
        "bad": _connector("bad", "RUNNING", Task(0, "RUNNING"), Task(1, "FAILED", "no disk")),
        "off": _connector("off", "STOPPED"),
    }
    lags = {"well": Lag(0), "bad": Lag(1204, 75), "off": Lag(3, 400_000)}
    status = connectorstatus.of(["well", "bad", "off", "gone"], live, lags)
    assert _printed(status).splitlines()[:7] == [
        "3 of 4 are not well:",
        "✗ bad: task 1 FAILED: no disk",
        "    → mend the cause, then `make deploy`: it starts failed tasks again",
        "✗ off: STOPPED",
        "    → `make deploy`",
        "✗ gone: ABSENT",
        "    → `make deploy`",
    ]
    lines = _printed(status).splitlines()
    assert [line.split(maxsplit=3)[-1].strip() for line in lines[8:10]] == [
        "RUNNING  0 (0 s)",
        "FAILED   1,204 (75 s)",
    ]
    assert [item["lag_s"] for item in json.loads(statusreport.as_json([status]))["connectors"]] == [
        0, 75, 400_000, None,
    ]  # fmt: skip


def test_if_nothing_is_wrong_it_says_so() -> None:
    live = {"a": _connector("a", "RUNNING", Task(0, "COMPLETED"))}
    status = connectorstatus.of(["a"], live, {})
    assert _printed(status).startswith("All 1 are well.\n")
    gone = replace(status, rows=(), wrong=())
    assert not _printed(gone).startswith("All")
