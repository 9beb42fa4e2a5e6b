"""What keeps the code in order: small modules, no import circles, kinds known in one place."""

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from pipeline.paths import REPOSITORY
from pipeline.resources import RESOURCES

PRODUCT = ("pipeline", "stack", "spark", "scripts", "dashboard", "monitoring", "powerbi", "airflow")
LONGEST = 300
# Modules of airflow/ are imported from there.
ROOTS = (REPOSITORY, REPOSITORY / "airflow")
RESOURCE_MODULES = REPOSITORY / "pipeline" / "resources"


def _modules() -> list[Path]:
    return sorted(file for name in PRODUCT for file in (REPOSITORY / name).rglob("*.py"))


def _name(file: Path) -> str:
    root = ROOTS[1] if file.is_relative_to(ROOTS[1]) else ROOTS[0]
    return ".".join(file.relative_to(root).with_suffix("").parts).removesuffix(".__init__")


def _imported(file: Path, known: set[str]) -> Iterator[str]:
    """The modules that a module imports, for type checking only as well."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            yield from names & known or ({node.module} & known)


@pytest.mark.parametrize("file", _modules(), ids=_name)
def test_a_module_is_short(file: Path) -> None:
    assert len(file.read_text().splitlines()) <= LONGEST


def test_no_module_imports_itself_by_way_of_others() -> None:
    files = {_name(file): file for file in _modules()}
    graph = {name: set(_imported(file, set(files))) for name, file in files.items()}
    assert "pipeline.clients.kafka" in graph["pipeline.services"]
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_only_the_resource_modules_know_the_name_of_a_kind() -> None:
    assert list(_kinds_named("if change.kind == 'topic': plan.of('sink')")) == ["topic", "sink"]
    assert list(_kinds_named("from pipeline.resources.topic import KIND")) == ["KIND"]
    files = [file for file in _modules() if not file.is_relative_to(RESOURCE_MODULES)]
    named = {_name(file): list(_kinds_named(file.read_text())) for file in files}
    assert {name: kinds for name, kinds in named.items() if kinds} == {}


def _kinds_named(code: str) -> Iterator[str]:
    """Names of kinds that code compares a kind with, asks for, or imports."""
    kinds = {resource.kind for resource in RESOURCES}
    for node in ast.walk(ast.parse(code)):
        said: list[ast.expr] = []
        if isinstance(node, ast.Compare) and "kind" in ast.unparse(node.left):
            said = node.comparators
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith((".of", "Change")):
            said = node.args
        elif isinstance(node, ast.ImportFrom) and "pipeline.resources" in str(node.module):
            yield from (name.name for name in node.names if name.name in {"KIND", "SINK", "SOURCE"})
        for part in said:
            for constant in ast.walk(part):
                if isinstance(constant, ast.Constant) and constant.value in kinds:
                    yield constant.value
