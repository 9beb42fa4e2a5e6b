"""Writes the measures into the files of the tables, as metrics.yaml has them.

A measure stays in the table where it stands; a new one goes to the table that reads the view of its
metric. Of a file, only the lines of its measures are written; the rest is by hand.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from pipeline import textfile
from pipeline.errors import Mistake, SpecError
from pipeline.repository import yamlfile
from pipeline.repository.dashboards import METRICS, Metric
from powerbi import model as models
from powerbi.model import Model
from powerbi.tmdl import DESCRIPTION, Node, quoted

# What stands behind the number, by the unit of its metric.
SUFFIXES = {"%": r"\%", "hours": r"\ \h"}


def written(model: Model, metrics: Mapping[str, Metric], file: Path) -> Mapping[Node, str]:
    """The text of each table's file, with its measures as they must be.

    `file` is that of the metrics, for messages.

    Raises:
        SpecError: a measure is in no metric, or a metric has no table.
    """
    homes = {measure.name: table.name for table, measure in model.measures}
    by_view = {models.view(table): table.name for table in model.tables.values()}
    titles = {metric.title for metric in metrics.values()}
    mistakes = [*_of_nobody(model, titles), *_homeless(file, metrics, homes, by_view)]
    if mistakes:
        raise SpecError(tuple(mistakes))
    placed = [(homes.get(m.title) or by_view[m.view], m) for m in metrics.values()]
    return {
        table: _text(table, [metric for home, metric in placed if home == name])
        for name, table in model.tables.items()
    }


def _of_nobody(model: Model, titles: set[str]) -> Iterator[Mistake]:
    for _, measure in model.measures:
        if measure.name not in titles:
            yield measure.mistake(
                f"no metric of {METRICS} has the title {measure.name}: add it there, or delete"
                " the measure here"
            )


def _homeless(
    file: Path,
    metrics: Mapping[str, Metric],
    homes: Mapping[str, str],
    by_view: Mapping[str | None, str],
) -> Iterator[Mistake]:
    for name, metric in metrics.items():
        if metric.title not in homes and metric.view not in by_view:
            message = f"no table of the Power BI model reads bi.{metric.view}: add one"
            yield yamlfile.mistake(file, f"{name}.view", message)


def _text(table: Node, metrics: list[Metric]) -> str:
    """The file of a table: what stands above its first child, its measures, the other children."""
    lines = textfile.read(table.file).splitlines()
    starts = [_begin(lines, child) for child in table.children]
    head = lines[: min(starts, default=table.end - 1)]
    others = [
        "\n".join(lines[start : child.end - 1])
        for start, child in zip(starts, table.children, strict=True)
        if child.kind != "measure"
    ]
    blocks = ["\n".join(head).rstrip(), *map(measure, metrics), *others]
    return "\n\n".join(blocks) + "\n"


def _begin(lines: list[str], child: Node) -> int:
    """Where a child begins, with its description."""
    start = child.line - 1
    while lines[start - 1].strip().startswith(DESCRIPTION):
        start -= 1
    return start


def measure(metric: Metric) -> str:
    """A measure in TMDL."""
    name, dax = quoted(metric.title), metric.dax.strip()
    is_long = "\n" in dax
    body = (
        "".join(f"\n\t\t\t{line}".rstrip() for line in dax.splitlines()) if is_long else f" {dax}"
    )
    return (
        f"\t{DESCRIPTION} {metric.meaning}\n\tmeasure {name} ={body}"
        f"\n\t\tformatString: {number_format(metric)}"
    )


def number_format(metric: Metric) -> str:
    """How Power BI shows the number."""
    fraction = "." + "0" * metric.decimals if metric.decimals else ""
    return f"#,0{fraction}{SUFFIXES.get(metric.unit, '')}"
