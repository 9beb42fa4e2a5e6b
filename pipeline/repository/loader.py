"""Reads and checks the repository: first each file, then all together. Needs no service."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import reduce
from operator import or_
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import Field

from pipeline import textfile
from pipeline.errors import Mistake, SpecError
from pipeline.repository import checks, overlay, reporting, rules, schemas, templates, yamlfile
from pipeline.repository.project import Project
from pipeline.repository.rules import Rules
from pipeline.repository.source import SINKS, Source
from pipeline.repository.specs import PlainSpec, Spec, TopicsFile
from pipeline.repository.target import Target
from pipeline.repository.templates import Template
from pipeline.sql import reader
from pipeline.sql.flink.translate import analyse
from pipeline.suggest import did_you_mean

T = TypeVar("T")
CONNECTORS = "connectors"
KINDS = ("sources", SINKS)


def load(root: Path, target: Target | None = None) -> Project:
    """Reads topics.yaml, schemas/, connectors/, ksql/ and spark/rules.yaml.

    Checks db_setup.sql, metrics.yaml, dashboard/ and powerbi/ with them. What a target overrides is
    as it says.

    Raises:
        SpecError: with every mistake in every file.
    """
    project = _loaded(root)
    return overlay.applied(project, target) if target else project


def _loaded(root: Path) -> Project:
    mistakes: list[Mistake] = []
    topics = _collect(mistakes, yamlfile.load, root / "topics.yaml", TopicsFile)
    avro_schemas = _collect(mistakes, schemas.load, root / schemas.FOLDER) or {}
    by_name = _collect(mistakes, templates.load, root)
    # Without templates, every spec would have an unknown one.
    connectors = () if by_name is None else _connectors(root, by_name, mistakes)
    statements = _collect(mistakes, reader.load, root / "ksql")
    cleansing = _collect(mistakes, _rules, root)
    if mistakes or topics is None or statements is None:
        raise SpecError(tuple(mistakes))
    analysis = analyse(statements, avro_schemas)
    all_schemas = {**avro_schemas, **analysis.schemas}
    project = Project(root, topics, all_schemas, connectors, analysis, cleansing)
    mistakes += yamlfile.few(root, checks.check(project))
    if not mistakes:
        mistakes += _collect(mistakes, lambda: yamlfile.few(root, reporting.check(project))) or ()
    if mistakes:
        raise SpecError(tuple(mistakes))
    return project


def spec_model(kinds: Iterable[Template]) -> Any:
    """A type for pydantic: the union of the specs of all templates."""
    models: list[type[Spec]] = [*(template.model for template in kinds), PlainSpec]
    return Annotated[reduce(or_, models), Field(discriminator="template")]


def _connectors(
    root: Path, by_name: Mapping[str, Template], mistakes: list[Mistake]
) -> tuple[Source, ...]:
    model = spec_model(by_name.values())
    mistakes += _elsewhere(root / CONNECTORS)
    files: list[Path] = []
    for folder in KINDS:
        of_folder, unread = textfile.listed(root / CONNECTORS / folder, ".yaml")
        files += of_folder
        mistakes += unread
    return tuple(
        Source(file, spec, by_name.get(spec.template))
        for file in files
        if (spec := _collect(mistakes, yamlfile.load, file, model)) is not None
    )


def _elsewhere(folder: Path) -> Iterator[Mistake]:
    """What lies beside the folders of connectors, and is never read."""
    for path in textfile.entries(folder):
        if path.name not in {*KINDS, templates.FOLDER.name}:
            places = " and ".join(f"{folder}/{kind}/" for kind in KINDS)
            hint = did_you_mean(path.name, KINDS)
            yield Mistake(path, None, "", f"is not read: connectors are in {places}{hint}")


def _rules(root: Path) -> Rules | None:
    file = root / rules.FILE
    return rules.load(file) if textfile.exists(file) else None


def _collect(mistakes: list[Mistake], read: Callable[..., T], *args: object) -> T | None:
    try:
        return read(*args)
    except SpecError as error:
        mistakes.extend(error.mistakes)
        return None
