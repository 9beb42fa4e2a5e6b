"""What runs, as text and as JSON, without secrets."""

import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, Never

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.markup import escape
from rich.table import Column, Table
from rich.text import Text

from pipeline.errors import ServicesError
from pipeline.report import redact, redacted
from pipeline.resources.resource import Status

EVERY_S = 2
# The states, and the services that are not well.
Look = Callable[[], tuple[Sequence[Status], ServicesError | None]]


def safe(status: Status, secrets: Iterable[str]) -> Status:
    """The state without secrets."""
    values = tuple(secrets)
    return replace(
        status,
        rows=tuple(tuple(redact(cell, values) for cell in row) for row in status.rows),
        wrong=tuple(replace(wrong, what=redact(wrong.what, values)) for wrong in status.wrong),
        notes=tuple(redact(note, values) for note in status.notes),
        data=redacted(status.data, values),
    )


def as_json(statuses: Iterable[Status]) -> str:
    """The states as JSON.

    {"queries": {name: state}, "skipped": {topic: records}, "connectors": [{name, state, failed,
    tasks, lag, lag_s}], "wrong": [{name, what, remedy}]}. The state of a missing query or connector
    is ABSENT. `lag` is in records, `lag_s` the age of the oldest of them in seconds; both are null
    for a source.
    """
    joined: dict[str, Any] = {"wrong": []}
    for status in statuses:
        for key, value in status.data.items():
            joined[key] = [*joined[key], *value] if key in joined else value
        joined["wrong"] += [vars(wrong) for wrong in status.wrong]
    return json.dumps(joined, indent=2)


def show(statuses: Sequence[Status], console: Console) -> None:
    """Prints what is wrong and what to do, then one table per set of columns."""
    for part in _parts(statuses):
        console.print(part, soft_wrap=isinstance(part, Text))


def watch(look: Look, console: Console) -> Never:
    """Shows the states again and again, until it is interrupted."""
    with Live(console=console, auto_refresh=False, screen=True) as live:
        while True:
            statuses, error = look()
            unreachable = [Text(f"✗ {error}", "red")] if error else []
            live.update(Group(*unreachable, *_parts(statuses)), refresh=True)
            time.sleep(EVERY_S)


def _parts(statuses: Sequence[Status]) -> Iterator[RenderableType]:
    yield from _wrong(statuses)
    for columns in dict.fromkeys(status.columns for status in statuses):
        same = [status for status in statuses if status.columns == columns]
        yield _table(columns, same)
        yield from (Text(f"  {note}") for status in same for note in status.notes)


def _wrong(statuses: Sequence[Status]) -> Iterator[Text]:
    wrong = [item for status in statuses for item in status.wrong]
    total = sum(len(status.rows) for status in statuses)
    if wrong:
        yield Text(f"{len(wrong)} of {total} are not well:", "red")
    elif total:
        yield Text(f"All {total} are well.", "green")
    yield from (Text(str(item)) for item in wrong)


def _table(columns: tuple[str, ...], statuses: Sequence[Status]) -> Table:
    # A name that does not fit is folded: cut, it might be that of another.
    table = Table(*(Column(name, overflow="fold") for name in columns), box=None)
    for status in statuses:
        wrong = {item.name for item in status.wrong}
        for name, state, *rest in status.rows:
            colour = "red" if name in wrong else "green"
            cells = (escape(cell) for cell in rest)
            table.add_row(escape(name), f"[{colour}]{escape(state)}[/]", *cells)
    return table
