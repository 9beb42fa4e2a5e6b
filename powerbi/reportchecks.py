"""Checks of the report that no schema makes: a field that the model does not have, a role that a
visual does not have. Power BI shows an error in the visual's place then, or nothing."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import Mistake
from pipeline.repository import yamlfile
from pipeline.suggest import did_you_mean, unknown
from powerbi.model import Model
from powerbi.report import Container, Page, Report

# The roles of a kind of visual. What Power BI calls them is in no public schema; these were seen in
# reports that it has saved.
ROLES: Mapping[str, tuple[str, ...]] = {
    "barChart": ("Category", "Series", "Y"),
    "card": ("Values",),
    "clusteredBarChart": ("Category", "Series", "Y"),
    "clusteredColumnChart": ("Category", "Series", "Y"),
    "columnChart": ("Category", "Series", "Y"),
    "donutChart": ("Category", "Series", "Y"),
    "areaChart": ("Category", "Series", "Y"),
    "lineChart": ("Category", "Series", "Y"),
    "multiRowCard": ("Values",),
    "pivotTable": ("Columns", "Rows", "Values"),
    "slicer": ("Values",),
    "tableEx": ("Values",),
    "textbox": (),
}
LITERAL = re.compile(
    r"true|false|null|-?\d+(?:\.\d+)?[DLM]|(?:datetime|duration)?'(?:[^']|'')*'", re.DOTALL
)


@dataclass(frozen=True)
class _Field:
    """A field that is named somewhere: `Column` or `Measure`, the table, the name."""

    key: str
    kind: str
    table: str
    name: str


def check(report: Report, model: Model) -> Iterator[Mistake]:
    """What in the report's files does not fit the model, or Power BI."""
    for page in report.pages:
        yield from _page(page)
        yield from _literals(page.file, page.page.model_dump(by_alias=True))
    for file, container in report.visuals:
        yield from _container(file, container, model)
    for item, file in report.themes.items():
        if not file.is_file():
            key = "resourcePackages"
            yield yamlfile.mistake(
                report.folder / "report.json", key, f"{item}: there is no {file}"
            )


def _page(page: Page) -> Iterator[Mistake]:
    """Every visual is within the page, and reached in an order that is said."""
    orders: dict[int, Path] = {}
    for file, container in page.visuals.items():
        at = container.position
        if (
            at.x < 0
            or at.y < 0
            or at.x + at.width > page.page.width
            or (at.y + at.height > page.page.height)
        ):
            yield yamlfile.mistake(file, "position", "is not within the page")
        if at.tab_order in orders:
            other = orders[at.tab_order].parent.name
            yield yamlfile.mistake(file, "position.tabOrder", f"{other} has {at.tab_order} as well")
        orders[at.tab_order] = file


def _container(file: Path, container: Container, model: Model) -> Iterator[Mistake]:
    raw = container.model_dump(by_alias=True, exclude_unset=True)
    for field in _fields(raw, (), {}):
        message = _missing(field, model)
        if message:
            yield yamlfile.mistake(file, field.key, message)
    yield from _literals(file, raw)
    yield from _roles(file, container)
    yield from _names(file, container)
    general = container.visual.visual_container_objects.get("general", [])
    if not any("altText" in each.get("properties", {}) for each in general):
        message = "has no altText in general: say in words what the visual shows"
        yield yamlfile.mistake(file, "visual.visualContainerObjects", message)


def _roles(file: Path, container: Container) -> Iterator[Mistake]:
    kind, query = container.visual.visual_type, container.visual.query
    if kind not in ROLES:
        yield yamlfile.mistake(file, "visual.visualType", unknown("kind of visual", kind, ROLES))
        return
    for role in query.query_state if query else ():
        if role not in ROLES[kind]:
            key = f"visual.query.queryState.{role}"
            yield yamlfile.mistake(file, key, unknown(f"role of {kind}", role, ROLES[kind]))
    if ROLES[kind] and not query:
        yield yamlfile.mistake(file, "visual", f"a {kind} needs a query")


def _names(file: Path, container: Container) -> Iterator[Mistake]:
    """What a projection is called within the visual follows from its field."""
    query = container.visual.query
    for name, role in query.query_state.items() if query else ():
        for index, projection in enumerate(role.projections):
            _, table, field = projection.field.parts
            key = f"visual.query.queryState.{name}.projections.{index}"
            if projection.query_ref != f"{table}.{field}":
                yield yamlfile.mistake(file, f"{key}.queryRef", f"must be {table}.{field}")
            if projection.native_query_ref != field:
                yield yamlfile.mistake(file, f"{key}.nativeQueryRef", f"must be {field}")


def _missing(field: _Field, model: Model) -> str | None:
    if field.table not in model.tables:
        return f"there is no table {field.table}{did_you_mean(field.table, model.tables)}"
    found = model.fields(field.table)
    kind = field.kind.lower()
    if field.name not in found:
        return f"{field.table} has no {kind} {field.name}{did_you_mean(field.name, found)}"
    actual = found[field.name].kind
    return None if actual == kind else f"{field.name} of {field.table} is a {actual}, no {kind}"


def _fields(value: Any, at: tuple[str, ...], short: Mapping[str, str]) -> Iterator[_Field]:
    """Each field in a value, wherever it is. `short` has the short names of tables."""
    if isinstance(value, list):
        for index, each in enumerate(value):
            yield from _fields(each, (*at, str(index)), short)
    if not isinstance(value, dict):
        return
    named = value.get("From", ())
    short = {**short, **{each["Name"]: each["Entity"] for each in named}}
    for key, each in value.items():
        source = _source(each) if key in {"Column", "Measure"} else None
        if source:
            table = source.get("Entity") or short.get(source.get("Source", ""), "")
            yield _Field(".".join((*at, key)), key, table, each["Property"])
        else:
            yield from _fields(each, (*at, key), short)


def _source(value: Any) -> dict[str, str] | None:
    if not isinstance(value, dict) or "Property" not in value:
        return None
    source: dict[str, str] | None = value.get("Expression", {}).get("SourceRef")
    return source


def _literals(file: Path, value: Any, at: tuple[str, ...] = ()) -> Iterator[Mistake]:
    """Values are written in Power BI's own way: 'text', 14D, 8L, true."""
    if isinstance(value, list):
        value = dict(enumerate(value))
    if not isinstance(value, dict):
        return
    literal = value.get("Literal")
    text = literal.get("Value") if isinstance(literal, dict) else None
    if text is not None and not LITERAL.fullmatch(text):
        key = ".".join((*at, "Literal", "Value"))
        yield yamlfile.mistake(file, key, f"{text} is no literal: 'text', 14D, 8L or true")
    for key, each in value.items():
        yield from _literals(file, each, (*at, str(key)))
