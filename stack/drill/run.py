"""Makes the faults one after another, and tells what each one cost."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from pipeline import deploy as deployment
from pipeline.errors import PipelineError
from pipeline.wait import until
from spark import status as cleansing
from stack import lifecycle
from stack.drill import account
from stack.drill.account import Account
from stack.drill.faults import Fault, Place

HEALTHY_S = 300
ROWS = "SELECT count(*) FROM admissions"


@dataclass(frozen=True)
class Outcome:
    """What a fault cost. `healthy_s` is from its end on, in seconds."""

    fault: str
    happened: str
    healthy_s: float
    account: Account


def check(place: Place) -> None:
    """Checks that there is something to drill.

    Raises:
        PipelineError: the stack is not well, or no source sends any more.
    """
    if not place.supervisor.running():
        raise PipelineError("the stack is not up: make demo")
    wrong = _wrong(place)
    if wrong:
        raise PipelineError(f"mend this first: {wrong[0]}")
    live = place.loaded.services.connect.connectors()
    if not any(one.state == "RUNNING" and not one.is_sink for one in live.values()):
        raise PipelineError("no source sends records any more: make clean demo")


def run(place: Place, faults: Iterable[Fault], console: Console) -> Iterator[Outcome]:
    """Makes faults; yields what each one cost.

    Raises:
        DeadlineError: the pipeline is not well again, or records are lost or doubled.
    """
    for fault in faults:
        outcome = _cost(place, fault, console)
        console.print(f"[green]✓[/] {fault.name}: well after {outcome.healthy_s:.0f} s")
        yield outcome


def _cost(place: Place, fault: Fault, console: Console) -> Outcome:
    rows = place.count(ROWS)
    with console.status(fault.name) as shown:
        happened = fault.make(place)
        begun = time.monotonic()
        shown.update(f"{fault.name}: until all is well")
        until(
            lambda: _unwell(place, rows),
            seconds=HEALTHY_S,
            done=lambda wrong: not wrong,
            describe=lambda wrong: f"after {fault.name}: {'; '.join(wrong or ())}",
            every=2,
        )
        healthy_s = time.monotonic() - begun
        shown.update(f"{fault.name}: counting")
        with place.database() as connection:
            found = account.take(place.loaded, connection)
    return Outcome(fault.name, happened, healthy_s, found)


def table(outcomes: Iterable[Outcome]) -> Table:
    """The outcomes, for people."""
    shown = Table("fault", "what happened", "well after", "lost", "doubled", box=None)
    for one in outcomes:
        shown.add_row(
            one.fault,
            one.happened,
            f"{one.healthy_s:.0f} s",
            str(one.account.lost),
            str(one.account.doubled),
        )
    return shown


def _unwell(place: Place, rows: int) -> list[str]:
    """What is wrong; also if no row has come since the fault."""
    wrong = _wrong(place)
    if not wrong and place.count(ROWS) <= rows:
        return ["no admission has landed since"]
    return wrong


def _wrong(place: Place) -> list[str]:
    try:
        unhealthy = [
            f"{one.service.name} does not answer"
            for one in lifecycle.status(place.layout)
            if not one.healthy
        ]
        written = cleansing.read(cleansing.file_of(place.layout.state))
        if written is None or written.state != "running":
            unhealthy.append(f"the cleansing is {written.state if written else 'not there'}")
        if unhealthy:
            return unhealthy
        loaded = place.loaded
        found, error = deployment.states(loaded.services, loaded.desired)
    except PipelineError as away:
        return [str(away)]
    if error:
        return [str(error)]
    return [f"{wrong.name}: {wrong.what}" for state in found for wrong in state.wrong]
