"""The models of metrics.yaml and of dashboard/*.yaml."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, field_validator, model_validator

from pipeline import textfile
from pipeline.errors import Mistake, SpecError
from pipeline.repository import yamlfile
from pipeline.suggest import did_you_mean

METRICS = Path("metrics.yaml")
FOLDER = Path("dashboard")
# What `by` says for the column `time` of the metric.
TIME = "time"
# A tile's query has this where the conditions of the page's filters go.
FILTERS = "{filters}"
# What each chart can show.
SOURCES: Mapping[str, tuple[str, ...]] = {
    "number": ("metric", "query"),
    "bars": ("metric", "query", "state"),
    "line": ("metric", "query"),
    "columns": ("metric", "query"),
    "histogram": ("query",),
    "table": ("query", "state"),
}
# Parameters of queries and addresses that are no filters.
PERIOD = frozenset({"from", "to", "now", "step", "period"})
NAME = r"^[a-z][a-z0-9_]*$"
PARAMETER = re.compile(r"%\((\w+)\)s")
Name = Annotated[str, Field(pattern=NAME)]


def _with_filters(query: str) -> str:
    if query.replace(FILTERS, "").count("{") or "}" in query.replace(FILTERS, ""):
        raise ValueError(f"has a brace that is none of {FILTERS}")
    return query


Query = Annotated[str, AfterValidator(_with_filters)]


class Metric(yamlfile.Model):
    """A number that dashboards show."""

    title: str
    meaning: str = Field(description="One sentence for people who see the number.")
    unit: str = Field(description="What is counted, or `%` or `hours`.")
    view: Name = Field(description="View of the schema bi, whose rows the metric is of.")
    time: Name | None = Field(
        None, description="Column of the view that the period is of; none: a metric of now."
    )
    where: str | None = Field(None, description="SQL condition on the rows.")
    sql: str = Field(description="SQL aggregate over the rows.")
    dax: str = Field(description="The same as a measure of powerbi/.")
    decimals: Annotated[int, Field(ge=0, le=6)] = 0


class Filter(yamlfile.Model):
    """A filter of a page. It applies to the tiles whose view has its column."""

    name: Name = Field(description="Parameter of the page's URL.")
    title: str
    column: Name
    options: str = Field(description="SQL query of one column: the values to choose from.")


class Tile(yamlfile.Model):
    """A part of a page. It shows a metric, a query, or what the services say of themselves."""

    title: str
    chart: Literal["number", "bars", "line", "columns", "histogram", "table"]
    metric: Name | None = Field(None, description="Metric of metrics.yaml.")
    query: Query | None = Field(
        None,
        description="SQL over the schema bi. `{filters}` stands for the conditions of the page's"
        " filters and of the period; `%(from)s` and `%(to)s` are the period.",
    )
    state: Literal["stages", "consumers", "connectors", "queries", "dead_letters"] | None = Field(
        None, description="What Kafka, Connect and the engine say."
    )
    view: Name | None = Field(None, description="View of a query, whose columns are filtered.")
    time: Name | None = Field(None, description="Column of that view that the period is of.")
    by: Name | None = Field(
        None, description="Column whose values are told apart, or `time`: hours, days or weeks."
    )
    label: Name | None = Field(None, description="Column that is shown beside that of `by`.")
    split: Name | None = Field(None, description="Column whose values are series of their own.")
    sets: Name | None = Field(None, description="Filter that a click on a value sets.")
    compare: Literal["usual"] | None = Field(
        None, description="`usual`: the last 24 hours, with those of each of the 28 days before."
    )
    limit: Annotated[int, Field(ge=1, le=500)] = 12
    width: Annotated[int, Field(ge=3, le=12)] | None = Field(
        None, description="Columns of 12. A number has 3 if not said, everything else 4."
    )
    empty: str = Field(
        "Nothing in this period with these filters.", description="What is said without rows."
    )
    note: str = Field("", description="A sentence under the title.")

    @property
    def columns(self) -> int:
        """How wide it is, in columns of 12."""
        return self.width or (3 if self.chart == "number" else 4)

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        given = [name for name in ("metric", "query", "state") if getattr(self, name)]
        if len(given) != 1:
            raise ValueError("needs one of metric, query and state")
        (source,) = given
        if source not in SOURCES[self.chart]:
            raise ValueError(f"{self.chart} shows a {' or a '.join(SOURCES[self.chart])}")
        if self.query and FILTERS in self.query and not self.view:
            raise ValueError("its query has {filters}: `view` says what they are of")
        if self.compare and not (self.metric and self.chart == "number"):
            raise ValueError("`compare` is of a number that shows a metric")
        if self.metric and self.chart != "number" and not self.by:
            raise ValueError(f"{self.chart} of a metric need `by`")
        if self.metric and (self.chart == "line") is not (self.by == TIME):
            raise ValueError("a line is by `time`, and nothing else is")
        return self


class Page(yamlfile.Model):
    """A page of the dashboard."""

    title: str
    order: int = Field(description="Place among the pages.")
    clock: Literal["hospital", "real"] = Field(
        "hospital",
        description="Whose now a period ends at: the newest admission's, or the server's.",
    )
    filters: list[Filter] = Field(default_factory=list)
    tiles: list[Tile]

    @field_validator("filters")
    @classmethod
    def _named_apart(cls, filters: list[Filter]) -> list[Filter]:
        names = [one.name for one in filters]
        taken = [name for index, name in enumerate(names) if name in {*names[:index], *PERIOD}]
        if taken:
            raise ValueError(f"the name {taken[0]} is taken: call the filter otherwise")
        return filters


def metrics(root: Path) -> Mapping[str, Metric]:
    """The metrics by name; none if there is no metrics.yaml.

    Raises:
        SpecError: the file has mistakes.
    """
    file = root / METRICS
    loaded: dict[str, Metric] = (
        yamlfile.load(file, dict[Name, Metric]) if textfile.exists(file) else {}
    )
    return loaded


def pages(root: Path) -> Mapping[Path, Page]:
    """The pages by file, in their order.

    Raises:
        SpecError: a file has mistakes, or names what is not there.
    """
    known = metrics(root)
    files = [path for path in textfile.entries(root / FOLDER) if path.suffix == ".yaml"]
    loaded: dict[Path, Page] = {file: yamlfile.load(file, Page) for file in files}
    mistakes = [mistake for file, page in loaded.items() for mistake in _names(file, page, known)]
    if mistakes:
        raise SpecError(tuple(mistakes))
    return dict(sorted(loaded.items(), key=lambda item: (item[1].order, item[0])))


def _names(file: Path, page: Page, known: Mapping[str, Metric]) -> list[Mistake]:
    """Metrics, filters and parameters that a page names and that do not exist."""
    filters = {one.name for one in page.filters}
    parameters = {*filters, *PERIOD} - {"period"}
    mistakes = []
    for index, tile in enumerate(page.tiles):
        place = f"tiles.{index}"
        used = PARAMETER.findall(tile.query or "")
        named = [
            (f"{place}.metric", "metric", [tile.metric] if tile.metric else [], known.keys()),
            (f"{place}.sets", "filter", [tile.sets] if tile.sets else [], filters),
            (f"{place}.query", "parameter", used, parameters),
        ]
        for key, kind, names, among in named:
            for name in names:
                if name not in among:
                    message = f"there is no {kind} {name}{did_you_mean(name, among)}"
                    mistakes.append(yamlfile.mistake(file, key, message))
        metric = known.get(tile.metric or "")
        if metric and not metric.time and (tile.compare or tile.by == TIME):
            message = f"{tile.metric} has no `time` in {METRICS}: it is of now"
            mistakes.append(yamlfile.mistake(file, f"{place}.metric", message))
    return mistakes
