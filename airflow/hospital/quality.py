"""What must hold of each table, as conditions in SQL over the whole of it."""

# Of every hundred admissions, patients that the cleansing refused are a few (birth dates to come).
ORPHANS = "count(*) FILTER (WHERE NOT EXISTS (SELECT FROM {0} p WHERE p.{1} = {2}.{1}))"
SHARE = f"{ORPHANS} <= 0.05 * count(*) + 100"
NEWEST = "(SELECT max(admission_date) FROM admissions)"
CHECKS: dict[str, dict[str, dict[str, str]]] = {
    "patients": {
        "keys_unique": {"check_statement": "count(*) = count(DISTINCT patient_id)"},
        "birth_dates_in_range": {
            "check_statement": "min(birth_date) >= date '1900-01-01' AND max(birth_date) < now()"
        },
    },
    "admissions": {
        "keys_unique": {"check_statement": "count(*) = count(DISTINCT admission_id)"},
        "patients_present": {"check_statement": "count(*) = count(patient_id)"},
        "few_orphans": {"check_statement": SHARE.format("patients", "patient_id", "admissions")},
        "stays_in_range": {"check_statement": "min(length_of_stay_hours) >= 0"},
        "departments_mostly_known": {"check_statement": "count(department) >= 0.5 * count(*)"},
        # By the hospital's clock: the last day has at least a quarter of the day before.
        "volume_as_before": {
            "check_statement": (
                f"count(*) FILTER (WHERE admission_date > {NEWEST} - interval '1 day') >= 0.25 *"
                f" count(*) FILTER (WHERE admission_date BETWEEN {NEWEST} - interval '2 days'"
                f" AND {NEWEST} - interval '1 day')"
            )
        },
    },
    "diagnoses": {
        "keys_unique": {"check_statement": "count(*) = count(DISTINCT diagnosis_id)"},
        "codes_present": {"check_statement": "count(*) = count(diagnosis_code)"},
        "few_orphans": {"check_statement": SHARE.format("admissions", "admission_id", "diagnoses")},
    },
    "lab_results": {
        "keys_unique": {"check_statement": "count(*) = count(DISTINCT lab_id)"},
        "values_present": {"check_statement": "count(*) = count(test_value)"},
        "values_in_range": {"check_statement": "min(test_value) >= 0"},
        "few_orphans": {
            "check_statement": SHARE.format("admissions", "admission_id", "lab_results")
        },
    },
}
