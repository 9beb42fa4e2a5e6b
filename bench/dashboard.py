"""The dashboard over a million admissions: its queries, how fast a page is there, and a refresh."""

import shutil
import statistics
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import psycopg
from playwright.sync_api import Browser, Page, sync_playwright
from rich.console import Console

from bench.space import Space
from dashboard import database, selection
from dashboard.queries import Composer
from pipeline.clients.database import connect
from pipeline.paths import REPOSITORY
from pipeline.repository import dashboards
from pipeline.repository import target as targets
from stack import beside
from stack.layout import Layout

ADMISSIONS = 1_000_000
ROUNDS = 7
DEPARTMENTS = """ARRAY['Emergency Medicine', 'Internal Medicine', 'Cardiology', 'Surgery',
  'Orthopedics', 'Obstetrics', 'Pediatrics', 'Neurology', 'Oncology', 'Intensive Care']"""
# One admission in five minutes, as the sources have it, with two diagnoses and two results.
ROWS = f"""
TRUNCATE patients, admissions, diagnoses, lab_results, admissions_hourly, length_of_stay_daily;
INSERT INTO patients (patient_id, gender, birth_date)
  SELECT 'P' || i, (ARRAY['F', 'M', 'X'])[1 + i % 3], date '1930-01-01' + i * 7919 % 33000
  FROM generate_series(1, 50000) i;
INSERT INTO admissions (admission_id, patient_id, department, admission_type, admission_date,
                        length_of_stay_hours)
  SELECT 'A' || i, 'P' || i::bigint * 7919 % 50000 + 1, ({DEPARTMENTS})[1 + i::bigint * 31 % 10],
         (ARRAY['Emergency', 'Urgent', 'Elective', 'Newborn'])[1 + i::bigint * 17 % 4],
         timestamptz '2025-01-01 00:00+00' + i * interval '5 minutes', i::bigint * 7877 % 240
  FROM generate_series(1, {ADMISSIONS}) i;
INSERT INTO diagnoses
  SELECT 'D' || i * 2 + k, 'A' || i, 'I' || (i::bigint * 7 + k) % 20, 'Disease',
         (ARRAY['Primary', 'Secondary'])[k + 1],
         timestamptz '2025-01-01 01:00+00' + i * interval '5 minutes'
  FROM generate_series(1, {ADMISSIONS}) i, generate_series(0, 1) k;
INSERT INTO lab_results
  SELECT 'L' || i * 2 + k, 'A' || i, 'T' || i % 12, 'Test ' || i % 12, 'mg/dL',
         60 + (i::bigint * 7919 + k * 31) % 60, 70, 99,
         timestamptz '2025-01-01 02:00+00' + i * interval '5 minutes'
  FROM generate_series(1, {ADMISSIONS}) i, generate_series(0, 1) k;
INSERT INTO admissions_hourly
  SELECT department, admission_type, date_bin('1 h', admission_date, '2025-01-01+00') AS hour,
         date_bin('1 h', admission_date, '2025-01-01+00') + interval '1 h', count(*)
  FROM admissions GROUP BY 1, 2, 3 ORDER BY hour;
INSERT INTO length_of_stay_daily
  SELECT department, date_bin('1 d', admission_date, '2025-01-01+00') AS day,
         date_bin('1 d', admission_date, '2025-01-01+00') + interval '1 d', count(*), avg(1)
  FROM admissions GROUP BY 1, 2 ORDER BY day;
"""
# What a page would cost that looks at every admission for a tile.
SCAN = "SELECT department, count(*) FROM admissions GROUP BY 1"
SHOWN = """() => {
  const bodies = [...document.querySelectorAll('.tile .body')];
  return bodies.length > 0 && bodies.every(body => body.firstChild);
}"""
DRAWN = """() => [...document.querySelectorAll('.graph')].every(
  graph => graph.querySelector('.main-svg'))"""


def measure(space: Space, layout: Layout) -> dict[str, float]:
    """Milliseconds, and the ratio of a page's queries to one look at every admission."""
    with space.database() as connection:
        for statement in ROWS.split(";\n"):
            connection.execute(statement.encode())
        connection.execute("VACUUM ANALYZE")
        scan_ms = statistics.median(_timed(connection, SCAN) for _ in range(ROUNDS))
    query_ms = max(_queries(space))
    beside.dashboard(layout, Console(stderr=True))
    address = f"{layout.target.dashboard}/admissions"
    with _browser() as browser:
        opened = [_opened(browser, address) for _ in range(ROUNDS)]
        refresh_ms = _refresh(space, browser, address)
    return {
        "dashboard_query_ms_1m": round(query_ms),
        "dashboard_query_ratio_vs_scan": round(query_ms / scan_ms, 2),
        "dashboard_first_paint_ms": round(statistics.median(shown for shown, _ in opened)),
        "dashboard_figures_ms": round(statistics.median(drawn for _, drawn in opened)),
        "dashboard_refresh_ms": round(refresh_ms),
    }


def _queries(space: Space) -> Iterator[float]:
    """Milliseconds that all queries of a page take, one after the other, for each page."""
    metrics = dashboards.metrics(REPOSITORY)
    password = targets.secrets(REPOSITORY, space.target)["BI_READER_PASSWORD"]
    reader = database.Database(space.target.postgres, password)
    columns, now = reader.columns(), reader.now()
    reader.close()
    assert now
    with connect(space.target.postgres, "bi_reader", password, autocommit=True) as connection:
        connection.execute("SET max_parallel_workers_per_gather = 0")
        for page in dashboards.pages(REPOSITORY).values():
            composer = Composer(page, metrics, columns, selection.parse("", page), now)
            queries = [composer.query(tile) for tile in page.tiles if not tile.state]
            yield statistics.median(
                sum(
                    _timed(connection, query.sql, query.values)
                    for query in (*queries, database.CLOCK)
                )
                for _ in range(ROUNDS)
            )


def _timed(
    connection: psycopg.Connection, sql: str, values: Mapping[str, Any] | None = None
) -> float:
    begun = time.monotonic()
    connection.execute(sql.encode(), values).fetchall()
    return 1000 * (time.monotonic() - begun)


@contextmanager
def _browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )


@contextmanager
def _page(browser: Browser) -> Iterator[Page]:
    """A window of a visitor who comes for the first time."""
    context = browser.new_context(viewport={"width": 1440, "height": 1000})
    yield context.new_page()
    context.close()


def _opened(browser: Browser, address: str) -> tuple[float, float]:
    """Milliseconds until every tile shows its numbers, and until all figures are drawn."""
    with _page(browser) as page:
        begun = time.monotonic()
        page.goto(address, wait_until="commit")
        page.wait_for_function(SHOWN)
        shown = time.monotonic() - begun
        page.wait_for_function(DRAWN)
        return 1000 * shown, 1000 * (time.monotonic() - begun)


def _refresh(space: Space, browser: Browser, address: str) -> float:
    """Milliseconds that the server takes for a refresh after admissions have changed."""
    took = []
    with _page(browser) as page, space.database() as connection:
        page.goto(address)
        page.wait_for_function(DRAWN)
        for stay in range(ROUNDS):
            connection.execute(
                "UPDATE admissions SET length_of_stay_hours = %s WHERE admission_id = %s",
                (stay, f"A{ADMISSIONS}"),
            )
            with page.expect_response("**/_dash-update-component*") as answer:
                pass
            answer.value.finished()
            timing = answer.value.request.timing
            took.append(timing["responseEnd"] - timing["requestStart"])
    return statistics.median(took)
