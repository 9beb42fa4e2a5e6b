"""The report: what the JSON files of its definition (PBIR) say, each with its file."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel, to_pascal

from pipeline.errors import Mistake, SpecError
from pipeline.repository import yamlfile

Number = int | float
# A letter more or less, and Power BI Desktop passes over the folder without a word.
Id = Annotated[str, Field(pattern=r"^[0-9a-f]{20}$")]
Objects = dict[str, list[dict[str, Any]]]


class Camel(yamlfile.Model):
    """Keys are written likeThis."""

    model_config = ConfigDict(alias_generator=to_camel)


class Versioned(Camel):
    """A file, whose first key says which schema of Microsoft's it follows."""

    schema_: str = Field(
        alias="$schema", pattern=r"^https://developer\.microsoft\.com/json-schemas/"
    )


class Pascal(yamlfile.Model):
    """Keys are written LikeThis."""

    model_config = ConfigDict(alias_generator=to_pascal)


class Entity(Pascal):
    """A table."""

    entity: str


class SourceRef(Pascal):
    """Where a field is."""

    source_ref: Entity


class Property(Pascal):
    """A column or a measure."""

    expression: SourceRef
    property: str


class Reference(Pascal):
    """A field of the model: one of both."""

    column: Property | None = None
    measure: Property | None = None

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if (self.column is None) == (self.measure is None):
            raise ValueError("needs one of Column and Measure")
        return self

    @property
    def parts(self) -> tuple[str, str, str]:
        """`Column` or `Measure`, the table, and the name."""
        kind, found = ("Column", self.column) if self.column else ("Measure", self.measure)
        assert found  # noqa: S101  # the validator says so
        return kind, found.expression.source_ref.entity, found.property


class Projection(Camel):
    """A field in a role of a visual."""

    field: Reference
    query_ref: str
    native_query_ref: str
    display_name: str | None = None
    active: bool | None = None


class Role(Camel):
    """The fields of a role."""

    projections: list[Projection]


class Sort(Camel):
    """What a visual is sorted by."""

    field: Reference
    direction: Literal["Ascending", "Descending"]


class Sorts(Camel):
    """The order of a visual."""

    sort: list[Sort]
    is_default_sort: bool = False


class Query(Camel):
    """What a visual shows."""

    query_state: dict[str, Role]
    sort_definition: Sorts | None = None


class Filter(Camel):
    """A filter of a visual. Within `filter`, tables have short names."""

    name: str
    field: Reference
    type: Literal["Advanced", "Categorical"]
    filter: dict[str, Any]


class Filters(Camel):
    """The filters of a visual."""

    filters: list[Filter]


class Visual(Camel):
    """What stands in a container: its kind, its fields, how it looks."""

    visual_type: str
    query: Query | None = None
    objects: Objects = Field(default_factory=dict)
    visual_container_objects: Objects
    sync_group: dict[str, Any] | None = None
    drill_filter_other_visuals: bool = True


class Position(Camel):
    """Where it stands on the page, and when the tabulator reaches it."""

    x: Number
    y: Number
    z: Number
    height: Number
    width: Number
    tab_order: int


class Container(Versioned):
    """A visual.json."""

    name: Id
    position: Position
    visual: Visual
    filter_config: Filters | None = None


class PageFile(Versioned):
    """A page.json."""

    name: Id
    display_name: str
    display_option: Literal["FitToPage"]
    height: Number
    width: Number
    objects: Objects = Field(default_factory=dict)


class Order(Versioned):
    """The pages.json."""

    page_order: list[Id]
    active_page_name: Id


class Theme(Camel):
    """A theme that the report uses."""

    name: str
    report_version_at_import: dict[str, str]
    type: Literal["RegisteredResources"]


class Themes(Camel):
    """The theme of the report."""

    custom_theme: Theme


class Item(Camel):
    """A file that comes with the report."""

    name: str
    path: str
    type: Literal["CustomTheme"]


class Package(Camel):
    """Files that come with the report."""

    name: Literal["RegisteredResources"]
    type: Literal["RegisteredResources"]
    items: list[Item]


class ReportFile(Versioned):
    """The report.json."""

    theme_collection: Themes
    resource_packages: list[Package]
    settings: dict[str, Any]


@dataclass(frozen=True)
class Page:
    """A page, with the visuals by their file, in the order of the tabulator."""

    file: Path
    page: PageFile
    visuals: Mapping[Path, Container]


@dataclass(frozen=True)
class Report:
    """The report: its pages in their order."""

    folder: Path
    file: ReportFile
    order: Order
    pages: tuple[Page, ...]

    @property
    def visuals(self) -> Iterator[tuple[Path, Container]]:
        """Each visual with its file."""
        for page in self.pages:
            yield from page.visuals.items()

    @property
    def themes(self) -> Mapping[str, Path]:
        """The files that come with the report, by their paths within its resources."""
        folder = self.folder.parent / "StaticResources" / "RegisteredResources"
        items = [item for package in self.file.resource_packages for item in package.items]
        return {item.path: folder / item.path for item in items}


def load(folder: Path) -> Report:
    """Reads the report in the folder `definition`.

    Raises:
        SpecError: a file cannot be read, or a key of it is wrong; or pages and files differ.
    """
    order: Order = yamlfile.load(folder / "pages" / "pages.json", Order)
    report: ReportFile = yamlfile.load(folder / "report.json", ReportFile)
    mistakes = [*_folders(folder / "pages", order)]
    if mistakes:
        raise SpecError(tuple(mistakes))
    pages = tuple(_page(folder / "pages" / name) for name in order.page_order)
    return Report(folder, report, order, pages)


def _page(folder: Path) -> Page:
    page: PageFile = yamlfile.load(folder / "page.json", PageFile)
    files = sorted(folder.glob("visuals/*/visual.json"))
    loaded: dict[Path, Container] = {file: yamlfile.load(file, Container) for file in files}
    named = [(folder / "page.json", page.name), *((f, v.name) for f, v in loaded.items())]
    mistakes = tuple(
        yamlfile.mistake(file, "name", "is not the name of its folder")
        for file, name in named
        if file.parent.name != name
    )
    if mistakes:
        raise SpecError(mistakes)
    visuals = sorted(loaded.items(), key=lambda each: each[1].position.tab_order)
    return Page(folder / "page.json", page, dict(visuals))


def _folders(folder: Path, order: Order) -> Iterator[Mistake]:
    """Every page that is named has a folder, and every folder is named."""
    file = folder / "pages.json"
    found = {path.name for path in folder.iterdir() if path.is_dir()}
    for index, name in enumerate(order.page_order):
        if name not in found:
            yield yamlfile.mistake(file, f"pageOrder.{index}", f"there is no folder {name}")
    for name in sorted(found - set(order.page_order)):
        yield Mistake(folder / name, None, "", "pages.json does not name it in pageOrder")
    if order.active_page_name not in order.page_order:
        yield yamlfile.mistake(file, "activePageName", "is not in pageOrder")
