"""Microsoft's JSON schemas, where a copy of them stands beside the repository: they are not ours to
keep here. Power BI Desktop refuses a project that they refuse."""

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator
from referencing import Registry
from referencing.jsonschema import DRAFT7

from pipeline.paths import REPOSITORY
from powerbi import build, layout

SCHEMAS = REPOSITORY.parent / "shared" / "powerbi-schemas"
ADDRESS = "https://developer.microsoft.com/json-schemas/"
QUERY = "fabric/item/report/definition/semanticQuery/1.4.0/schema.json"
FOLDER = REPOSITORY / build.MODEL.parts[0]
FILES = sorted(
    file
    for pattern in ("*.pbip", "*/.platform", "*/definition.pb*", "*/definition/**/*.json")
    for file in FOLDER.glob(pattern)
)
PROJECT = build.load(REPOSITORY)
VISUALS = {f: c for f, c in PROJECT.report.visuals if c.visual.query}
CHART = next(file for file, c in VISUALS.items() if c.visual.visual_type == "lineChart")
PAGE = CHART.parents[2] / "page.json"

pytestmark = pytest.mark.skipif(
    not SCHEMAS.is_dir(), reason="no copy of Microsoft's JSON schemas is beside the repository"
)


@cache
def _registry() -> Registry[Any]:
    """The schemas by the addresses of their paths: some say another one of themselves."""
    registry: Registry[Any] = Registry()
    for file in SCHEMAS.rglob("*.json"):
        address = ADDRESS + file.relative_to(SCHEMAS).as_posix()
        schema = {**json.loads(file.read_text()), "$id": address}
        registry = registry.with_resource(address, DRAFT7.create_resource(schema))
    return registry


def _errors(value: Any, address: str) -> list[str]:
    """What a schema says to a value."""
    validator = Draft7Validator({"$ref": address}, registry=_registry())
    found = validator.iter_errors(value)
    return [f"{'.'.join(map(str, e.absolute_path))}: {e.message}" for e in found]


def _of_file(file: Path, edit: Callable[[str], str] = str) -> list[str]:
    value = json.loads(edit(file.read_text()))
    return _errors(value, value["$schema"])


def _name(file: Path) -> str:
    return str(file.relative_to(FOLDER))


@pytest.mark.parametrize("file", FILES, ids=_name)
def test_a_file_fits_its_schema(file: Path) -> None:
    assert _of_file(file) == []


def test_there_is_a_file_of_each_kind() -> None:
    names = {file.name for file in FILES}
    assert {
        "hospital.pbip", ".platform", "definition.pbir", "definition.pbism", "version.json",
        "report.json", "pages.json", "page.json", "visual.json",
    } == names  # fmt: skip


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        (CHART, '"position"', '"place"'),
        (CHART, '"queryRef"', '"queryreference"'),
        (CHART, '"Property"', '"Propertie"'),
        (CHART, '"Ascending"', '"Up"'),
        (CHART, '"title"', '"titel"'),
        (CHART, '"altText"', '"alt"'),
        (CHART, '"groupName"', '"group"'),
        (CHART, '"Comparison"', '"Compare"'),
        (PAGE, '"displayName"', '"name2"'),
        (PAGE, '"pageRefresh"', '"refresh"'),
        (FOLDER / "hospital.pbip", '"artifacts"', '"items"'),
        (FOLDER / "hospital.Report" / "definition" / "report.json", '"customTheme"', '"theme"'),
    ],
)
def test_a_schema_sees_a_mistake(file: Path, old: str, new: str) -> None:
    if old == '"groupName"':
        file = next(f for f, c in VISUALS.items() if c.visual.sync_group)
    assert old in file.read_text()
    assert _of_file(file, lambda text: text.replace(old, new, 1))


@pytest.mark.parametrize("file", VISUALS, ids=_name)
def test_a_query_of_the_template_fits_its_schema(file: Path) -> None:
    assert _errors(_query(file), f"{ADDRESS}{QUERY}#/definitions/QueryDefinition") == []


def test_the_schema_of_queries_sees_a_mistake() -> None:
    query = _query(CHART)
    query["OrderBy"][0]["Direction"] = "Ascending"
    assert _errors(query, f"{ADDRESS}{QUERY}#/definitions/QueryDefinition")


def _query(file: Path) -> Any:
    """The query of a visual, as the template has it."""
    name = VISUALS[file].name
    sections = layout.layout(PROJECT.report)["sections"]
    visuals = [json.loads(v["config"]) for s in sections for v in s["visualContainers"]]
    return next(v["singleVisual"]["prototypeQuery"] for v in visuals if v["name"] == name)
