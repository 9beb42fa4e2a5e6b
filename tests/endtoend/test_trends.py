"""The trends that ksql/ computes, against the same questions in SQL to PostgreSQL."""

import random
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from pipeline.repository.loader import load
from pipeline.wait import until
from stack.layout import REPOSITORY
from tests.support import records
from tests.support.stacks import Stack
from tests.support.workspace import Workspace, counts

BEGIN = datetime(2025, 1, 1, tzinfo=UTC)
DEPARTMENTS = ("Cardiology", "Surgery", None)
TYPES = ("Emergency", "Elective", None)
CODES = {"I10": "Essential (primary) hypertension", "O80": "Full-term uncomplicated delivery"}
NAMED = """(SELECT *, coalesce(department, 'Unknown') AS dep,
  coalesce(admission_type, 'Unknown') AS type FROM admissions) a"""
ABNORMAL = """(SELECT *,
  CASE WHEN test_value < test_reference_low THEN 'low' ELSE 'high' END AS way,
  greatest(test_reference_low - test_value, test_value - test_reference_high) AS deviation
  FROM lab_results JOIN admissions USING (admission_id)
  WHERE test_value < test_reference_low OR test_value > test_reference_high) l"""
# By table or view: the question in plain SQL over the clean tables.
QUESTIONS = {
    "admissions_hourly": f"""SELECT dep, type, date_bin('1 h', admission_date, '2025-01-01+00') w,
        date_bin('1 h', admission_date, '2025-01-01+00') + interval '1 h', count(*)
        FROM {NAMED} GROUP BY dep, type, w""",
    "discharges_hourly": f"""SELECT dep, date_bin('1 h', discharge_date, '2025-01-01+00') w,
        date_bin('1 h', discharge_date, '2025-01-01+00') + interval '1 h', count(*)
        FROM {NAMED} GROUP BY dep, w""",
    "length_of_stay_daily": f"""SELECT dep, date_bin('1 d', admission_date, '2025-01-01+00') w,
        date_bin('1 d', admission_date, '2025-01-01+00') + interval '1 d', count(*),
        avg(length_of_stay_hours)::float8 FROM {NAMED} GROUP BY dep, w""",
    "diagnoses_daily": """SELECT diagnosis_code, diagnosis_description,
        date_bin('1 d', diagnosed_at, '2025-01-01+00') w,
        date_bin('1 d', diagnosed_at, '2025-01-01+00') + interval '1 d', count(*)
        FROM diagnoses JOIN admissions USING (admission_id)
        WHERE diagnosis_rank = 'Primary' GROUP BY 1, 2, w""",
    "abnormal_labs_hourly": f"""SELECT test_code, test_name,
        date_bin('1 h', collected_at, '2025-01-01+00') w,
        date_bin('1 h', collected_at, '2025-01-01+00') + interval '1 h', count(*),
        count(*) FILTER (WHERE way = 'low'), count(*) FILTER (WHERE way = 'high')
        FROM {ABNORMAL} GROUP BY 1, 2, w""",
    "admissions_by_age_daily": """SELECT CASE WHEN age IS NULL THEN 'Unknown' WHEN age < 18
        THEN '0-17' WHEN age < 40 THEN '18-39' WHEN age < 65 THEN '40-64' WHEN age < 80 THEN '65-79'
        ELSE '80+' END band, coalesce(gender, 'Unknown'), w, w + interval '1 d', count(*)
        FROM (SELECT extract(year FROM age(admission_date AT TIME ZONE 'UTC', birth_date)) AS age,
        gender, date_bin('1 d', admission_date, '2025-01-01+00') w
        FROM admissions LEFT JOIN patients USING (patient_id)) a GROUP BY 1, 2, 3""",
    "stay_extremes_daily": f"""SELECT dep, date_bin('1 d', admission_date, '2025-01-01+00') w,
        min(length_of_stay_hours), max(length_of_stay_hours) FROM {NAMED} GROUP BY dep, w""",
    "largest_deviations_hourly": f"""SELECT test_code,
        date_bin('1 h', collected_at, '2025-01-01+00') w, max(deviation)
        FROM {ABNORMAL} GROUP BY test_code, w""",
    "patient_status": f"""SELECT patient_id, a.admission_id, coalesce(a.department, 'Unknown'),
        a.admission_date, n, l.test_name, l.test_value, l.way, l.collected_at
        FROM (SELECT DISTINCT ON (patient_id) *, count(*) OVER (PARTITION BY patient_id) AS n
        FROM admissions ORDER BY patient_id, admission_date DESC) a LEFT JOIN
        (SELECT DISTINCT ON (patient_id) * FROM {ABNORMAL} ORDER BY patient_id, collected_at DESC) l
        USING (patient_id)""",
}
# The count of a group that became empty is 0; plain SQL has no row for it.
EMPTIED = {
    "admissions_hourly": "admissions",
    "discharges_hourly": "discharges",
    "length_of_stay_daily": "admissions",
    "diagnoses_daily": "diagnoses",
    "abnormal_labs_hourly": "abnormal",
    "admissions_by_age_daily": "admissions",
}


def _patient(number: int) -> tuple[str, dict[str, Any]]:
    value = {
        "patient_id": f"P{number}",
        "gender": "FMX"[number % 3],
        "race": None,
        "birth_date": date(1930 + number % 90, 1 + number % 12, 1 + number % 28),
        "insurance": None,
        "first_name": None,
        "last_name": None,
        "medical_history": None,
    }
    return f"P{number}", value


def admission(number: int, patient: int, at: datetime) -> tuple[str, dict[str, Any]]:
    value = {
        "admission_id": f"A{number}",
        "patient_id": f"P{patient}",
        "department": DEPARTMENTS[number % 3],
        "admission_type": TYPES[number % 7 % 3],
        "admission_date": at,
        "length_of_stay_hours": number % 50,
        "discharge_disposition": None,
    }
    return f"A{number}", value


def _diagnosis(number: int, at: datetime) -> tuple[str, dict[str, Any]]:
    code = tuple(CODES)[number % 2]
    value = {
        "diagnosis_id": f"D{number}",
        "admission_id": f"A{number}",
        "diagnosis_code": code,
        "diagnosis_description": CODES[code],
        "diagnosis_rank": "Secondary" if number % 5 == 0 else "Primary",
        "diagnosed_at": at + timedelta(hours=1),
    }
    return f"D{number}", value


def lab(number: int, at: datetime) -> tuple[str, dict[str, Any]]:
    value = {
        "lab_id": f"L{number}",
        "admission_id": f"A{number}",
        "test_code": "2345-7",
        "test_name": "Glucose",
        "test_unit": "mg/dL",
        "test_value": float(50 + number % 80),
        "test_reference_low": 70.0,
        "test_reference_high": 99.0,
        "collected_at": at + timedelta(hours=3),
    }
    return f"L{number}", value


def write_clean(
    space: Workspace, topic: str, values: Iterable[tuple[str | None, dict[str, Any]]]
) -> None:
    records.write(space.target, topic, load(space.root).schemas[topic], values)


def admit(space: Workspace, numbers: range) -> None:
    """One admission each, a diagnosis and a result, all out of order: late by up to weeks."""
    times = {number: BEGIN + timedelta(minutes=37 * number) for number in numbers}
    shuffled = list(numbers)
    random.Random(numbers.start).shuffle(shuffled)  # noqa: S311 - any order, the same every time
    labs = [lab(n, times[n]) for n in shuffled]
    diagnoses = [_diagnosis(n, times[n]) for n in reversed(shuffled)]
    # A patient has one admission in each half.
    admissions = [admission(n, n - numbers.start, times[n]) for n in shuffled]
    write_clean(space, "patient_labs_clean", labs)
    write_clean(space, "patient_diagnoses_clean", diagnoses)
    write_clean(space, "patient_admissions_clean", admissions)


def _answers(space: Workspace, table: str) -> tuple[set[Any], set[Any]]:
    filled = f" WHERE {EMPTIED[table]} > 0" if table in EMPTIED else ""
    trend = space.rows(f"SELECT * FROM {table}{filled}")
    return set(trend), set(space.rows(QUESTIONS[table]))


def wait_until_equal(space: Workspace, admissions: int) -> None:
    """Waits until all rows have landed, and each trend is the answer to its question."""
    landed = ("admissions", "diagnoses", "lab_results")

    def probe() -> bool | None:
        found = counts(space, landed)
        return set(found.values()) == {admissions}

    def describe() -> str:
        return f"{counts(space, landed)}, not {admissions}"

    until(probe, seconds=120, describe=lambda _: describe(), every=1)
    wait_until_trends_equal(space)


def wait_until_trends_equal(space: Workspace) -> None:
    """Waits until each trend is the answer to its question, of the rows that have landed."""
    different: dict[str, Any] = {}

    def probe() -> bool | None:
        different.clear()
        for table in QUESTIONS:
            trend, wanted = _answers(space, table)
            if trend != wanted:
                different[table] = {
                    "missing": sorted(wanted - trend, key=str)[:3],
                    "wrong": sorted(trend - wanted, key=str)[:3],
                }
        return None if different else True

    until(probe, seconds=120, describe=lambda _: f"{different}", every=1)


def test_every_trend_is_the_answer_of_plain_sql_through_a_kill(
    trends: Workspace, stack: Stack
) -> None:
    trends.ok("deploy")
    write_clean(trends, "patients_clean", (_patient(n) for n in range(500)))
    admit(trends, range(800))
    wait_until_equal(trends, 800)
    unknown = "SELECT sum(admissions) FROM admissions_by_age_daily WHERE age_band = 'Unknown'"
    assert trends.rows(unknown) == [(300,)]
    stack.kill("trends")
    admit(trends, range(800, 1600))
    # Patients that come after their admissions; a record without a key; the same record again.
    write_clean(trends, "patients_clean", (_patient(n) for n in range(500, 790)))
    _, again = admission(800, 0, BEGIN + timedelta(minutes=37 * 800))
    write_clean(trends, "patient_admissions_clean", [(None, again), ("A800", again)])
    wait_until_equal(trends, 1600)
    assert trends.rows(unknown) == [(20,)]
    # A hundred admissions move to another department and hour, with all that hangs on them.
    moved = [admission(n, n, BEGIN + timedelta(minutes=37 * n, hours=5)) for n in range(100)]
    write_clean(
        trends,
        "patient_admissions_clean",
        [(key, {**value, "department": "Oncology"}) for key, value in moved],
    )
    wait_until_equal(trends, 1600)
    oncology = "SELECT sum(admissions) FROM admissions_hourly WHERE department = 'Oncology'"
    assert trends.rows(oncology) == [(100,)]
    assert trends.rows("SELECT count(*) > 0 FROM admissions_hourly WHERE admissions = 0") == [
        (True,)
    ]
    assert trends.plan()["changes"] == []
    trends.ok("status")


def test_a_census_is_what_was_admitted_minus_what_was_discharged(
    trends: Workspace, stack: Stack
) -> None:
    trends.ok("deploy")
    admit(trends, range(100))
    wait_until_equal(trends, 100)
    census = "SELECT census FROM department_census WHERE department = 'Surgery' ORDER BY at DESC"
    assert trends.rows(census)[0] == (0,)
    assert stack.answered(REPOSITORY / "ksql" / "questions" / "five.sql") == 5
    top = trends.rows("SELECT day, diagnosis_code FROM top_diagnoses WHERE rank = 1 ORDER BY day")
    assert top[0][0] == BEGIN


def test_a_mistake_in_a_statement_names_its_place_before_anything_is_written(
    trends: Workspace,
) -> None:
    file = trends.root / "ksql" / "03_trends.sql"
    file.write_text(file.read_text().replace("COUNT(*) AS discharges", "COUNTS(*) AS discharges"))
    done = trends.run("deploy")
    assert done.returncode == 2
    assert "ksql/03_trends.sql:30: column 5, 'COUNTS': unknown function COUNTS" in done.stderr
