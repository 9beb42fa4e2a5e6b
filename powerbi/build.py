"""Checks the files of powerbi/, writes the measures into them, and makes the template of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pipeline import textfile
from pipeline.errors import Mistake, SpecError
from pipeline.repository import dashboards
from powerbi import measures, modelchecks, pbit, reportchecks
from powerbi import model as models
from powerbi import report as reports
from powerbi.model import Model
from powerbi.report import Report

MODEL = Path("powerbi") / "hospital.SemanticModel" / "definition"
REPORT = Path("powerbi") / "hospital.Report" / "definition"
TEMPLATE = Path("powerbi_dashboard.pbit")


@dataclass(frozen=True)
class Project:
    """What powerbi/ says, with nothing wrong in it."""

    model: Model
    report: Report

    @property
    def template(self) -> bytes:
        """What the template must be."""
        return pbit.template(self.model, self.report)


def load(root: Path) -> Project:
    """Reads the files and checks them.

    Raises:
        SpecError: they have mistakes.
    """
    model, report = models.load(root / MODEL), reports.load(root / REPORT)
    _refuse([*modelchecks.check(model), *reportchecks.check(report, model)])
    return Project(model, report)


def build(root: Path) -> Iterator[Path]:
    """Writes what follows from other files: measures, and the template. Yields what it changed.

    Raises:
        SpecError: the files have mistakes.
    """
    file, metrics = root / dashboards.METRICS, dashboards.metrics(root)
    model = models.load(root / MODEL)
    _refuse([*modelchecks.check(model), *modelchecks.check_dax(file, metrics, model)])
    for table, text in measures.written(model, metrics, file).items():
        if text != textfile.read(table.file):
            table.file.write_text(text, encoding="utf-8")
            yield table.file
    made, template = load(root).template, root / TEMPLATE
    if not template.is_file() or template.read_bytes() != made:
        template.write_bytes(made)
        yield template


def _refuse(mistakes: list[Mistake]) -> None:
    if mistakes:
        raise SpecError(tuple(mistakes))
