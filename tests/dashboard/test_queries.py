"""What is asked of PostgreSQL: values are bound, whatever they are."""

from collections.abc import Iterator
from datetime import datetime

import pytest

from dashboard import selection as selections
from dashboard.database import SETTLED_S, Changes
from dashboard.queries import Composer, Query
from pipeline.paths import REPOSITORY
from pipeline.repository import dashboards
from pipeline.repository.dashboards import Page, Tile
from pipeline.repository.reporting import SCHEMA

METRICS = dashboards.metrics(REPOSITORY)
PAGES = {file.stem: page for file, page in dashboards.pages(REPOSITORY).items()}
FILTERED = frozenset({"department", "admission_type", "test_name"})
COLUMNS = {metric.view: FILTERED for metric in METRICS.values()}
NOW = datetime(2025, 3, 12, 15, 40)
HOSTILE = "x'); DROP TABLE admissions; --%(from)s"


def _composer(page: Page, search: str) -> Composer:
    return Composer(page, METRICS, COLUMNS, selections.parse(search, page), NOW)


def _queries(search: str) -> Iterator[tuple[Page, Tile, Query]]:
    for page in PAGES.values():
        for tile in page.tiles:
            if not tile.state:
                yield page, tile, _composer(page, search).query(tile)


def test_no_value_of_an_address_is_in_the_sql() -> None:
    names = ("department", "type", "test", "period", "from", "to")
    search = "".join(f"&{name}={HOSTILE}" for name in names)
    hostile = {query.sql for _, _, query in _queries(search)}
    assert not any("DROP" in sql for sql in hostile)
    assert any(HOSTILE in query.values.get("department", ()) for _, _, query in _queries(search))


def test_each_query_reads_views_of_the_schema_bi_only() -> None:
    for _, tile, query in _queries(""):
        assert query.views, tile.title
        words = query.sql.lower().replace("\n", " ").split()
        after = {words[i + 1] for i, word in enumerate(words[:-1]) if word in {"from", "join"}}
        others = ("(", f"{SCHEMA}.", "generate_series")
        tables = {name for name in after if not name.startswith(others)}
        # In extract(epoch FROM …).
        assert tables <= {"%(end)s"}, query.sql


def test_a_filter_concerns_the_views_that_have_its_column() -> None:
    page = PAGES["laboratory"]
    tile = page.tiles[0]
    with_column = _composer(page, "?test=Glucose").query(tile)
    assert '"test_name" = ANY(%(test)s)' in with_column.sql
    without = Composer(page, METRICS, {}, selections.parse("?test=Glucose", page), NOW).query(tile)
    assert "ANY" not in without.sql


@pytest.mark.parametrize(
    ("snapshot", "count", "later", "same"),
    [
        ("1", 5, 1, True),
        ("2", 6, 1, False),
        # Its writes of a moment ago may not be counted yet.
        ("2", 5, 1, False),
        ("2", 5, SETTLED_S + 2, True),
    ],
)
def test_only_what_may_have_changed_is_asked_again(
    snapshot: str, count: int, later: float, *, same: bool
) -> None:
    changes = Changes()
    changes.note("1", {7: 5, 8: 1}, 100)
    if later > SETTLED_S:
        changes.note("1", {7: 5, 8: 1}, 100 + SETTLED_S + 1)
    before = changes.stamp([7])
    changes.note(snapshot, {7: count, 8: 2}, 100 + later)
    assert (changes.stamp([7]) == before) is same
