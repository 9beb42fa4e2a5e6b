"""The worked examples of CONTRIBUTING.md do what they say, in as many files as they say."""

from pathlib import Path

import pytest

from pipeline.repository import desired, loader
from pipeline.resources import RESOURCES
from tests.support import examples
from tests.support.workspace import copy

# The files that a person edits by hand, at most; and what is declared more than before.
EXAMPLES = {
    "A field": (4, set()),
    "A trend": (
        6,
        {
            "workload_daily",
            "workload_daily-value",
            "workload-daily-sink",
            "workload-daily-sink_dlq",
        },
    ),
    "An entity": (
        10,
        {
            "patient_vitals",
            "patient_vitals-value",
            "patient_vitals_clean",
            "patient_vitals_clean-value",
            "vital_signs",
            "vitals-sink",
            "vitals-sink_dlq",
            "vitals-source",
        },
    ),
    "A connector kind": (3, {"archive-sink", "archive-sink_dlq"}),
}


def _declared(root: Path) -> set[str]:
    declared = desired.render(loader.load(root), "hospital-admissions")
    return {one.name for resource in RESOURCES for one in declared.of(resource.kind)}


def test_there_is_an_example_of_each_kind() -> None:
    assert examples.diffs().keys() == EXAMPLES.keys()


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_is_whole_and_small(tmp_path: Path, name: str) -> None:
    most, declared = EXAMPLES[name]
    copy(tmp_path)
    before = _declared(tmp_path)
    diff = examples.diffs()[name]
    examples.apply(diff, tmp_path)
    assert 1 <= len(examples.files(diff)) <= most
    assert _declared(tmp_path) - before == declared


def test_a_field_becomes_a_column(tmp_path: Path) -> None:
    copy(tmp_path)
    examples.apply(examples.diffs()["A field"], tmp_path)
    declared = desired.render(loader.load(tmp_path), "hospital-admissions")
    (results,) = (table for table in declared.tables if table.name == "lab_results")
    column = results.columns[-1]
    assert (column.name, column.type, column.nullable, column.comment) == (
        "specimen",
        "text",
        True,
        "What was taken.",
    )
