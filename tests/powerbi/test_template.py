"""The template has what the files of powerbi/ say, in the form that Power BI reads."""

import io
import json
import os
import zipfile
from pathlib import Path
from typing import Any

import pytest

from pipeline.paths import REPOSITORY
from powerbi import build

PROJECT = build.load(REPOSITORY)
COMMITTED = (REPOSITORY / build.TEMPLATE).read_bytes()
ARCHIVE = zipfile.ZipFile(io.BytesIO(COMMITTED))
THEME = "Report/StaticResources/RegisteredResources/Hospital.json"


def _part(name: str) -> Any:
    return json.loads(ARCHIVE.read(name).decode("utf-16-le"))


def _visuals() -> list[dict[str, Any]]:
    """The visuals of the template, each with its configuration read."""
    sections = _part("Report/Layout")["sections"]
    found = [visual for section in sections for visual in section["visualContainers"]]
    return [{**visual, "config": json.loads(visual["config"])} for visual in found]


def test_it_is_the_same_bytes_each_time(root: Path) -> None:
    for file in root.rglob("*"):
        os.utime(file, (1_000_000_000, 1_000_000_000))
    assert build.load(root).template == PROJECT.template == COMMITTED


def test_it_has_these_parts() -> None:
    assert ARCHIVE.namelist() == [
        "[Content_Types].xml", "DataModelSchema", "Metadata", "Report/Layout", THEME, "Settings",
        "Version",
    ]  # fmt: skip
    assert {entry.date_time for entry in ARCHIVE.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    assert ARCHIVE.testzip() is None


@pytest.mark.parametrize("name", ["DataModelSchema", "Metadata", "Report/Layout", "Settings"])
def test_a_part_is_utf_16_without_a_mark(name: str) -> None:
    content = ARCHIVE.read(name)
    assert content[:2] == b"{\x00"
    assert isinstance(_part(name), dict)


def test_the_version_and_the_types_are_in_their_own_encodings() -> None:
    assert ARCHIVE.read("Version") == "1.28".encode("utf-16-le")
    types = ARCHIVE.read("[Content_Types].xml")
    assert types.startswith(b"\xef\xbb\xbf<?xml")
    for name in ARCHIVE.namelist():
        assert ("." in name) != (f'PartName="/{name}"'.encode() in types)


def test_the_model_is_that_of_the_files() -> None:
    model = _part("DataModelSchema")["model"]
    tables = {table["name"]: table for table in model["tables"]}
    assert list(tables) == [reference.name for reference in PROJECT.model.model.references]
    for name, node in PROJECT.model.tables.items():
        found = tables[name]
        assert [c["name"] for c in found["columns"]] == [c.name for c in node.of("column")]
        measures = {m["name"]: m["expression"] for m in found.get("measures", ())}
        assert measures == {m.name: m.value for m in node.of("measure")}
        (partition,) = found["partitions"]
        (source,) = node.of("partition")
        assert partition["mode"] == source.properties["mode"]
        assert "\n".join(partition["source"]["expression"]) == source.properties["source"]
    ends = [(r["fromTable"], r["fromColumn"], r["toTable"]) for r in model["relationships"]]
    assert len(ends) == len(PROJECT.model.relationships)
    assert ("Admissions per Hour", "day", "Calendar") in ends
    inactive = [r["fromColumn"] for r in model["relationships"] if not r.get("isActive", True)]
    assert inactive == ["discharged_on"]


def test_the_report_is_that_of_the_files() -> None:
    layout = _part("Report/Layout")
    pages = [(section["name"], section["displayName"]) for section in layout["sections"]]
    assert pages == [(p.page.name, p.page.display_name) for p in PROJECT.report.pages]
    for found, (_, container) in zip(_visuals(), PROJECT.report.visuals, strict=True):
        config, visual = found["config"], container.visual
        single = config["singleVisual"]
        assert config["name"] == container.name
        assert config["layouts"][0]["position"] == container.position.model_dump(by_alias=True)
        assert single["visualType"] == visual.visual_type
        assert single["vcObjects"] == visual.visual_container_objects
        assert single["objects"] == visual.objects
        shown = visual.query.query_state if visual.query else {}
        assert {
            role: [each["queryRef"] for each in fields]
            for role, fields in single.get("projections", {}).items()
        } == {role: [p.query_ref for p in state.projections] for role, state in shown.items()}
        filters = container.filter_config.filters if container.filter_config else []
        assert [f["filter"] for f in json.loads(found["filters"])] == [f.filter for f in filters]


def test_a_query_selects_what_is_shown_and_columns_first() -> None:
    for found in _visuals():
        single = found["config"]["singleVisual"]
        if "prototypeQuery" not in single:
            continue
        query = single["prototypeQuery"]
        tables = {source["Name"]: source["Entity"] for source in query["From"]}
        selected = [_name(each, tables) for each in query["Select"]]
        assert selected == [each["Name"] for each in query["Select"]]
        shown = [each["queryRef"] for fields in single["projections"].values() for each in fields]
        assert sorted(shown) == sorted(selected)
        kinds = ["Measure" in each for each in query["Select"]]
        assert kinds == sorted(kinds)


def _name(selected: dict[str, Any], tables: dict[str, str]) -> str:
    field = selected.get("Column") or selected["Measure"]
    return f"{tables[field['Expression']['SourceRef']['Source']]}.{field['Property']}"


def test_the_theme_comes_with_it() -> None:
    layout = _part("Report/Layout")
    (package,) = layout["resourcePackages"]
    (item,) = package["resourcePackage"]["items"]
    theme = json.loads(layout["config"])["themeCollection"]["customTheme"]
    assert THEME.endswith(f"/{item['path']}")
    assert theme["name"] == item["name"]
    assert len(set(json.loads(ARCHIVE.read(THEME))["dataColors"])) == 8
