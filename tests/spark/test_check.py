"""Mistakes in spark/rules.yaml are found before the job reads a record."""

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from pipeline.errors import SpecError
from pipeline.paths import REPOSITORY
from pipeline.repository import schemas
from pipeline.repository.rules import FILE, Rules, load
from spark.check import check

SCHEMAS = schemas.load(REPOSITORY / "schemas")


def _changed(tmp_path: Path, old: str, new: str) -> tuple[Rules, Path]:
    file = tmp_path / "rules.yaml"
    text = (REPOSITORY / FILE).read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))
    return load(file), file


@pytest.mark.parametrize(
    ("old", "new", "key", "message"),
    [
        ("length_of_stay_hours >= 0", "lenth_of_stay >= 0",
         "topics.patient_admissions.valid.discharge_not_before_admission", "UNRESOLVED_COLUMN"),
        ("loinc.name", "loinc.nam", "topics.patient_labs.derive.test_name", "FIELD_NOT_FOUND"),
        ("{diagnosis_rank: rank}", "{diagnosis_rank: rang}",
         "topics.patient_diagnoses.vocabulary.diagnosis_rank", "unknown vocabulary rang; did you"),
        ("clean: patients_clean", "clean: patient_clean", "topics.patients.clean",
         "unknown schema patient_clean; did you mean patients_clean?"),
        ("rejects: patient_rejects", "rejects: patient_reject", "rejects",
         "unknown schema patient_reject; did you mean patient_rejects?"),
    ],
)  # fmt: skip
def test_mistakes_in_the_rules_are_found_at_start(
    spark: SparkSession, tmp_path: Path, old: str, new: str, key: str, message: str
) -> None:
    rules, file = _changed(tmp_path, old, new)
    with pytest.raises(SpecError) as caught:
        check(spark, rules, SCHEMAS, file)
    (mistake,) = caught.value.mistakes
    assert (mistake.key, mistake.line is not None) == (key, True)
    assert message in mistake.message


def test_the_rules_of_the_repository_compile(spark: SparkSession) -> None:
    check(spark, load(REPOSITORY / FILE), SCHEMAS, REPOSITORY / FILE)
