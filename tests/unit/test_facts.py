"""What the specs say, as programs ask for it."""

import shutil
from pathlib import Path

import pytest
import yaml

from pipeline.paths import REPOSITORY
from pipeline.repository import facts
from pipeline.repository.project import Project, load


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for name in ("connectors", "schemas", "postgres", "ksql"):
        shutil.copytree(REPOSITORY / name, tmp_path / name)
    shutil.copy(REPOSITORY / "topics.yaml", tmp_path)
    return tmp_path


def _edited(root: Path, path: str, **changes: object) -> Project:
    file = root / path
    file.write_text(yaml.safe_dump({**yaml.safe_load(file.read_text()), **changes}))
    return load(root)


def test_raw_topics_are_those_of_the_sources_with_their_keys() -> None:
    assert facts.raw_topics(load(REPOSITORY)) == {
        "patients": "patient_id",
        "patient_admissions": "admission_id",
        "patient_diagnoses": "diagnosis_id",
        "patient_labs": "lab_id",
    }


def test_a_topics_records_are_those_of_all_its_sources(copy: Path) -> None:
    assert facts.records_of(load(copy), "patient_admissions") == 102_000
    assert facts.records_of(load(copy), "patients_clean") == 0
    endless = _edited(copy, "connectors/sources/admissions.yaml", iterations=None)
    assert facts.records_of(endless, "patient_admissions") is None


def test_tables_are_those_of_the_sinks_in_the_order_of_the_topics() -> None:
    tables = facts.tables(load(REPOSITORY))
    first = ["patients", "admissions", "diagnoses", "lab_results", "rejected_records"]
    assert list(tables)[:6] == [*first, "admissions_hourly"]
    assert len(tables) == 11
    assert tables["admissions"] == facts.Table(
        ("patient_admissions_clean",),
        ("admission_id",),
        ("admission_date", "length_of_stay_hours", "patient_id"),
    )
    # ksqlDB's schemas let every field be null.
    assert tables["admissions_hourly"].required == ()


def test_nested_fields_are_columns_and_several_topics_share_what_is_never_null(copy: Path) -> None:
    raw = _edited(copy, "connectors/sinks/labs.yaml", topics=["patient_labs"])
    assert "test_reference_low" in facts.tables(raw)["lab_results"].required
    topics = ["patient_labs_clean", "patient_admissions_clean"]
    both = _edited(copy, "connectors/sinks/labs.yaml", topics=topics, key=["admission_id"])
    assert facts.tables(both)["lab_results"].required == ()
