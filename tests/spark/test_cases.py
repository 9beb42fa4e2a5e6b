"""The cases of spark/cases, with those of the worked example of an entity."""

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from pipeline.cases import runner
from pipeline.repository import loader
from pipeline.services import Services
from tests.support import examples, workspace


def _no_services() -> Services:
    pytest.fail("cases of the rules need no service")


def test_the_cases_of_the_rules_are_as_expected(spark: SparkSession, tmp_path: Path) -> None:
    assert spark.version
    workspace.copy(tmp_path)
    examples.apply(examples.diffs()["An entity"], tmp_path)
    project = loader.load(tmp_path)
    # By its whole path, from another folder.
    file = tmp_path / "spark" / "cases" / "cleansing.yaml"
    cases = runner.load(tmp_path, [file], project)
    results: list[runner.Result] = []
    assert runner.run(tmp_path, cases, project, _no_services, results.append) == 0, results
    assert {result.place.rpartition(": ")[2] for result in results} >= {
        "an impossible heart rate is rejected"
    }
