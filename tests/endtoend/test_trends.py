"""The trends that ksql/ computes, against the same questions in SQL to PostgreSQL."""

from datetime import timedelta

from pipeline.paths import REPOSITORY
from pipeline.wait import until
from tests.support.stacks import Stack
from tests.support.trends import (
    BEGIN,
    admission,
    admit,
    diagnosis,
    lab,
    patient,
    wait_until_equal,
    wait_until_trends_equal,
    write_clean,
)
from tests.support.workspace import Workspace


def test_a_mistake_in_a_statement_names_its_place_before_anything_is_written(
    trends: Workspace,
) -> None:
    file = trends.root / "ksql" / "03_trends.sql"
    right = file.read_text()
    file.write_text(right.replace("COUNT(*) AS discharges", "COUNTS(*) AS discharges"))
    done = trends.run("deploy")
    file.write_text(right)
    assert done.returncode == 2
    assert "ksql/03_trends.sql:30: column 5, 'COUNTS': unknown function COUNTS" in done.stderr


def test_a_census_is_what_was_admitted_minus_what_was_discharged(trends: Workspace) -> None:
    admit(trends, range(100))
    wait_until_equal(trends, 100)
    census = "SELECT census FROM department_census WHERE department = 'Surgery' ORDER BY at DESC"
    assert trends.rows(census)[0] == (0,)
    top = trends.rows("SELECT day, diagnosis_code FROM top_diagnoses WHERE rank = 1 ORDER BY day")
    assert top[0][0] == BEGIN


def test_every_trend_is_the_answer_of_plain_sql_through_a_kill(
    trends: Workspace, stack: Stack
) -> None:
    write_clean(trends, "patients_clean", (patient(n) for n in range(500)))
    admit(trends, range(800))
    wait_until_equal(trends, 800)
    unknown = "SELECT sum(admissions) FROM admissions_by_age_daily WHERE age_band = 'Unknown'"
    assert trends.rows(unknown) == [(300,)]
    stack.kill("trends")
    admit(trends, range(800, 1600))
    # Patients that come after their admissions; the same record again.
    write_clean(trends, "patients_clean", (patient(n) for n in range(500, 790)))
    _, again = admission(800, 0, BEGIN + timedelta(minutes=37 * 800))
    write_clean(trends, "patient_admissions_clean", [("A800", again)])
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


def test_each_of_the_five_questions_has_an_answer_and_ends(trends: Workspace, stack: Stack) -> None:
    key, value = admission(1_000_000, 0, BEGIN)
    there = {**value, "department": "Intensive Care", "length_of_stay_hours": 300}
    code, ill = diagnosis(1_000_000, BEGIN)
    ill |= {"diagnosis_code": "I21.4", "diagnosis_rank": "Primary"}
    write_clean(trends, "patient_labs_clean", [lab(1_000_000, BEGIN)])
    write_clean(trends, "patient_diagnoses_clean", [(code, ill)])
    write_clean(trends, "patient_admissions_clean", [(key, there)])
    until(
        lambda: trends.rows(
            "SELECT 1 FROM admissions JOIN diagnoses USING (admission_id)"
            f" JOIN lab_results USING (admission_id) WHERE admission_id = '{key}'"
        ),
        seconds=60,
        describe=lambda _: f"{key} has not landed",
    )
    wait_until_trends_equal(trends)
    questions = REPOSITORY / "ksql" / "questions" / "five.sql"
    assert stack.answered(questions) == questions.read_text().count("SELECT ")
