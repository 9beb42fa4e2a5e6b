"""What the specs say, as programs ask for it."""

from pathlib import Path

import pytest
import yaml

from pipeline.paths import REPOSITORY
from pipeline.repository import facts
from pipeline.repository.desired import render
from pipeline.repository.loader import load
from pipeline.repository.project import Project
from tests.support import workspace


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    workspace.copy(tmp_path)
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


def test_tables_are_those_of_the_sinks_the_details_before_the_trends() -> None:
    tables = facts.tables(load(REPOSITORY))
    assert set(tables) == {table.name for table in render(load(REPOSITORY), "owner").tables}
    assert tables[:5] == ["patients", "admissions", "diagnoses", "lab_results", "rejected_records"]
