"""Rows as figures of Plotly. Colours of axes and text are in assets/style.css. Pure."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

# Paul Tol's bright scheme: told apart by the colour-blind too, on a light and on a dark ground.
COLOURS = ("#4477AA", "#EE6677", "#228833", "#CCBB44", "#66CCEE", "#AA3377", "#888888")
FADED = "rgba(68, 119, 170, 0.14)"
Row = Sequence[Any]
Figure = dict[str, Any]


def line(rows: Sequence[Row], unit: str, at: Sequence[datetime], zero: Any) -> Figure:
    """Values over time. A time without a row has the value `zero`."""
    return _figure(
        [
            {
                "type": "scatter",
                "mode": "lines",
                "name": name or unit,
                "x": [moment.isoformat() for moment in at],
                "y": [_float(values.get(moment, zero)) for moment in at],
                "line": {"color": COLOURS[index % len(COLOURS)], "width": 2},
                **({"fill": "tozeroy", "fillcolor": FADED} if not name else {}),
            }
            for index, (name, values) in enumerate(_series(rows).items())
        ],
        hovermode="x unified",
    )


def columns(rows: Sequence[Row], unit: str) -> Figure:
    """A column for each value of `by`, one beside the other for each series."""
    return _figure(
        [
            {
                "type": "bar",
                "name": name or unit,
                "x": list(values),
                "y": [_float(value) for value in values.values()],
                "marker": {"color": COLOURS[index % len(COLOURS)]},
            }
            for index, (name, values) in enumerate(_series(rows).items())
        ],
        barmode="group",
    )


def histogram(rows: Sequence[Row]) -> Figure:
    """How often a value occurs, over the reference range: rows of value, count, low and high."""
    figure = _figure(
        [{"type": "bar", "name": "results", "x": [_float(row[0]) for row in rows],
          "y": [_float(row[1]) for row in rows], "marker": {"color": COLOURS[0]}}],
        bargap=0.05,
    )  # fmt: skip
    if rows:
        low, high = _float(rows[0][2]), _float(rows[0][3])
        band = {
            "type": "rect",
            "xref": "x",
            "yref": "paper",
            "x0": low,
            "x1": high,
            "y0": 0,
            "y1": 1,
        }
        colour = {"fillcolor": "rgba(34, 136, 51, 0.16)", "line": {"width": 0}, "layer": "below"}
        figure["layout"]["shapes"] = [{**band, **colour}]
    return figure


def _series(rows: Sequence[Row]) -> dict[str, dict[Any, Any]]:
    """The values by name of the series: rows of (x, value) or (x, series, value)."""
    found: dict[str, dict[Any, Any]] = {}
    for first, *name, value in rows:
        found.setdefault(str(name[0]) if name else "", {})[first] = value
    return dict(sorted(found.items())) or {"": {}}


def _float(value: Any) -> float | None:
    return None if value is None else float(value)


def _figure(traces: list[dict[str, Any]], **layout: Any) -> Figure:
    return {
        "data": traces,
        "layout": {
            "uirevision": "same",
            "margin": {"l": 44, "r": 8, "t": 8, "b": 32},
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "font": {"family": "Inter, system-ui, sans-serif", "size": 12},
            "showlegend": len(traces) > 1,
            "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
            "xaxis": {"showgrid": False, "zeroline": False, "fixedrange": True},
            "yaxis": {"rangemode": "tozero", "zeroline": False, "fixedrange": True, "nticks": 5},
            "autosize": True,
            **layout,
        },
    }
