"""Checks of the model that Power BI makes only when it opens it, or not at all."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

from pipeline.errors import Mistake
from pipeline.repository import yamlfile
from pipeline.repository.dashboards import Metric
from pipeline.suggest import did_you_mean
from powerbi import dax
from powerbi import model as models
from powerbi.model import Model
from powerbi.tmdl import Node, split


def check(model: Model) -> Iterator[Mistake]:
    """What in the model's files does not fit together."""
    yield from _files(model)
    for table in model.tables.values():
        yield from _table(table)
    yield from _measure_names(model)
    for relationship in model.relationships:
        yield from _relationship(model, relationship)
    yield from _paths(model)


def check_dax(file: Path, metrics: Mapping[str, Metric], model: Model) -> Iterator[Mistake]:
    """What the DAX of a metric names and the model does not have."""
    for name, metric in metrics.items():
        for message in dax.mistakes(metric.dax, model):
            yield yamlfile.mistake(file, f"{name}.dax", message)


def _files(model: Model) -> Iterator[Mistake]:
    """A table has a file of its own, and its place in the list of model.tmdl."""
    listed = {reference.name: reference for reference in model.model.references}
    for name, reference in listed.items():
        if name not in model.tables:
            hint = did_you_mean(name, model.tables)
            yield reference.mistake(f"there is no table {name}{hint}")
    for name, table in model.tables.items():
        if name not in listed:
            message = f"model.tmdl does not list it: add `ref table` with {name} there"
            yield table.mistake(message)
        if table.file.stem != name:
            yield table.mistake(f"the file of the table {name} must be {name}.tmdl")


def _table(table: Node) -> Iterator[Mistake]:
    if models.view(table) is None or len(table.of("partition")) != 1:
        yield table.mistake(
            f'{table.name} needs one partition, that reads [Schema = "bi", Item = "<view>"]'
        )
    columns = {column.name: column for column in table.of("column")}
    for column in columns.values():
        other = column.properties.get("sortByColumn")
        if other and other not in columns:
            message = f"there is no column {other} to sort by{did_you_mean(other, columns)}"
            yield column.mistake(message, "sortByColumn")
    if "dataCategory" in table.properties and not any(map(_is_date_key, columns.values())):
        yield table.mistake("a calendar needs a dateTime column with isKey", "dataCategory")


def _is_date_key(column: Node) -> bool:
    properties = column.properties
    return properties.get("isKey") == "true" and properties["dataType"] == "dateTime"


def _measure_names(model: Model) -> Iterator[Mistake]:
    """Power BI tells names apart without regard to capitals."""
    first: dict[str, Node] = {}
    for table, measure in model.measures:
        name = measure.name.casefold()
        if any(column.name.casefold() == name for column in table.of("column")):
            yield measure.mistake(
                f"{table.name} has a column with the name of the measure {measure.name}:"
                " move the measure to another table"
            )
        if name in first:
            place = f"{first[name].file.name}:{first[name].line}"
            yield measure.mistake(f"there is a measure {measure.name} in {place} already")
        first.setdefault(name, measure)


def _relationship(model: Model, node: Node) -> Iterator[Mistake]:
    ends = [_end(model, node.properties[key]) for key in ("fromColumn", "toColumn")]
    for key, end in zip(("fromColumn", "toColumn"), ends, strict=True):
        if isinstance(end, str):
            yield node.mistake(end, key)
    many, one = ends
    if isinstance(many, str) or isinstance(one, str):
        return
    if one.properties.get("isKey") != "true":
        yield node.mistake(f"{node.properties['toColumn']} needs isKey", "toColumn")
    types = [column.properties["dataType"] for column in (many, one)]
    if len(set(types)) > 1:
        yield node.mistake(f"its columns differ: {types[0]} and {types[1]}")


def _end(model: Model, reference: str) -> Node | str:
    """The column at an end of a relationship, or what is wrong with it."""
    parts = split(reference)
    if parts is None:
        return f"{reference} is no Table.column"
    table, name = parts
    if table not in model.tables:
        return f"there is no table {table}{did_you_mean(table, model.tables)}"
    columns = {column.name: column for column in model.tables[table].of("column")}
    hint = did_you_mean(name, columns)
    return columns.get(name, f"{table} has no column {name}{hint}")


def _paths(model: Model) -> Iterator[Mistake]:
    """A filter must reach a table on one way only: Power BI refuses the relationship otherwise."""
    ways: dict[str, list[tuple[str, Node]]] = defaultdict(list)
    for node in model.relationships:
        many, one = (split(node.properties[key]) for key in ("fromColumn", "toColumn"))
        if many and one and node.properties.get("isActive") != "false":
            ways[many[0]].append((one[0], node))
    for start in list(ways):
        reached: dict[str, int] = defaultdict(int)
        for end, node in _reached(start, ways, frozenset({start})):
            reached[end] += 1
            if reached[end] == 2:
                message = f"{start} has two ways to {end}: make one `isActive: false`"
                yield node.mistake(message)


def _reached(
    start: str, ways: Mapping[str, list[tuple[str, Node]]], passed: frozenset[str]
) -> Iterator[tuple[str, Node]]:
    for end, node in ways.get(start, ()):
        if end not in passed:
            yield end, node
            yield from _reached(end, ways, passed | {end})
