"""What must hold of each table, as conditions in SQL over the whole of it.

Keys and the columns that are never null follow from the specs and schemas. What needs a decision is
written here.
"""

from pipeline.repository import facts
from pipeline.repository.project import Project

# Of every hundred admissions, patients that the cleansing refused are a few (birth dates to come).
ORPHANS = "count(*) FILTER (WHERE NOT EXISTS (SELECT FROM {0} p WHERE p.{1} = {2}.{1}))"
FEW_ORPHANS = f"{ORPHANS} <= 0.05 * count(*) + 100"
NEWEST = "(SELECT max(admission_date) FROM admissions)"
# Conditions by name, by table.
DECIDED = {
    "patients": {
        "birth_dates_in_range": (
            "min(birth_date) >= date '1900-01-01' AND max(birth_date) < now()"
        ),
    },
    "admissions": {
        "few_orphans": FEW_ORPHANS.format("patients", "patient_id", "admissions"),
        "stays_in_range": "min(length_of_stay_hours) >= 0",
        "departments_mostly_known": "count(department) >= 0.5 * count(*)",
        # By the hospital's clock: the last day has at least a quarter of the day before.
        "volume_as_before": (
            f"count(*) FILTER (WHERE admission_date > {NEWEST} - interval '1 day') >= 0.25 *"
            f" count(*) FILTER (WHERE admission_date BETWEEN {NEWEST} - interval '2 days'"
            f" AND {NEWEST} - interval '1 day')"
        ),
    },
    "diagnoses": {
        "few_orphans": FEW_ORPHANS.format("admissions", "admission_id", "diagnoses"),
    },
    "lab_results": {
        "values_in_range": "min(test_value) >= 0",
        "few_orphans": FEW_ORPHANS.format("admissions", "admission_id", "lab_results"),
    },
}


def checks(project: Project) -> dict[str, dict[str, dict[str, str]]]:
    """The checks of each table that a sink writes, as SQLTableCheckOperator takes them."""
    return {
        name: {
            check: {"check_statement": condition}
            for check, condition in {**_derived(table), **DECIDED.get(name, {})}.items()
        }
        for name, table in facts.tables(project).items()
    }


def _derived(table: facts.Table) -> dict[str, str]:
    key = ", ".join(table.key)
    distinct = f"({key})" if len(table.key) > 1 else key
    return {
        "keys_unique": f"count(*) = count(DISTINCT {distinct})",
        **{f"{column}_present": f"count(*) = count({column})" for column in table.required},
    }
