"""make drill, in short: without the kills and what takes minutes."""

from io import StringIO

import pytest
from rich.console import Console

from pipeline.errors import PipelineError
from stack.drill import faults, run
from stack.drill.account import Account
from stack.drill.faults import Place
from stack.layout import Layout
from tests.support.delivery import bounded
from tests.support.embedded import TARGET
from tests.support.workspace import Workspace

SHORT = {
    "a poison record": "one reject, one dead letter",
    "an incompatible schema": "the registry refuses it",
    "a clock that is a day ahead, one a day behind": "what is behind changes nothing;"
    " Kafka refuses what is ahead",
}


def test_a_drill_tells_what_each_fault_costs(whole: Workspace, stack: Layout) -> None:
    place = Place(stack, str(TARGET))
    with pytest.raises(PipelineError, match="mend this first"):
        run.check(place)
    # More than the drill waits for: a fault is over once rows arrive again.
    bounded(whole, max_interval_ms=60)
    whole.edit("connectors/sources/admissions.yaml", iterations=100_000)
    whole.ok("deploy")
    place.await_count(run.ROWS, 0)
    run.check(place)
    wanted = [fault for fault in faults.all_faults(place, 1) if fault.name in SHORT]
    outcomes = list(run.run(place, wanted, Console(quiet=True)))
    assert {one.fault: one.happened for one in outcomes} == SHORT
    assert {one.account for one in outcomes} == {Account(lost=0, doubled=0)}
    shown = Console(width=140, record=True, file=StringIO())
    shown.print(run.table(outcomes))
    assert "an incompatible schema" in shown.export_text()
