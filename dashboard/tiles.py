"""Rows as components of a page: numbers, bars, tables, figures. Pure."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from dash import dcc, html
from dash.development.base_component import Component

from dashboard import aria, charts, numbers
from dashboard.rows import Failed, Rows
from dashboard.selection import Selection
from pipeline.repository.dashboards import Metric, Tile

LOG = logging.getLogger(__name__)
CONFIG: Any = {"displayModeBar": False, "responsive": True}
# The column of a table whose values are marked, unless they are as they should be.
STATE = "State"
WELL = frozenset({"RUNNING", "COMPLETED", "closed"})


@dataclass(frozen=True)
class Frame:
    """What a tile is drawn in: the page's address, its selection, and its clock."""

    path: str
    selection: Selection
    now: datetime

    def link(self, name: str, value: str) -> str:
        """The address after a click on a value of a filter."""
        return self.path + self.selection.toggled(name, value).search

    def is_chosen(self, name: str, value: str) -> bool:
        """Whether a filter has this value."""
        return value in self.selection.filters.get(name, ())


@dataclass(frozen=True)
class Drawing:
    """A tile with what it shows. `zero` is the metric's value where there are no rows."""

    tile: Tile
    metric: Metric | None
    found: Rows
    frame: Frame
    zero: Any = None

    @property
    def version(self) -> str:
        """Differs if the tile has to be drawn anew.

        What is clicked, and the times of a line, follow from the selection and the clock.
        """
        selection = self.frame.selection
        end = selection.bounds(self.frame.now)[1] if self.tile.chart == "line" else ""
        return f"{self.found.version} {selection.search} {end}"

    @property
    def unit(self) -> str:
        """What is counted."""
        return self.metric.unit if self.metric else ""

    @property
    def decimals(self) -> int:
        """Digits after the point."""
        return self.metric.decimals if self.metric else 0


def body(drawing: Drawing | Failed) -> Component:
    """What is below a tile's title."""
    if isinstance(drawing, Failed):
        return html.P(drawing.reason, className="failed", role="status")
    notes = (html.P(note, className="failed") for note in drawing.found.notes)
    try:
        return html.Div([_drawn(drawing), *notes])
    except (ValueError, TypeError, IndexError) as error:
        LOG.exception("tile %s", drawing.tile.title)
        told = f"its rows cannot be drawn as {drawing.tile.chart}: {error}"
        return html.P(told, className="failed", role="status")


def _drawn(drawing: Drawing) -> Component:
    """The chart; a number has a dash where there are no rows, all others say so."""
    if not drawing.found.rows and drawing.tile.chart != "number":
        return html.P(drawing.tile.empty, className="empty")
    return DRAWN[drawing.tile.chart](drawing)


def _number(drawing: Drawing) -> Component:
    values = [row[-1] for row in drawing.found.rows]
    if drawing.tile.compare:
        return _compared(drawing)
    parts = [html.P(_value(drawing, values[0] if values else None), className="value")]
    if drawing.metric:
        parts.append(html.P(drawing.metric.meaning, className="usual"))
    return html.Div(parts)


def _value(drawing: Drawing, value: Any) -> list[Any]:
    number = html.Span(numbers.number(value, drawing.decimals))
    return [number, " ", html.Span(drawing.unit, className="unit")]


def _compared(drawing: Drawing) -> Component:
    """The last day, how it differs from the mean of those before, and a bar for each day."""
    by_day = {
        int(days): float(value or 0) for days, value in drawing.found.rows if days is not None
    }
    now = by_day.pop(0, 0.0)
    parts: list[Component] = [html.P(_value(drawing, now), className="value")]
    if by_day:
        # A day without rows is one on which nothing happened.
        usual = sum(by_day.values()) / max(by_day)
        parts.append(html.P(numbers.against(now, usual), className="usual"))
        days = [by_day.get(day, 0.0) for day in range(max(by_day), 0, -1)] + [now]
        parts.append(_sparkline(days))
    return html.Div(parts)


def _sparkline(values: Sequence[float]) -> Component:
    most = max(values) or 1
    bars = [html.Span(style={"height": f"{100 * value / most:.0f}%"}) for value in values]
    return html.Div(bars, className="spark", **aria.hidden())


@dataclass(frozen=True)
class _Bar:
    """A value of `by`, how it is called, and its parts by series."""

    value: str
    label: str
    parts: Mapping[str, float]

    @property
    def length(self) -> float:
        return sum(self.parts.values())


def _bars(drawing: Drawing) -> Component:
    """A ranked list. A click on a name sets the tile's filter."""
    bars = _stacked(drawing)
    longest = max(bar.length for bar in bars) or 1
    names = sorted({name for bar in bars for name in bar.parts})
    items = [
        html.Li([_name(drawing, bar), _amount(drawing, bar), _length(bar, longest, names)])
        for bar in bars
    ]
    legend = [_legend(names)] if len(names) > 1 else []
    return html.Div([*legend, html.Ul(items, className="bars")])


def _stacked(drawing: Drawing) -> list[_Bar]:
    """The bars, each with its parts. A query has ordered those without."""
    tile = drawing.tile
    found: dict[str, tuple[str, dict[str, float]]] = {}
    for first, *more, value in drawing.found.rows:
        label = f"{first} {more[0]}" if tile.label else str(first)
        part = str(more[-1]) if tile.split else ""
        found.setdefault(str(first), (label, {}))[1][part] = float(value or 0)
    bars = [_Bar(value, label, parts) for value, (label, parts) in found.items()]
    if tile.split:
        bars.sort(key=lambda bar: -bar.length)
    return bars[: tile.limit]


def _name(drawing: Drawing, bar: _Bar) -> Component:
    sets, frame = drawing.tile.sets, drawing.frame
    if not sets:
        return html.Span(bar.label, className="name")
    chosen = aria.current("true", applies=frame.is_chosen(sets, bar.value))
    link = dcc.Link(bar.label, href=frame.link(sets, bar.value), title=f"Only {bar.label}")
    return html.Span(link, className="name", **chosen)


def _amount(drawing: Drawing, bar: _Bar) -> Component:
    return html.Span(numbers.number(bar.length, drawing.decimals), className="amount")


def _length(bar: _Bar, longest: float, names: Sequence[str]) -> Component:
    parts = [
        html.Span(
            className="part",
            style={
                "width": f"{100 * bar.parts[name] / longest:.2f}%",
                "background": _colour(names, name),
            },
        )
        for name in names
        if name in bar.parts
    ]
    return html.Span(parts, className="bar", **aria.hidden())


def _legend(names: Sequence[str]) -> Component:
    keys = [html.Span([html.I(style={"background": _colour(names, name)}), name]) for name in names]
    return html.P(keys, className="legend")


def _colour(names: Sequence[str], name: str) -> str:
    return charts.COLOURS[list(names).index(name) % len(charts.COLOURS)]


def _line(drawing: Drawing) -> Component:
    frame = drawing.frame
    at = frame.selection.times(frame.now)
    figure = charts.line(drawing.found.rows, drawing.unit, at, drawing.zero)
    return _graph(drawing, figure)


def _columns(drawing: Drawing) -> Component:
    return _graph(drawing, charts.columns(drawing.found.rows, drawing.unit))


def _histogram(drawing: Drawing) -> Component:
    return _graph(drawing, charts.histogram(drawing.found.rows))


def _graph(drawing: Drawing, figure: charts.Figure) -> Component:
    # A histogram's rows end with the reference range.
    place = 1 if drawing.tile.chart == "histogram" else -1
    values = [float(row[place]) for row in drawing.found.rows if row[place] is not None]
    low, high = (numbers.number(extreme(values, default=None), 1) for extreme in (min, max))
    by = "over time" if drawing.tile.chart == "line" else "by group"
    unit = f" {drawing.unit}" if drawing.unit else ""
    graph = dcc.Graph(figure=figure, config=CONFIG, className="graph")
    label = f"{drawing.tile.title}, {by}: {low} to {high}{unit}. The CSV has every value."
    return html.Div(graph, role="img", **aria.label(label))


def _table(drawing: Drawing) -> Component:
    names = drawing.found.columns
    head = html.Tr([html.Th(name, scope="col") for name in names])
    rows = [
        html.Tr([_cell(name, value) for name, value in zip(names, row, strict=True)])
        for row in drawing.found.rows
    ]
    table = html.Table([html.Thead(head), html.Tbody(rows)])
    # Who has no mouse scrolls it by keys.
    label = aria.label(drawing.tile.title)
    return html.Div(table, className="scroll", tabIndex="0", role="region", **label)


def _cell(name: str, value: Any) -> Component:
    text = numbers.cell(value)
    if name == STATE:
        return html.Td(text, className="well" if text.split(" ")[0] in WELL else "ill")
    is_number = isinstance(value, int | float | Decimal)
    return html.Td(text, className="figure" if is_number else None)


DRAWN: Mapping[str, Callable[[Drawing], Component]] = {
    "number": _number,
    "bars": _bars,
    "line": _line,
    "columns": _columns,
    "histogram": _histogram,
    "table": _table,
}
