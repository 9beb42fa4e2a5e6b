"""Which parts of the repository know which: what runs in containers has no stack/ there."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.paths import REPOSITORY


def _imported(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom):
            yield str(node.module)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


@pytest.mark.parametrize("folder", ["pipeline", "spark", "scripts", "airflow"])
def test_only_the_embedded_stack_imports_stack(folder: str) -> None:
    files = list((REPOSITORY / folder).rglob("*.py"))
    assert files
    names = {(file, name) for file in files for name in _imported(file)}
    assert not {(file, name) for file, name in names if name.split(".")[0] == "stack"}
