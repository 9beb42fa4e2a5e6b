"""The query of a tile. Values are bound; names are those of the repository's files. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from dashboard.selection import Selection
from pipeline.repository.dashboards import FILTERS, TIME, Metric, Page, Tile
from pipeline.sql.ddl import quoted

# Before the last 24 hours, so many times 24 hours are the usual.
USUAL_DAYS = 28
VIEW = re.compile(r'\bbi"?\."?(\w+)', re.IGNORECASE)


@dataclass(frozen=True)
class Query:
    """SQL with named parameters, and their values."""

    sql: str
    values: Mapping[str, Any]

    @property
    def views(self) -> frozenset[str]:
        """The views of the schema bi that it reads."""
        return frozenset(name.lower() for name in VIEW.findall(self.sql))

    @property
    def key(self) -> tuple[str, str]:
        """The same for the same query with the same values."""
        return self.sql, repr(sorted(self.values.items()))


@dataclass(frozen=True)
class Composer:
    """Composes the queries of a page's tiles.

    `columns` has the columns of each view, `now` is the page's clock.
    """

    page: Page
    metrics: Mapping[str, Metric]
    columns: Mapping[str, frozenset[str]]
    selection: Selection
    now: datetime

    def query(self, tile: Tile) -> Query:
        """The query of a tile with a metric or a query of its own."""
        if tile.metric is None:
            filters, values = self._conditions(tile.view or "", tile.time)
            return _query(str(tile.query).replace(FILTERS, filters), values)
        metric = self.metrics[tile.metric]
        if tile.compare:
            return self._compared(metric)
        return self._grouped(metric, tile)

    def _grouped(self, metric: Metric, tile: Tile) -> Query:
        filters, values = self._conditions(metric.view, metric.time, metric.where)
        named = ["at" if tile.by == TIME else tile.by, tile.label, tile.split]
        groups = [name if name == "at" else quoted(name) for name in named if name]
        if tile.by == TIME:
            at = f"date_trunc('{self.selection.step}', {quoted(str(metric.time))}) AS at"
            selected = [at, *groups[1:]]
        else:
            selected = groups
        grouping = ", ".join(map(str, range(1, len(groups) + 1)))
        return _query(
            f"SELECT {', '.join([*selected, f'{metric.sql} AS value'])}\n"
            f"FROM bi.{metric.view} WHERE {filters}"
            + (f"\nGROUP BY {grouping}{self._order(tile)}" if groups else ""),
            values,
        )

    def _order(self, tile: Tile) -> str:
        """A ranking, of whole bars if they are split; else by time or value."""
        if tile.by == TIME or tile.chart == "columns":
            return " ORDER BY 1"
        if tile.split:
            return " ORDER BY 1, 2"
        return f" ORDER BY value DESC NULLS LAST, 1 LIMIT {tile.limit}"

    def _compared(self, metric: Metric) -> Query:
        """The metric of the last 24 hours, and of the same before, by days ago."""
        end = self.now.replace(minute=0, second=0, microsecond=0)
        time = quoted(str(metric.time))
        filters, values = self._conditions(metric.view, None, metric.where)
        return _query(
            f"SELECT floor(extract(epoch FROM %(end)s - {time} - interval '1 us') / 86400)::int"  # noqa: S608
            f" AS days_ago, {metric.sql} AS value\n"
            f"FROM bi.{metric.view} WHERE {time} >= %(begin)s AND {time} < %(end)s AND {filters}\n"
            "GROUP BY 1 ORDER BY 1",
            {**values, "begin": end - timedelta(days=USUAL_DAYS + 1), "end": end},
        )

    def _conditions(
        self, view: str, time: str | None, where: str | None = None
    ) -> tuple[str, dict[str, Any]]:
        """The conditions of the filters and of the period that concern a view."""
        start, end = self.selection.bounds(self.now)
        conditions = [f"({where})"] if where else []
        values: dict[str, Any] = {"from": start, "to": end, "now": self.now}
        values["step"] = self.selection.step
        if time:
            conditions.append(f"{quoted(time)} >= %(from)s AND {quoted(time)} < %(to)s")
        for one in self.page.filters:
            chosen = self.selection.filters.get(one.name, ())
            values[one.name] = list(chosen)
            if chosen and one.column in self.columns.get(view, frozenset()):
                conditions.append(f"{quoted(one.column)} = ANY(%({one.name})s)")
        return " AND ".join(conditions) or "true", values


def _query(sql: str, values: Mapping[str, Any]) -> Query:
    """With the values that the SQL names: others would only make it another query."""
    return Query(sql, {name: value for name, value in values.items() if f"%({name})s" in sql})
