"""What the report's files may say."""

from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.paths import REPOSITORY
from pipeline.repository import dashboards
from powerbi import build

PAGES = build.REPORT / "pages"
PROJECT = build.load(REPOSITORY)
FILES = {page.page.display_name: page for page in PROJECT.report.pages}
Refused = Callable[[Path, str, str], str]


def _visual(page: str, kind: str, text: str = "") -> Path:
    """The first visual of a kind on a page whose file has a text."""
    visuals = FILES[page].visuals
    file = next(
        file
        for file, container in visuals.items()
        if container.visual.visual_type == kind and text in file.read_text()
    )
    return file.relative_to(REPOSITORY)


CHART = _visual("Admissions", "lineChart")
TABLE = _visual("Operations", "tableEx", "behind_hours")
SORT = '"sort": [\n          {\n            "field": {\n              '
PAGE = FILES["Admissions"].file.relative_to(REPOSITORY)
ORDER = PAGES / "pages.json"
REPORT = build.REPORT / "report.json"


def test_the_pages_are_these() -> None:
    assert list(FILES) == ["Admissions", "Diagnoses and laboratory", "Operations"]


def test_every_metric_but_the_longest_stay_is_shown() -> None:
    shown = {
        projection.field.parts[2]
        for _, container in PROJECT.report.visuals
        for role in (container.visual.query.query_state.values() if container.visual.query else ())
        for projection in role.projections
    }
    titles = {metric.title for metric in dashboards.metrics(REPOSITORY).values()}
    assert titles - shown == {"Longest stay"}


@pytest.mark.parametrize("page", FILES)
def test_a_page_says_that_its_data_is_synthetic(page: str) -> None:
    assert any("All data is synthetic" in file.read_text() for file in FILES[page].visuals)


@pytest.mark.parametrize(
    ("file", "old", "new", "key", "told"),
    [
        (CHART, '"Property": "date"', '"Property": "day"', "queryState.Category.projections.0.field"
         ".Column", "Calendar has no column day"),
        (CHART, '"Entity": "Calendar"', '"Entity": "Calender"', "", "no table Calender; did you"),
        (CHART, '"Measure": {', '"Column": {', "", "Admissions of Admissions is a measure, no col"),
        (CHART, f'{SORT}"Column"', f'{SORT}"Measure"', "sort.0.field.Measure", "is a column, no"),
        (CHART, '"lineChart"', '"linechart"', "visualType", "did you mean lineChart?"),
        (CHART, '"Y": {', '"Values": {', "queryState.Values", "unknown role of lineChart Values"),
        (CHART, '"Ascending"', '"Up"', "direction", "unknown value Up"),
        (CHART, '"queryRef": "Calendar.date"', '"queryRef": "Calendar.day"', "queryRef", "must be"),
        (CHART, '"nativeQueryRef": "date"', '"nativeQueryRef": "day"', "nativeQueryRef", "must be"),
        (CHART, '"Value": "true"', '"Value": "yes"', "Literal.Value", "yes is no literal"),
        (CHART, '"0L"', '"0 L"', "Right.Literal.Value", "0 L is no literal"),
        (CHART, '"altText"', '"alt"', "", "has no altText"),
        (CHART, '"tabOrder"', '"taborder"', "position.taborder", "did you mean tabOrder?"),
        (CHART, '"width": 816', '"width": 1816', "position", "is not within the page"),
        (CHART, '"Source": "t"', '"Source": "u"', "Left.Measure", "there is no table"),
        (CHART, f'"name": "{CHART.parent.name}"', '"name": "0123456789abcdef0123"', "name",
         "is not the name of its folder"),
        (TABLE, '"behind_hours"', '"behind_days"', "projections.2", "Freshness has no column"),
        (PAGE, "'PT1M'", "PT1M", "Literal.Value", "PT1M is no literal"),
        (PAGE, '"FitToPage"', '"Fit"', "displayOption", "unknown value Fit"),
        (ORDER, FILES["Operations"].page.name, "0123456789abcdef0123", "pageOrder.2", "no folder"),
        (REPORT, '"path": "Hospital.json"', '"path": "Ward.json"', "", "there is no"),
    ],
)  # fmt: skip
def test_a_mistake_in_the_report_has_its_place(
    refused: Refused, file: Path, old: str, new: str, key: str, told: str
) -> None:
    said = refused(file, old, new)
    lines = [line for line in said.splitlines() if told in line and key in line]
    assert any(line.startswith(f"{file}:") for line in lines), said


def test_two_visuals_with_the_same_place_in_the_order_are_told(refused: Refused) -> None:
    said = refused(CHART, '"tabOrder": 9000', '"tabOrder": 0')
    assert f"position.tabOrder: {CHART.parent.name} has 0 as well" in said


def test_a_page_that_is_not_in_the_order_is_told(root: Path, refused: Refused) -> None:
    name = FILES["Operations"].page.name
    (root / PAGES / name).rename(root / PAGES / "0123456789abcdef0123")
    said = refused(ORDER, '"activePageName": "', '"activePageName": "')
    assert f"there is no folder {name}" in said
    assert "0123456789abcdef0123: pages.json does not name it in pageOrder" in said
