"""What a page shows at a moment: each tile's rows, or why it has none."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from dashboard import selection as selections
from dashboard.database import Database, DatabaseError
from dashboard.queries import Composer, Query
from dashboard.rows import Failed
from dashboard.selection import Selection
from dashboard.state import State
from dashboard.tiles import Drawing, Frame
from pipeline.repository.dashboards import TIME, Filter, Metric, Page, Tile

EMPTY = "Nobody has been admitted yet: `make deploy` starts the feed, and rows come within seconds."
NOTHING_YET = Failed("nothing yet")


@dataclass(frozen=True)
class Moment:
    """A page as it is now. `problem` concerns all of it; `now` is its clock, if it has begun."""

    selection: Selection
    now: datetime | None
    problem: str
    drawings: tuple[Drawing | Failed, ...]


@dataclass(frozen=True)
class Contents:
    """The pages, by the name in their address, and where their data comes from."""

    pages: Mapping[str, Page]
    metrics: Mapping[str, Metric]
    database: Database
    state: State

    def moment(self, path: str, page: Page, search: str) -> Moment:
        """What all tiles of a page show."""
        selection = selections.parse(search, page)
        try:
            now = self._now(page)
        except DatabaseError as error:
            failed = Failed(str(error))
            return Moment(selection, None, "", tuple(failed for _ in page.tiles))
        if now is None:
            return Moment(selection, None, EMPTY, tuple(NOTHING_YET for _ in page.tiles))
        frame = Frame(path, selection, now)
        drawings = tuple(self._drawing(page, tile, frame) for tile in page.tiles)
        return Moment(selection, now, "", drawings)

    def tile(self, page: Page, index: int, search: str) -> Drawing | Failed:
        """What one tile shows."""
        only = page.model_copy(update={"tiles": [page.tiles[index]]})
        return self.moment("", only, search).drawings[0]

    def options(self, one: Filter) -> list[str]:
        """The values of a filter to choose from; none if PostgreSQL does not say."""
        try:
            return [str(row[0]) for row in self.database.rows(Query(one.options, {})).rows]
        except DatabaseError:
            return []

    def _now(self, page: Page) -> datetime | None:
        if page.clock == "real":
            # Until the next minute it is the same, and so are the queries.
            return datetime.now(UTC).replace(second=0, microsecond=0, tzinfo=None)
        return self.database.now()

    def _drawing(self, page: Page, tile: Tile, frame: Frame) -> Drawing | Failed:
        metric = self.metrics[tile.metric] if tile.metric else None
        if tile.state:
            said = self.state.of(tile.state)
            return said if isinstance(said, Failed) else Drawing(tile, None, said, frame)
        try:
            columns = self.database.columns()
            composer = Composer(page, self.metrics, columns, frame.selection, frame.now)
            found = self.database.rows(composer.query(tile))
            zero = self._zero(metric) if metric and tile.by == TIME else None
        except DatabaseError as error:
            return Failed(str(error))
        return Drawing(tile, metric, found, frame, zero)

    def _zero(self, metric: Metric) -> Any:
        """The metric of no rows."""
        none = f"SELECT {metric.sql} FROM bi.{metric.view} WHERE false"  # noqa: S608
        return self.database.rows(Query(none, {})).rows[0][0]
