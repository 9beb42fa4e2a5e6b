"""How rows are shown, and what a file of them has."""

import json
from datetime import datetime
from decimal import Decimal

import pytest
from plotly.utils import PlotlyJSONEncoder

from dashboard import files, numbers, tiles
from dashboard.rows import Failed, Rows
from dashboard.selection import Selection
from dashboard.tiles import Drawing, Frame
from pipeline.paths import REPOSITORY
from pipeline.repository import dashboards
from pipeline.repository.dashboards import Tile

METRICS = dashboards.metrics(REPOSITORY)
FRAME = Frame("/admissions", Selection({"department": ("Surgery",)}), datetime(2025, 3, 12, 15, 40))


def _tile(**given: object) -> Tile:
    return Tile.model_validate({"title": "t", **given})


def _drawn(tile: Tile, *rows: tuple[object, ...], zero: object = None) -> str:
    found = Rows(tuple(f"c{i}" for i in range(len(rows[0]) if rows else 0)), rows)
    drawn = tiles.body(Drawing(tile, METRICS.get(tile.metric or ""), found, FRAME, zero))
    return json.dumps(drawn, cls=PlotlyJSONEncoder, ensure_ascii=False)


def test_a_number_has_its_unit_and_its_meaning() -> None:
    tile = _tile(chart="number", metric="average_stay")
    text = _drawn(tile, (Decimal("148.04"),))
    assert '"148.0"' in text
    assert "hours" in text
    assert METRICS["average_stay"].meaning in text
    assert '"-"' in _drawn(tile, (None,))


def test_the_last_day_is_compared_with_the_days_before() -> None:
    tile = _tile(chart="number", metric="admissions", compare="usual")
    assert "▲ 50 % against the usual 100" in _drawn(tile, (0, 150), (1, 90), (2, 110))
    assert "as usual (100)" in _drawn(tile, (0, 100), (1, 100))
    # Days without rows are days on which nobody came.
    assert "▲ 250 % against the usual 0.3" in _drawn(tile, (0, 1), (7, 4), (28, 4))
    # Nobody today is no day that is missing.
    assert "▼ 100 % against the usual 100" in _drawn(tile, (1, 100))


def test_bars_are_links_that_set_a_filter() -> None:
    tile = _tile(chart="bars", metric="admissions", by="department", sets="department")
    text = _drawn(tile, ("Cardiology", 3), ("Surgery", 2))
    assert '"/admissions?department=Cardiology"' in text
    # The chosen one is marked, and a click takes it back.
    assert '"href": "/admissions"' in text
    assert '"aria-current": "true"' in text


def test_split_bars_are_ranked_by_their_length() -> None:
    tile = _tile(
        chart="bars",
        metric="abnormal_results",
        by="test_name",
        split="direction",
        limit=2,
    )
    text = _drawn(tile, ("A", "high", 1), ("B", "high", 2), ("B", "low", 2), ("C", "low", 3))
    assert text.index('"B"') < text.index('"C"')
    assert '"A"' not in text


def test_a_time_without_rows_has_the_value_of_none() -> None:
    tile = _tile(chart="line", metric="admissions", by="time")
    text = _drawn(tile, (datetime(2025, 3, 12, 10), 7), zero=0)
    values = json.loads(text[text.index('"y": [') + len('"y": ') :].partition("]")[0] + "]")
    assert len(values) == 168
    assert sorted(set(values)) == [0.0, 7.0]


@pytest.mark.parametrize("chart", ["bars", "line", "columns", "histogram", "table"])
def test_nothing_is_explained(chart: str) -> None:
    tile = _tile(chart=chart, query="SELECT 1 FROM bi.labs", empty="Nobody came.")
    assert "Nobody came." in _drawn(tile)


def test_rows_of_another_shape_are_the_fault_of_one_tile() -> None:
    tile = _tile(chart="histogram", query="SELECT 1 FROM bi.labs")
    assert "its rows cannot be drawn as histogram" in _drawn(tile, (1,))


def test_a_failure_says_why() -> None:
    assert "PostgreSQL is away" in str(tiles.body(Failed("PostgreSQL is away")))


def test_a_tile_is_drawn_anew_only_if_it_differs() -> None:
    tile = _tile(chart="bars", metric="admissions", by="department")
    one, same, other = (
        Drawing(tile, None, Rows(("a", "b"), (("Surgery", count),)), FRAME) for count in (1, 1, 2)
    )
    assert one.version == same.version != other.version


def test_a_file_has_no_formula() -> None:
    text = files.text([("a", "b"), ("=1+1", -2), ("@x", 'say "hi"'), ("-3", None)])
    assert text.splitlines() == ["a,b", "'=1+1,-2", '\'@x,"say ""hi"""', "'-3,"]


def test_values_are_written_as_people_read_them() -> None:
    values = (None, 1234, 0.5, Decimal("2.50"), datetime(2025, 1, 2, 3, 4), "text")
    assert [numbers.cell(v) for v in values] == [
        "-",
        "1,234",
        "0.50",
        "2.50",
        "02 Jan 2025 03:04",
        "text",
    ]
