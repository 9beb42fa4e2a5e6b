"""The report as one JSON object, as a template holds it (Report/Layout).

This form is older than the files of a project. Parts of it are texts that hold JSON, and a query
gives each table a short name.
"""

from collections.abc import Sequence
from typing import Any

from pipeline.schemas import compact
from powerbi.report import Container, Filter, Page, Query, Reference, Report

VERSION = "5.59"
FIT_TO_PAGE = 1
REGISTERED = 1
THEME_FILE = 202
QUERY = 2
DIRECTIONS = {"Ascending": 1, "Descending": 2}


def layout(report: Report) -> dict[str, Any]:
    """The whole report."""
    file = report.file
    theme = file.theme_collection.custom_theme
    config = {
        "version": VERSION,
        "themeCollection": {
            "customTheme": {"name": theme.name, "version": VERSION, "type": REGISTERED}
        },
        "activeSectionIndex": report.order.page_order.index(report.order.active_page_name),
        "settings": file.settings,
    }
    packages = [
        {
            "name": package.name,
            "type": REGISTERED,
            "items": [{"type": THEME_FILE, "path": i.path, "name": i.name} for i in package.items],
            "disabled": False,
        }
        for package in file.resource_packages
    ]
    return {
        "id": 0,
        "resourcePackages": [{"resourcePackage": package} for package in packages],
        "sections": [_section(*each) for each in enumerate(report.pages)],
        "config": compact(config),
        "layoutOptimization": 0,
    }


def _section(ordinal: int, page: Page) -> dict[str, Any]:
    file = page.page
    return {
        "name": file.name,
        "displayName": file.display_name,
        "filters": "[]",
        "ordinal": ordinal,
        "visualContainers": [_container(visual) for visual in page.visuals.values()],
        "config": compact({"objects": file.objects}),
        "displayOption": FIT_TO_PAGE,
        "width": file.width,
        "height": file.height,
    }


def _container(container: Container) -> dict[str, Any]:
    position = container.position.model_dump(by_alias=True)
    filters = container.filter_config.filters if container.filter_config else []
    config = {
        "name": container.name,
        "layouts": [{"id": 0, "position": position}],
        "singleVisual": _visual(container),
    }
    return {
        **position,
        "config": compact(config),
        "filters": compact([_filter(each) for each in filters]),
    }


def _visual(container: Container) -> dict[str, Any]:
    visual = container.visual
    return {
        "visualType": visual.visual_type,
        **(_query(visual.query) if visual.query else {}),
        "drillFilterOtherVisuals": visual.drill_filter_other_visuals,
        **({"syncGroup": visual.sync_group} if visual.sync_group else {}),
        "objects": visual.objects,
        "vcObjects": visual.visual_container_objects,
    }


def _query(query: Query) -> dict[str, Any]:
    roles = query.query_state.items()
    shown = [projection for _, role in roles for projection in role.projections]
    titles = {p.query_ref: {"displayName": p.display_name} for p in shown if p.display_name}
    return {
        "projections": {
            name: [
                {"queryRef": p.query_ref, **({"active": True} if p.active else {})}
                for p in role.projections
            ]
            for name, role in roles
        },
        "prototypeQuery": _prototype(query),
        **({"columnProperties": titles} if titles else {}),
    }


def _prototype(query: Query) -> dict[str, Any]:
    """The query with short names. Power BI wants columns before measures."""
    shown = [p.field for role in query.query_state.values() for p in role.projections]
    shown.sort(key=lambda field: field.measure is not None)
    sorts = query.sort_definition.sort if query.sort_definition else []
    tables = _short_names([field.parts[1] for field in (*shown, *(s.field for s in sorts))])
    order = [
        {"Direction": DIRECTIONS[sort.direction], "Expression": _expression(sort.field, tables)}
        for sort in sorts
    ]
    return {
        "Version": QUERY,
        "From": [{"Name": name, "Entity": table, "Type": 0} for table, name in tables.items()],
        "Select": [
            {**_expression(field, tables), "Name": ".".join(field.parts[1:])} for field in shown
        ],
        **({"OrderBy": order} if order else {}),
    }


def _short_names(tables: Sequence[str]) -> dict[str, str]:
    return {table: f"t{index}" for index, table in enumerate(dict.fromkeys(tables))}


def _expression(field: Reference, tables: dict[str, str]) -> dict[str, Any]:
    kind, table, name = field.parts
    source = {"SourceRef": {"Source": tables[table]}}
    return {kind: {"Expression": source, "Property": name}}


def _filter(one: Filter) -> dict[str, Any]:
    return {
        "name": one.name,
        "expression": one.field.model_dump(by_alias=True, exclude_none=True),
        "filter": one.filter,
        "type": one.type,
        "howCreated": 1,
    }
