"""What must hold of a table, as conditions in SQL over the whole of it.

Only what PostgreSQL itself does not guarantee. It keeps primary keys unique, and refuses a null
where the topic's schema has none.
"""

# Of every hundred admissions, patients that the cleansing refused are a few (birth dates to come).
ORPHANS = "count(*) FILTER (WHERE NOT EXISTS (SELECT FROM {0} p WHERE p.{1} = {2}.{1}))"
FEW_ORPHANS = f"{ORPHANS} <= 0.05 * count(*) + 100"
NEWEST = "(SELECT max(admission_date) FROM admissions)"
# Conditions by name, by table.
CONDITIONS = {
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


def checks() -> dict[str, dict[str, dict[str, str]]]:
    """The checks of each table, as SQLTableCheckOperator takes them."""
    return {
        table: {name: {"check_statement": condition} for name, condition in conditions.items()}
        for table, conditions in CONDITIONS.items()
    }
