"""Checks from end to end what dashboards read: the schemas give what the views select, the views
what metrics.yaml, dashboard/ and powerbi/ name."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from sqlglot.errors import SqlglotError

from pipeline import textfile
from pipeline.errors import Mistake
from pipeline.repository import dashboards, tmdl, yamlfile
from pipeline.repository.dashboards import FILTERS, TIME, Metric, Page, Tile
from pipeline.repository.project import SCRIPT, Project
from pipeline.sql import views
from pipeline.sql.columns import columns_of
from pipeline.sql.views import Relations
from pipeline.suggest import did_you_mean

SCHEMA = "bi"


def check(project: Project) -> Iterator[Mistake]:
    """Names of views, metrics, tiles and of the Power BI model that nothing gives.

    Raises:
        SpecError: a file of them cannot be read.
    """
    script = project.root / SCRIPT
    if not textfile.exists(script):
        return
    found = views.read(textfile.read(script), _tables(project))
    for missing in found.missing:
        yield Mistake(script, missing.line, "", missing.message)
    # Dashboards read nothing else.
    own = {name: found.relations[name] for name in found.relations if name.startswith(f"{SCHEMA}.")}
    metrics = dashboards.metrics(project.root)
    for name, metric in metrics.items():
        yield from _metric(project.root, name, metric, own)
    for file, page in dashboards.pages(project.root).items():
        yield from _page(file, page, metrics, own)
    for table in tmdl.tables(project.root):
        yield from _table(table, own)


def _tables(project: Project) -> Relations:
    by_name = {name: columns_of(project.schemas_of(name)) for name in project.tables}
    return {name: tuple(column.name for column in columns) for name, columns in by_name.items()}


def _metric(root: Path, name: str, metric: Metric, relations: Relations) -> Iterator[Mistake]:
    file = root / dashboards.METRICS
    for key in ("sql", "where"):
        expression = getattr(metric, key)
        if expression:
            sql = f"SELECT {expression} FROM {SCHEMA}.{metric.view}"  # noqa: S608  # only read
            yield from _sql(file, f"{name}.{key}", sql, relations)
    yield from _columns(file, name, metric.view, {"time": metric.time}, relations)


def _page(
    file: Path, page: Page, metrics: Mapping[str, Metric], relations: Relations
) -> Iterator[Mistake]:
    for index, one in enumerate(page.filters):
        key = f"filters.{index}"
        yield from _sql(file, f"{key}.options", one.options, relations)
        views = {metrics[t.metric].view if t.metric else t.view for t in page.tiles}
        if not any(one.column in relations.get(f"{SCHEMA}.{view}", ()) for view in views):
            message = f"no tile's view has a column {one.column}: it would filter nothing"
            yield _mistake(file, f"{key}.column", message)
    for index, tile in enumerate(page.tiles):
        key = f"tiles.{index}"
        if tile.query:
            yield from _sql(file, f"{key}.query", _plain(tile.query), relations)
        view = metrics[tile.metric].view if tile.metric else tile.view
        if view:
            yield from _columns(file, key, view, _named(tile), relations)


def _plain(query: str) -> str:
    """A tile's query without what the dashboard puts into it."""
    return dashboards.PARAMETER.sub("NULL", query.replace(FILTERS, "true"))


def _named(tile: Tile) -> dict[str, str | None]:
    by = None if tile.by == TIME else tile.by
    return {"by": by, "label": tile.label, "split": tile.split, "time": tile.time}


def _columns(
    file: Path, key: str, view: str, named: Mapping[str, str | None], relations: Relations
) -> Iterator[Mistake]:
    """The view exists, and has the columns that are named."""
    full = f"{SCHEMA}.{view}"
    if full not in relations:
        bare = [name.removeprefix(f"{SCHEMA}.") for name in relations]
        message = f"{SCRIPT} makes no view {full}{did_you_mean(view, bare)}"
        yield _mistake(file, f"{key}.view", message)
        return
    for name, column in named.items():
        if column and column not in relations[full]:
            hint = did_you_mean(column, relations[full])
            yield _mistake(file, f"{key}.{name}", f"{full} has no column {column}{hint}")


def _sql(file: Path, key: str, sql: str, relations: Relations) -> Iterator[Mistake]:
    try:
        _, missing = views.query(sql, relations)
    except SqlglotError as error:
        yield _mistake(file, key, f"is no SQL: {str(error).splitlines()[0]}")
        return
    for one in missing:
        yield _mistake(file, key, one.message)


def _table(table: tmdl.Table, relations: Relations) -> Iterator[Mistake]:
    """The view of a table of the Power BI model exists, and has its columns."""
    full = f"{table.schema}.{table.view}"
    if full not in relations:
        message = f"{SCRIPT} makes no view {full}{did_you_mean(full, relations)}"
        yield Mistake(table.file, table.line, "", message)
        return
    for column, line in table.columns.items():
        if column not in relations[full]:
            hint = did_you_mean(column, relations[full])
            yield Mistake(table.file, line, "", f"{full} has no column {column}{hint}")


def _mistake(file: Path, key: str, message: str) -> Mistake:
    line = yamlfile.line_of(file, key) or yamlfile.line_of(file, key.rpartition(".")[0])
    return Mistake(file, line, key, message)
