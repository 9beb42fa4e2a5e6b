"""The dashboard in a browser, on the real stack: what people see, click and download."""

import csv
import os
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import requests
from playwright.sync_api import Browser
from rich.console import Console

from pipeline.paths import REPOSITORY
from pipeline.repository.loader import load
from pipeline.wait import until
from stack import beside
from stack.layout import Layout
from stack.supervisor import Supervisor
from tests.support import browser as browsers
from tests.support import records
from tests.support.browser import Visit
from tests.support.workspace import Workspace

pytestmark = pytest.mark.skipif(browsers.CHROMIUM is None, reason=browsers.NONE)
DOCS = REPOSITORY / "docs"
WEEK = "admission_date >= date_trunc('hour', now.at) - interval '7 days'"
NOW = "(SELECT max(admission_date) AS at FROM admissions) now"
LABS = f"lab_results, {NOW} WHERE collected_at >= date_trunc('hour', now.at) - interval '7 days'\
 AND collected_at < date_trunc('hour', now.at) + interval '1 hour'"
ABNORMAL = "NOT test_value BETWEEN test_reference_low AND test_reference_high"


@pytest.fixture(scope="module")
def address(stack: Layout, fed_whole: Workspace) -> Iterator[str]:
    """Where the dashboard is served, once the trends have counted every admission."""
    until(
        lambda: _value(fed_whole, "SELECT sum(admissions) FROM admissions_hourly"),
        seconds=120,
        done=lambda counted: counted == _value(fed_whole, "SELECT count(*) FROM admissions"),
        describe=lambda counted: f"the trends have counted {counted} admissions",
    )
    beside.dashboard(stack, Console(stderr=True))
    yield str(stack.target.dashboard)
    Supervisor(stack.socket).stop("dashboard")


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browsers.chromium() as browser:
        yield browser


@pytest.fixture
def visit(chromium: Browser) -> Iterator[Visit]:
    with browsers.visit(chromium) as visited:
        yield visited


def _value(space: Workspace, query: str) -> Any:
    return space.rows(query)[0][0]


def test_admissions_are_those_of_the_tables(
    address: str, fed_whole: Workspace, visit: Visit
) -> None:
    visit.open(f"{address}/admissions")
    admissions = f"FROM admissions, {NOW} WHERE {WEEK}"
    by_department = fed_whole.rows(
        f"SELECT coalesce(department, 'Unknown'), count(*) {admissions} GROUP BY 1"
    )
    assert visit.bars("By department") == dict(by_department)
    by_type = fed_whole.rows(
        f"SELECT coalesce(admission_type, 'Unknown'), count(*) {admissions} GROUP BY 1"
    )
    assert visit.bars("By type") == dict(by_type)
    day = f"""SELECT count(*) FROM admissions, {NOW}
        WHERE admission_date >= date_trunc('hour', now.at) - interval '24 hours'
        AND admission_date < date_trunc('hour', now.at)"""
    assert visit.number("Admissions in the last 24 hours") == _value(fed_whole, day)
    census = f"SELECT count(*) FROM admissions, {NOW} WHERE discharge_date > now.at"
    assert visit.number("In the hospital now") == _value(fed_whole, census)
    stay = f"SELECT round(avg(length_of_stay_hours), 1) {admissions}"
    assert visit.number("Average stay") == float(_value(fed_whole, stay))
    emergency = f"""SELECT round(100.0 * count(*) FILTER (WHERE admission_type = 'Emergency')
        / count(*), 1) {admissions}"""
    assert visit.number("Emergency share") == float(_value(fed_whole, emergency))
    primary = f"""SELECT diagnosis_code || ' ' || diagnosis_description, count(*)
        FROM diagnoses, {NOW} WHERE diagnosis_rank = 'Primary'
        AND diagnosed_at >= date_trunc('hour', now.at) - interval '7 days'
        AND diagnosed_at < date_trunc('hour', now.at) + interval '1 hour'
        GROUP BY 1 ORDER BY 2 DESC, 1"""
    shown = visit.bars("Most frequent primary diagnoses")
    assert len(shown) == 8
    known = dict(fed_whole.rows(primary))
    assert list(shown.values()) == list(known.values())[: len(shown)]
    assert all(known[name] == count for name, count in shown.items())


def test_laboratory_is_that_of_the_tables(address: str, fed_whole: Workspace, visit: Visit) -> None:
    visit.open(f"{address}/laboratory")
    assert visit.number("Results") == _value(fed_whole, f"SELECT count(*) FROM {LABS}")
    abnormal = _value(fed_whole, f"SELECT count(*) FROM {LABS} AND {ABNORMAL}")
    assert visit.number("Abnormal results") == abnormal
    by_test = fed_whole.rows(f"SELECT test_name, count(*) FROM {LABS} AND {ABNORMAL} GROUP BY 1")
    assert visit.bars("Abnormal by test and direction") == dict(by_test)
    newest = fed_whole.rows(f"SELECT lab_id FROM {LABS}")
    assert len(visit.tile("Newest results").splitlines()) == min(25, len(newest)) + 1
    # From a test to its results.
    test = by_test[0][0]
    visit.page.get_by_role("link", name=test, exact=True).click()
    visit.page.wait_for_url("**test=*")
    of_test = f"SELECT count(*) FROM {LABS} AND test_name = '{test}'"
    _await_number(visit, "Results", _value(fed_whole, of_test))
    assert all(test in line for line in visit.tile("Newest results").splitlines()[1:])


def test_the_pipeline_says_how_it_is(address: str, fed_whole: Workspace, visit: Visit) -> None:
    visit.open(f"{address}/pipeline")
    visit.page.wait_for_function(
        "() => document.querySelectorAll('td.well').length > 20", timeout=browsers.PATIENCE_MS
    )
    rejects = _value(fed_whole, "SELECT count(*) FROM rejected_records")
    assert visit.number("Rejected records") == rejects
    rules = fed_whole.rows(
        "SELECT rule, count(*) FROM rejected_records,"
        " unnest(string_to_array(rules, ',')) AS broken (rule) GROUP BY 1"
    )
    assert visit.bars("Broken rules") == dict(rules)
    assert set(visit.bars("Lag").values()) == {0}
    assert visit.page.locator("td.ill").count() == 0
    assert "admissions-sink\tRUNNING" in visit.tile("Connectors").replace("\n", " ")
    assert visit.tile("Dead letters") == "No sink has left a record aside."


def test_a_record_of_kafka_changes_a_tile_within_seconds(
    address: str, fed_whole: Workspace, visit: Visit
) -> None:
    page = visit.open(f"{address}/admissions")
    before = visit.number("In the hospital now")
    # An element that is drawn anew would flicker.
    page.evaluate("() => { document.querySelector('.chart-line .graph').kept = true }")
    schema = load(REPOSITORY).schemas["patient_admissions"]
    newest = _value(fed_whole, "SELECT max(admission_date) FROM admissions")
    key, value = "A9999999", {
        "admission_id": "A9999999", "patient_id": "P10001", "department": "Surgery",
        "admission_type": "Elective", "admission_date": newest, "length_of_stay_hours": 100,
        "discharge_disposition": "Home",
    }  # fmt: skip
    records.write(fed_whole.target, "patient_admissions", schema, [(key, value)])
    # 5 s on a machine that has nothing else to do.
    _await_number(visit, "In the hospital now", before + 1, seconds=20)
    assert page.evaluate("() => document.querySelector('.chart-line .graph').kept")


def test_what_has_not_changed_is_not_sent_again(address: str, visit: Visit) -> None:
    page = visit.open(f"{address}/admissions")
    with page.expect_response("**/_dash-update-component*") as first:
        pass
    assert first.value.ok
    with page.expect_response("**/_dash-update-component*") as later:
        pass
    sent = later.value.json()["response"]
    assert not any('"tile"' in name for name in sent), list(sent)


def test_filters_are_in_the_address(address: str, fed_whole: Workspace, visit: Visit) -> None:
    page = visit.open(f"{address}/admissions?period=24h")
    page.get_by_role("link", name="28 days").click()
    page.wait_for_url("**/admissions?period=28d")
    # By keyboard, once the links are those of the new period.
    link = page.locator(".bars a[href='/admissions?department=Cardiology&period=28d']").first
    link.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/admissions?department=Cardiology&period=28d")
    wanted = _value(
        fed_whole,
        f"""SELECT count(*) FROM admissions, {NOW} WHERE department = 'Cardiology'
        AND admission_date >= date_trunc('day', now.at) - interval '28 days'""",
    )
    _await_bars(visit, "By department", {"Cardiology": wanted})
    # The same address shows the same, and one can go back.
    page.reload()
    visit.settled()
    assert visit.bars("By department") == {"Cardiology": wanted}
    page.go_back()
    page.wait_for_url("**/admissions?period=28d")
    until(
        lambda: len(visit.bars("By department")),
        seconds=10,
        done=lambda shown: shown > 1,
        describe=lambda shown: f"{shown} departments are shown",
    )
    menu = page.locator("details", has_text="Type")
    menu.locator("summary").focus()
    page.keyboard.press("Enter")
    menu.get_by_role("link", name="Elective").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/admissions?type=Elective&period=28d")
    menu.locator("summary", has_text="Elective").wait_for()
    # The menu is still there, and so is who uses it.
    assert page.evaluate("() => document.activeElement.textContent") == "Elective"
    menu.get_by_role("link", name="Urgent").press("Enter")
    page.wait_for_url("**/admissions?type=Elective&type=Urgent&period=28d")
    page.keyboard.press("Escape")
    assert not menu.get_by_role("link", name="all").is_visible()
    # The other page has no such filter; the period goes along.
    page.get_by_role("link", name="Laboratory").click()
    page.wait_for_url("**/laboratory?period=28d")
    page.wait_for_function("() => document.title.startsWith('Laboratory')")
    assert page.evaluate("() => document.activeElement.id") == "page"
    page.get_by_role("link", name="Admissions", exact=True).click()
    page.wait_for_url("**/admissions?period=28d")
    # Until then, the fields are those of the page before.
    page.wait_for_function("() => document.title.startsWith('Admissions')")
    visit.settled()
    page.get_by_label("From", exact=True).fill("31.1.2025")
    page.get_by_label("From", exact=True).press("Enter")
    page.get_by_text("31.1.2025 is no day: write it as 2025-01-31").wait_for()
    page.get_by_label("From", exact=True).fill("2025-01-05")
    page.get_by_label("From", exact=True).press("Enter")
    page.get_by_label("To", exact=True).fill("2025-01-06")
    page.get_by_label("To", exact=True).press("Enter")
    page.wait_for_url("**/admissions?from=2025-01-05&to=2025-01-06")
    two_days = """SELECT count(*) FROM admissions
        WHERE admission_date >= '2025-01-05' AND admission_date < '2025-01-07'"""
    until(
        lambda: sum(visit.bars("By type").values()),
        seconds=10,
        done=lambda shown: shown == _value(fed_whole, two_days),
        describe=lambda shown: f"{shown} admissions are shown",
    )


def test_a_tile_can_be_downloaded(address: str, visit: Visit) -> None:
    page = visit.open(f"{address}/admissions?department=Surgery")
    with page.expect_download() as download:
        page.get_by_role("link", name="By type as CSV").click()
    text = Path(download.value.path()).read_text()
    rows = list(csv.DictReader(StringIO(text)))
    assert {row["admission_type"]: float(row["value"]) for row in rows} == visit.bars("By type")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("name", ["admissions", "laboratory", "pipeline"])
def test_everybody_can_read_it(chromium: Browser, address: str, name: str, *, dark: bool) -> None:
    with browsers.visit(chromium, dark=dark) as visited:
        visited.open(f"{address}/{name}")
        assert visited.inaccessible() == []
        theme = visited.page.evaluate("() => document.documentElement.dataset.theme")
        assert theme == ("dark" if dark else "light")


def test_it_fits_a_phone(chromium: Browser, address: str) -> None:
    # As narrow as a window of 1280 at 400 %.
    with browsers.visit(chromium, width=320, height=844) as visited:
        for name in ("admissions", "laboratory", "pipeline"):
            page = visited.open(f"{address}/{name}")
            assert page.evaluate("() => document.documentElement.scrollWidth") <= 320
        assert visited.inaccessible() == []


PAYLOADS = (
    "'; DROP TABLE admissions; --",
    "x' OR '1'='1",
    "{}\\",
    "%(from)s",
    "\x00",
    "1; SELECT pg_sleep(9)",
    "=cmd|' /C calc'!A0",
    "<script>alert(1)</script>",
)


@pytest.mark.parametrize(
    "parameter", ["department", "type", "test", "period", "from", "to", "other"]
)
def test_no_parameter_reaches_the_sql(address: str, fed_whole: Workspace, parameter: str) -> None:
    before = _value(fed_whole, "SELECT count(*) FROM admissions")
    for payload in PAYLOADS:
        for path in ("admissions/5.csv", "laboratory/0.csv", "pipeline/5.csv"):
            answer = requests.get(f"{address}/{path}", params={parameter: payload}, timeout=10)
            assert answer.status_code == 200, answer.text
            assert answer.elapsed.total_seconds() < 5
    assert _value(fed_whole, "SELECT count(*) FROM admissions") == before
    for path in ("admissions/99.csv", "nothing/0.csv", "admissions/-1.csv", "../etc/passwd"):
        assert requests.get(f"{address}/{path}", timeout=10).text.count("root:") == 0


def test_a_hostile_address_is_only_text(address: str, visit: Visit) -> None:
    page = visit.open(f"{address}/admissions?department=<img src=x onerror=alert(1)>&period='--")
    assert visit.tile("By type") == "Nothing in this period with these filters."
    assert page.locator("img").count() == 0


def test_what_is_not_there_is_said(address: str, visit: Visit) -> None:
    page = visit.open(f"{address}/nosuch")
    page.get_by_text("There is no page nosuch; there are: admissions, laboratory").wait_for()


def test_no_other_site_can_pass_itself_off_as_it(address: str) -> None:
    answer = requests.get(address, headers={"Host": "elsewhere.example"}, timeout=10)
    assert answer.status_code == 400


def test_every_answer_has_its_headers(address: str) -> None:
    for path in ("", "/admissions", "/assets/style.css", "/admissions/0.csv", "/nothing/0.csv"):
        headers = requests.get(f"{address}{path}", timeout=10).headers
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["X-Content-Type-Options"] == "nosniff"


def test_a_tile_that_fails_says_why_and_the_others_go_on(
    address: str, fed_whole: Workspace, visit: Visit
) -> None:
    with fed_whole.database() as connection:
        connection.execute("ALTER VIEW bi.diagnoses RENAME TO moved")
        try:
            # Of a period that nobody has looked at: other rows are kept.
            visit.open(f"{address}/admissions?from=2025-01-02&to=2025-01-03")
            told = visit.tile("Most frequent primary diagnoses")
            assert told == 'relation "bi.diagnoses" does not exist: run `make deploy`'
            assert visit.bars("By type")
        finally:
            connection.execute("ALTER VIEW bi.moved RENAME TO diagnoses")
    until(
        lambda: visit.bars("Most frequent primary diagnoses"),
        seconds=15,
        done=bool,
        describe=lambda _: "the tile does not come back",
    )


@pytest.mark.skipif(os.environ.get("SCREENSHOTS") != "write", reason="SCREENSHOTS=write takes them")
@pytest.mark.parametrize(
    ("file", "path", "width", "height", "dark"),
    [
        ("dashboard.png", "admissions", 1440, 1180, False),
        ("dashboard-laboratory.png", "laboratory?period=28d", 1440, 1180, True),
        ("dashboard-pipeline.png", "pipeline?period=24h", 1440, 1180, False),
        ("dashboard-phone.png", "admissions", 390, 844, False),
    ],
)
def test_the_pictures_of_the_pages_are_taken(
    chromium: Browser, address: str, file: str, path: str, width: int, height: int, *, dark: bool
) -> None:
    with browsers.visit(chromium, width=width, height=height, dark=dark) as visited:
        page = visited.open(f"{address}/{path}")
        page.wait_for_timeout(3_000)
        page.screenshot(path=DOCS / file)


def _await_number(visit: Visit, title: str, wanted: float | None, seconds: float = 10) -> None:
    until(
        lambda: visit.number(title),
        seconds=seconds,
        done=lambda shown: shown == wanted,
        describe=lambda shown: f"{title} is {shown}, not {wanted}",
        every=0.1,
    )


def _await_bars(visit: Visit, title: str, wanted: dict[str, float]) -> None:
    until(
        lambda: visit.bars(title),
        seconds=10,
        done=lambda shown: shown == wanted,
        describe=lambda shown: f"{title} is {shown}, not {wanted}",
    )
