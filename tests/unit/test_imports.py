"""Which parts of the repository know which."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.paths import REPOSITORY


def _imported(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def _names(folder: str) -> set[str]:
    files = list((REPOSITORY / folder).rglob("*.py"))
    found = {name for file in files for name in _imported(file)}
    assert found
    return found


@pytest.mark.parametrize("folder", ["pipeline", "spark", "scripts", "airflow"])
def test_what_runs_in_containers_has_no_stack_there(folder: str) -> None:
    assert not [name for name in _names(folder) if name.split(".")[0] == "stack"]


@pytest.mark.parametrize("folder", ["pipeline", "spark", "scripts", "airflow", "stack", "bench"])
def test_only_tests_import_tests(folder: str) -> None:
    assert not [name for name in _names(folder) if name.split(".")[0] == "tests"]


def test_no_test_is_another_ones_library() -> None:
    assert not [name for name in _names("tests") if ".test_" in name or ".conftest" in name]
