"""Reads the repository: every file by itself, then whether all fit together. No network."""

import json
from collections.abc import Callable, Iterable, Mapping
from functools import reduce
from operator import or_
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import Field

from pipeline import schemas
from pipeline.errors import Mistake, SpecError
from pipeline.repository import checks, rules, templates, yamlfile
from pipeline.repository.project import Project
from pipeline.repository.rules import Rules
from pipeline.repository.source import Source
from pipeline.repository.specs import PlainSpec, Spec, TopicsFile
from pipeline.repository.templates import Template
from pipeline.schemas import Schema
from pipeline.sql import reader
from pipeline.sql.flink.translate import analyse

T = TypeVar("T")


def load(root: Path) -> Project:
    """Reads topics.yaml, schemas/, connectors/, ksql/ and spark/rules.yaml.

    Raises:
        SpecError: with every mistake in every file.
    """
    mistakes: list[Mistake] = []
    topics = _collect(mistakes, yamlfile.load, root / "topics.yaml", TopicsFile)
    written = {
        file.stem: schema
        for file in sorted((root / "schemas").glob("*.avsc"))
        if (schema := _collect(mistakes, _read_schema, file)) is not None
    }
    kinds = _collect(mistakes, templates.load, root) or {}
    connectors = _connectors(root, kinds, mistakes)
    statements = _collect(mistakes, reader.load, root / "ksql")
    found = _collect(mistakes, _rules, root)
    if mistakes or topics is None or statements is None:
        raise SpecError(tuple(mistakes))
    analysis = analyse(statements, written)
    all_schemas = {**written, **analysis.schemas}
    project = Project(root, topics, all_schemas, kinds, connectors, analysis, found)
    mistakes += checks.check(project)
    if mistakes:
        raise SpecError(tuple(mistakes))
    return project


def spec_model(kinds: Iterable[Template]) -> Any:
    """A connector spec of any template, as a type for pydantic."""
    models: list[type[Spec]] = [*(template.model for template in kinds), PlainSpec]
    return Annotated[reduce(or_, models), Field(discriminator="template")]


def _connectors(
    root: Path, kinds: Mapping[str, Template], mistakes: list[Mistake]
) -> tuple[Source, ...]:
    model = spec_model(kinds.values())
    return tuple(
        Source(file, spec, kinds.get(spec.template))
        for folder in ("sources", "sinks")
        for file in sorted((root / "connectors" / folder).glob("*.yaml"))
        if (spec := _collect(mistakes, yamlfile.load, file, model)) is not None
    )


def _rules(root: Path) -> Rules | None:
    file = root / "spark" / "rules.yaml"
    return rules.load(file) if file.is_file() else None


def _collect(mistakes: list[Mistake], read: Callable[..., T], *args: object) -> T | None:
    try:
        return read(*args)
    except SpecError as error:
        mistakes.extend(error.mistakes)
        return None


def _read_schema(file: Path) -> Schema:
    try:
        schema = json.loads(file.read_text())
    except json.JSONDecodeError as error:
        raise SpecError((Mistake(file, error.lineno, "", f"not JSON: {error.msg}"),)) from None
    problem = schemas.problem(schema)
    if problem:
        raise SpecError((Mistake(file, None, "", problem),))
    checked: Schema = schema
    return checked
