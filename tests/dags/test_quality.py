"""The checks of the tables, and the tables and columns that are named by hand."""

from hospital import patterns, quality

from pipeline.paths import REPOSITORY
from pipeline.repository import facts, project

DECLARED = project.load(REPOSITORY)
TABLES = facts.tables(DECLARED)


def _conditions(table: str) -> dict[str, str]:
    checks = quality.checks(DECLARED)[table]
    return {name: check["check_statement"] for name, check in checks.items()}


def test_keys_and_columns_that_are_never_null_are_checked_by_the_schemas() -> None:
    assert quality.checks(DECLARED).keys() == TABLES.keys()
    diagnoses = _conditions("diagnoses")
    assert diagnoses["keys_unique"] == "count(*) = count(DISTINCT diagnosis_id)"
    assert diagnoses["diagnosis_code_present"] == "count(*) = count(diagnosis_code)"
    assert diagnoses["few_orphans"] == quality.DECIDED["diagnoses"]["few_orphans"]
    assert _conditions("discharges_hourly") == {
        "keys_unique": "count(*) = count(DISTINCT (department, window_start))"
    }


def test_what_is_named_by_hand_is_there() -> None:
    assert quality.DECIDED.keys() <= TABLES.keys()
    for table, order in patterns.STREAMS.items():
        assert order in TABLES[table].required
