"""Clean admissions, and the trends over them: the same questions in SQL to PostgreSQL."""

import random
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from pipeline.repository.loader import load
from pipeline.wait import until
from tests.support import records
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


def patient(number: int) -> tuple[str, dict[str, Any]]:
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


def diagnosis(number: int, at: datetime) -> tuple[str, dict[str, Any]]:
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
    diagnoses = [diagnosis(n, times[n]) for n in reversed(shuffled)]
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

    until(
        lambda: counts(space, landed),
        seconds=120,
        done=lambda rows: set(rows.values()) == {admissions},
        describe=lambda rows: f"landed are {rows}, not {admissions} each",
        every=1,
    )
    wait_until_trends_equal(space)


def wait_until_trends_equal(space: Workspace) -> None:
    """Waits until each trend is the answer to its question, of the rows that have landed."""
    until(
        lambda: {table: _difference(space, table) for table in QUESTIONS},
        seconds=120,
        done=lambda differences: not any(differences.values()),
        describe=lambda differences: str({t: d for t, d in (differences or {}).items() if d}),
        every=1,
    )


def _difference(space: Workspace, table: str) -> dict[str, list[Any]]:
    """Some rows that a trend lacks or has too many; empty if it is the answer to its question."""
    trend, wanted = _answers(space, table)
    if trend == wanted:
        return {}
    return {
        "missing": sorted(wanted - trend, key=str)[:3],
        "wrong": sorted(trend - wanted, key=str)[:3],
    }
