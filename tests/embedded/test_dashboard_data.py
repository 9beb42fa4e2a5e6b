"""What the dashboard reads of PostgreSQL, without a browser: known rows, none, and failures."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from dashboard import database as databases
from dashboard.contents import EMPTY, Contents
from dashboard.database import Database, DatabaseError
from dashboard.queries import Query
from dashboard.rows import Failed, Rows
from dashboard.state import State
from dashboard.tiles import Drawing
from pipeline.paths import REPOSITORY
from pipeline.repository import dashboards
from pipeline.repository import target as targets
from pipeline.sql.steps import split
from stack.layout import Layout
from tests.support import reporting
from tests.support.reporting import Known

PAGES = {file.stem: page for file, page in dashboards.pages(REPOSITORY).items()}
# All of the known rows.
ALL = "?from=2025-01-01&to=2025-01-05"


class Silent(State):
    """Services that have not answered yet: these tests are of PostgreSQL."""

    def __init__(self) -> None:
        """Asks nobody."""

    def of(self, name: str) -> Rows | Failed:
        del name
        return Rows((), ())


def _contents(known: Known) -> Contents:
    reader = Database(known.postgres, known.secrets["BI_READER_PASSWORD"])
    return Contents(PAGES, dashboards.metrics(REPOSITORY), reader, Silent())


@pytest.fixture(scope="module")
def contents(known: Known) -> Iterator[Contents]:
    made = _contents(known)
    yield made
    made.database.close()


def _rows(contents: Contents, page: str, title: str, search: str = ALL) -> list[tuple[Any, ...]]:
    index = [tile.title for tile in PAGES[page].tiles].index(title)
    drawing = contents.tile(PAGES[page], index, search)
    assert isinstance(drawing, Drawing), drawing
    return list(drawing.found.rows)


@pytest.mark.parametrize("page", PAGES)
def test_each_tile_has_rows(contents: Contents, page: str) -> None:
    search = ALL if PAGES[page].clock == "hospital" else ""
    moment = contents.moment(page, PAGES[page], search)
    shown = zip(PAGES[page].tiles, moment.drawings, strict=True)
    assert [t.title for t, d in shown if not isinstance(d, Drawing)] == []
    assert all(
        drawing.found.rows
        for drawing in moment.drawings
        if isinstance(drawing, Drawing) and not drawing.tile.state
    )


def test_the_census_counts_who_came_and_went(contents: Contents, known: Known) -> None:
    shown = dict(_rows(contents, "admissions", "Patients in the hospital"))
    with known.admin() as connection:
        plain = connection.execute(
            """SELECT hour AT TIME ZONE 'UTC', count(admission_id)
            FROM generate_series(timestamptz '2025-01-01+00', '2025-01-05 23:00+00', '1 h') hour
            LEFT JOIN admissions
              ON admission_date < hour + interval '1 h' AND discharge_date >= hour
            GROUP BY 1"""
        ).fetchall()
    assert shown == dict(plain)
    assert max(shown.values()) > 5


def test_the_histogram_is_by_the_reference_range(contents: Contents) -> None:
    rows = _rows(contents, "laboratory", "Results against the reference range")
    # 60 to 101 with a range of 70 to 90: from half a width below to 0.55 above.
    assert (float(rows[0][0]), float(rows[-1][0])) == (-0.5, 1.6)
    assert sum(row[1] for row in rows) == 42
    assert {(row[2], row[3]) for row in rows} == {(0, 1)}
    search = f"{ALL}&test=Test 1"
    of_one = _rows(contents, "laboratory", "Results against the reference range", search)
    assert {(row[2], row[3]) for row in of_one} == {(70, 90)}
    assert sum(row[1] for row in of_one) == 14


def test_filters_are_applied_together(contents: Contents, known: Known) -> None:
    search = f"{ALL}&department=Cardiology&department=Surgery&type=Elective"
    shown = dict(_rows(contents, "admissions", "By department", search))
    with known.admin() as connection:
        plain = connection.execute(
            """SELECT department, count(*) FROM admissions WHERE admission_type = 'Elective'
            AND department IN ('Cardiology', 'Surgery') GROUP BY 1"""
        ).fetchall()
    assert shown == dict(plain)


def test_it_can_only_read(contents: Contents) -> None:
    for sql in ("CREATE TABLE public.t (a int)", "DELETE FROM alerts", "SELECT * FROM pg_authid"):
        with pytest.raises(DatabaseError):
            contents.database.rows(Query(sql, {}))


def test_a_query_that_takes_too_long_is_ended(
    known: Known, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(databases, "OPTIONS", databases.OPTIONS.replace("5000", "100"))
    hasty = _contents(known)
    slow = Query("SELECT pg_sleep(7)", {})
    with pytest.raises(DatabaseError, match="took longer than 5 s: choose a shorter period"):
        hasty.database.rows(slow)
    run = Database._run

    def asked(self: Database, sql: str, values: Any) -> Rows:
        assert sql != slow.sql, "it was asked again"
        return run(self, sql, values)

    # For a while, it is not asked again.
    monkeypatch.setattr(Database, "_run", asked)
    with pytest.raises(DatabaseError, match="took longer"):
        hasty.database.rows(slow)
    hasty.database.close()


def test_what_has_not_changed_is_not_asked_again(
    contents: Contents, known: Known, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    run = Database._run

    def counted(self: Database, sql: str, values: Any) -> Rows:
        asked.append(sql)
        return run(self, sql, values)

    monkeypatch.setattr(Database, "_run", counted)
    monkeypatch.setattr(databases, "LOOK_S", 0)
    search = "?from=2025-01-01&to=2025-01-03"
    page = PAGES["admissions"]
    first = contents.moment("admissions", page, search)
    asked.clear()
    again = contents.moment("admissions", page, search)
    assert {sql for sql in asked if "bi." in sql} == set()
    assert [d.version for d in again.drawings] == [d.version for d in first.drawings]
    with known.admin() as connection:
        connection.execute("UPDATE admissions SET department = 'Surgery' WHERE admission_id = 'A1'")
    contents.moment("admissions", page, search)
    assert any("bi.admissions " in sql for sql in asked)


@pytest.fixture
def empty(stack: Layout) -> Iterator[Known]:
    secrets = dict(targets.secrets(REPOSITORY, stack.target))
    with reporting.database(stack.target, secrets, "empty") as known:
        yield known


def test_a_deployment_that_makes_views_anew_is_noticed(
    empty: Known, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("LOOK_S", "KNOWN_S", "SETTLED_S"):
        monkeypatch.setattr(databases, name, -1)
    contents = _contents(empty)
    alerts = Query("SELECT count(*) FROM bi.alerts", {})
    assert contents.database.rows(alerts).rows == ((0,),)
    with empty.admin() as connection:
        connection.execute("DROP TABLE alerts CASCADE")
        for step in split(reporting.script()):
            connection.execute(step.text.encode())
        connection.execute("INSERT INTO alerts (key, message) VALUES ('a', 'b')")
    assert contents.database.rows(alerts).rows == ((1,),)
    contents.database.close()


def test_too_many_rows_are_refused(contents: Contents) -> None:
    with pytest.raises(DatabaseError, match="more than 20,000 rows: choose a shorter period"):
        contents.database.rows(Query("SELECT generate_series(1, 30000)", {}))
    # A century of hours is drawn by the month.
    search = "?from=1950-01-01&to=2040-12-31"
    assert len(_rows(contents, "admissions", "Patients in the hospital", search)) == 91 * 12


@pytest.mark.parametrize("values", [{}, {"to": "b%"}])
def test_a_percent_sign_is_one(contents: Contents, values: dict[str, str]) -> None:
    sql = "SELECT 'a%', 5 % 3, 'abc' LIKE 'a%'" + (", %(to)s::text" if values else "")
    (row,) = contents.database.rows(Query(sql, values)).rows
    assert row == ("a%", 2, True, *values.values())


def test_an_empty_database_is_explained(empty: Known) -> None:
    contents = _contents(empty)
    moment = contents.moment("admissions", PAGES["admissions"], "")
    assert moment.problem == EMPTY
    pipeline = contents.moment("pipeline", PAGES["pipeline"], "")
    assert not [d for d in pipeline.drawings if isinstance(d, Failed)]
    with empty.admin() as connection:
        connection.execute("DROP SCHEMA bi CASCADE")
    contents.database.close()
    without = _contents(empty)
    told = without.moment("admissions", PAGES["admissions"], "").drawings[0]
    assert told == Failed("there is no schema bi that bi_reader may use: run `make deploy`")
    without.database.close()


def test_a_server_that_is_away_is_named(known: Known, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(databases, "PATIENCE_S", 0.5)
    away = known.postgres.model_copy(update={"port": 9})
    contents = _contents(Known(away, known.secrets))
    told = contents.moment("admissions", PAGES["admissions"], "").drawings[0]
    message = "PostgreSQL at 127.0.0.1:9 does not answer: `make status` shows if it is up"
    assert told == Failed(message)
    # Each tile says so, and the page waits once.
    begun = time.monotonic()
    moment = contents.moment("pipeline", PAGES["pipeline"], "")
    assert time.monotonic() - begun < 2 * databases.PATIENCE_S
    assert {d.reason for d in moment.drawings if isinstance(d, Failed)} == {message}
    contents.database.close()
