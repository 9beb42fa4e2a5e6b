"""What a page's address says, and what it makes of anything else."""

from datetime import date, datetime
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard import selection as selections
from dashboard.selection import Selection
from pipeline.paths import REPOSITORY
from pipeline.repository import dashboards

PAGE = next(iter(dashboards.pages(REPOSITORY).values()))
NOW = datetime(2025, 3, 12, 15, 40)


def test_an_address_and_its_selection_say_the_same() -> None:
    search = "?department=Cardiology&department=Surgery&type=Elective&period=28d"
    chosen = selections.parse(search, PAGE)
    assert chosen.filters == {"department": ("Cardiology", "Surgery"), "type": ("Elective",)}
    assert chosen.search == search
    assert selections.parse("", PAGE).search == ""


@pytest.mark.parametrize(
    "search",
    [
        "?period=1000y",
        "?from=2025-02-30&to=x",
        "?from=2025-01-01",
        "?color=red",
        "?&&=;?%ff",
        "?department=",
    ],
)
def test_what_is_not_understood_is_as_if_not_said(search: str) -> None:
    assert selections.parse(search, PAGE) == selections.parse("", PAGE)


@given(st.text(), st.text(), st.text())
def test_any_text_makes_a_selection_that_its_address_says(name: str, start: str, end: str) -> None:
    search = f"?department={quote(name)}&from={quote(start)}&to={quote(end)}"
    chosen = selections.parse(search, PAGE)
    assert selections.parse(chosen.search, PAGE) == chosen
    assert chosen.filters["department"] in {(name,), ()}


@given(
    st.dates(date(1900, 1, 1), date(2200, 12, 31)), st.dates(date(1900, 1, 1), date(2200, 12, 31))
)
def test_days_are_in_order_and_whole(first: date, last: date) -> None:
    chosen = selections.parse(f"?from={first}&to={last}", PAGE)
    start, end = chosen.bounds(NOW)
    assert start < end
    assert (start.hour, end.hour) == (0, 0)
    times = chosen.times(NOW)
    assert times == sorted(set(times))
    assert len(times) < 4_000


@pytest.mark.parametrize(
    ("period", "start", "step", "count"),
    [
        ("24h", datetime(2025, 3, 11, 15), "hour", 24),
        ("7d", datetime(2025, 3, 5, 15), "hour", 168),
        ("28d", datetime(2025, 2, 12), "day", 28),
        ("1y", datetime(2024, 3, 11), "week", 52),
    ],
)
def test_a_period_ends_now_and_has_whole_steps(
    period: str, start: datetime, step: str, count: int
) -> None:
    chosen = Selection({}, period)
    assert chosen.bounds(NOW) == (start, datetime(2025, 3, 12, 16))
    assert chosen.step == step
    # What has not ended yet would look like a fall.
    assert len(chosen.times(NOW)) == count
    assert chosen.times(NOW)[0] == start


def test_a_second_click_takes_a_filter_back() -> None:
    chosen = selections.parse("?period=24h", PAGE).toggled("department", "Surgery")
    assert chosen.search == "?department=Surgery&period=24h"
    assert chosen.toggled("department", "Surgery").search == "?period=24h"
    assert chosen.toggled("department", "Cardiology").search == "?department=Cardiology&period=24h"


def test_weeks_that_the_period_cuts_off_are_no_weeks() -> None:
    chosen = selections.parse("?from=2024-06-05&to=2025-01-15", PAGE)
    times = chosen.times(NOW)
    assert (times[0], times[-1]) == (datetime(2024, 6, 10), datetime(2025, 1, 6))
