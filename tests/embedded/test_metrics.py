"""Each metric's SQL, run by bi_reader, gives what plain SQL over the tables gives."""

from typing import Any

import psycopg
import pytest

from pipeline.clients.database import connect
from pipeline.paths import REPOSITORY
from pipeline.repository import dashboards
from tests.support.reporting import Known

METRICS = dashboards.metrics(REPOSITORY)
# The same from the tables, for the whole time; None: the number itself is known.
PLAIN = {
    "admissions": "SELECT count(*) FROM admissions",
    "emergency_share": """SELECT 100.0 * count(*) FILTER (WHERE admission_type = 'Emergency')
                          / count(*) FROM admissions""",
    "encounters": "SELECT count(*) FROM admissions",
    "patients": "SELECT count(*) FROM (SELECT DISTINCT patient_id FROM admissions) each",
    "average_stay": "SELECT sum(length_of_stay_hours)::float / count(*) FROM admissions",
    "longest_stay": "SELECT length_of_stay_hours FROM admissions ORDER BY 1 DESC LIMIT 1",
    "census": """SELECT count(*) FROM admissions
                 WHERE admission_date + length_of_stay_hours * interval '1 hour'
                   > (SELECT max(admission_date) FROM admissions)""",
    "discharges": "SELECT count(*) FROM admissions",
    "diagnoses": "SELECT count(*) FROM diagnoses",
    "primary_diagnoses": "SELECT count(*) FROM diagnoses WHERE diagnosis_rank = 'Primary'",
    "lab_results": "SELECT count(*) FROM lab_results",
    "abnormal_results": """SELECT count(*) FROM lab_results WHERE
                           NOT test_value BETWEEN test_reference_low AND test_reference_high""",
    "abnormal_share": """SELECT avg(CASE WHEN test_value BETWEEN test_reference_low
                           AND test_reference_high THEN 0 ELSE 100 END) FROM lab_results""",
    # 60 to 101 with a range of 70 to 90: 11 above, 10 below.
    "largest_deviation": "SELECT 11 / 20.0",
    "rejects": "SELECT count(*) FROM rejected_records",
    "broken_rules": "SELECT sum(cardinality(string_to_array(rules, ','))) FROM rejected_records",
    "behind": "SELECT 0",
    "open_alerts": "SELECT count(*) FROM alerts WHERE closed_at IS NULL",
}


def _value(connection: psycopg.Connection, query: str) -> Any:
    row = connection.execute(query.encode()).fetchone()
    assert row
    return row[0]


@pytest.mark.parametrize("name", METRICS)
def test_a_metric_gives_what_the_tables_give(known: Known, name: str) -> None:
    metric = METRICS[name]
    where = f"WHERE {metric.where}" if metric.where else ""
    with known.reader() as reader:
        value = _value(reader, f"SELECT {metric.sql} FROM bi.{metric.view} {where}")
        empty = _value(reader, f"SELECT {metric.sql} FROM bi.{metric.view} WHERE false")
    with known.admin() as admin:
        assert float(value) == pytest.approx(float(_value(admin, PLAIN[name]))), name
        assert value or name == "behind"
    assert empty in {None, 0}


def test_only_bi_reader_reads_what_dashboards_read(
    known: Known,
) -> None:
    with known.admin() as admin:
        granted = admin.execute(
            "SELECT DISTINCT grantee, privilege_type FROM information_schema.role_table_grants"
            " WHERE table_schema = 'bi' AND grantee <> %s",
            (known.postgres.admin,),
        ).fetchall()
        columns = admin.execute(
            "SELECT column_name, data_type FROM information_schema.columns"
            " WHERE table_schema = 'bi'"
        ).fetchall()
    assert granted == [("bi_reader", "SELECT")]
    names = {name for name, _ in columns}
    assert not names & {"first_name", "last_name", "birth_date", "medical_history"}
    # What DirectQuery knows.
    assert {kind for _, kind in columns} == {
        "text", "date", "timestamp without time zone", "integer", "bigint", "double precision",
    }  # fmt: skip
    with (
        connect(known.postgres, "orchestrator", known.secrets["ORCHESTRATOR_PASSWORD"]) as other,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        other.execute("SELECT now FROM bi.clock")


def test_the_views_say_the_known(known: Known) -> None:
    with known.reader() as reader:
        assert str(_value(reader, "SELECT now FROM bi.clock")) == "2025-01-04 10:00:00"
        assert _value(reader, "SELECT count(*) FROM bi.calendar") == 365
        # P10 and P11 were admitted, and are not registered.
        unknown = "SELECT count(*) FROM bi.admissions WHERE age_band = 'Unknown'"
        assert _value(reader, unknown) == 6
        born_1950 = "SELECT DISTINCT age_band FROM bi.admissions WHERE patient_id = 'P0'"
        assert _value(reader, born_1950) == "65-79"
        bands = """SELECT array_agg(bi.age_band(born, '2018-02-28')) FROM unnest(ARRAY[
            '2000-02-28', '2000-02-29', '1978-02-28', '1938-02-28', NULL]::date[]) born"""
        assert _value(reader, bands) == ["18-39", "0-17", "40-64", "80+", "Unknown"]
        rules = "SELECT count(*) FROM bi.rejects WHERE rule = 'birth_date_not_in_future'"
        assert _value(reader, rules) == 5


def test_the_clock_and_the_delay_bear_what_is_out_of_order(known: Known) -> None:
    with known.admin() as admin:
        clock = "SELECT now::text FROM bi.clock"
        # The trend is ahead of the table, or its newest group has become empty.
        admin.execute(
            "INSERT INTO length_of_stay_daily SELECT 'Surgery', timestamptz '2025-01-09 00:00+00',"
            " timestamptz '2025-01-10 00:00+00', 0, NULL"
        )
        assert _value(admin, clock) == "2025-01-04 10:00:00"
        # A stage that stands still is behind, and not fresh.
        admin.execute(
            "INSERT INTO admissions (admission_id, patient_id, admission_date,"
            " length_of_stay_hours) VALUES ('A99', 'P1', '2025-01-06 13:30+00', 1)"
        )
        assert _value(admin, "SELECT max(behind_hours) FROM bi.freshness") == 51.5
        admin.execute(
            "UPDATE admissions SET admission_date = '2025-03-01' WHERE admission_id = 'A99'"
        )
        of_stage = "SELECT behind_hours FROM bi.freshness WHERE stage = '{}'"
        assert _value(admin, of_stage.format("admissions")) == 0
        assert _value(admin, of_stage.format("diagnoses")) == 168
        admin.rollback()
