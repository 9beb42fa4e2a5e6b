"""Reads the repository and renders it. No network."""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateError

from pipeline import schemas
from pipeline.desired import Connector, Desired, Script, Subject, Table, Topic
from pipeline.errors import Mistake, SpecError
from pipeline.repository import yamlfile
from pipeline.repository.specs import (
    ConnectorSpec,
    DatagenSpec,
    JdbcSinkSpec,
    PlainSpec,
    Spec,
    TopicsFile,
)
from pipeline.sql import reader
from pipeline.sql.statements import Statement
from pipeline.suggest import unknown

OWNER_KEY = "managed.by"
TEMPLATES = Path("connectors") / "templates"
T = TypeVar("T")


@dataclass(frozen=True)
class Source:
    """A connector spec and the file it stands in."""

    file: Path
    spec: DatagenSpec | JdbcSinkSpec | PlainSpec


@dataclass(frozen=True)
class Project:
    """The files of the repository, each fit in itself and all fit together."""

    root: Path
    topics: TopicsFile
    schemas: dict[str, schemas.Schema]
    connectors: tuple[Source, ...]
    statements: tuple[Statement, ...]


def load(root: Path) -> Project:
    """Reads topics.yaml, schemas/ and connectors/.

    Raises:
        SpecError: with every mistake in every file.
    """
    mistakes: list[Mistake] = []
    topics = _collect(mistakes, yamlfile.load, root / "topics.yaml", TopicsFile)
    avro = {
        file.stem: schema
        for file in sorted((root / "schemas").glob("*.avsc"))
        if (schema := _collect(mistakes, _read_schema, file)) is not None
    }
    connectors = tuple(
        Source(file, spec)
        for folder in ("sources", "sinks")
        for file in sorted((root / "connectors" / folder).glob("*.yaml"))
        if (spec := _collect(mistakes, yamlfile.load, file, ConnectorSpec)) is not None
    )
    statements = _collect(mistakes, reader.load, root / "ksql")
    if mistakes or topics is None or statements is None:
        raise SpecError(tuple(mistakes))
    project = Project(root, topics, avro, connectors, statements)
    mistakes += _cross_check(project)
    if mistakes:
        raise SpecError(tuple(mistakes))
    return project


def _collect(mistakes: list[Mistake], read: Callable[..., T], *args: object) -> T | None:
    try:
        return read(*args)
    except SpecError as error:
        mistakes.extend(error.mistakes)
        return None


def _read_schema(file: Path) -> schemas.Schema:
    try:
        schema = json.loads(file.read_text())
    except json.JSONDecodeError as error:
        raise SpecError((Mistake(file, error.lineno, "", f"not JSON: {error.msg}"),)) from None
    problem = schemas.problem(schema)
    if problem:
        raise SpecError((Mistake(file, None, "", problem),))
    checked: schemas.Schema = schema
    return checked


def _cross_check(project: Project) -> Iterator[Mistake]:
    yield from _topics_of_schemas(project)
    seen: dict[str, Path] = {}
    for source in project.connectors:
        name = source.spec.name
        if name in seen:
            yield _at(source, "name", f"{name} is also the name in {seen[name]}")
        seen[name] = source.file
        if isinstance(source.spec, DatagenSpec):
            yield from _check_datagen(project, source, source.spec)
        elif isinstance(source.spec, JdbcSinkSpec):
            yield from _check_sink(project, source, source.spec)


def _topics_of_schemas(project: Project) -> Iterator[Mistake]:
    for topic in project.schemas.keys() - project.topics.topics.keys():
        file = project.root / "schemas" / f"{topic}.avsc"
        yield Mistake(file, None, "", unknown("topic", topic, project.topics.topics))


def _check_datagen(project: Project, source: Source, spec: DatagenSpec) -> Iterator[Mistake]:
    schema = project.schemas.get(spec.topic)
    if schema is None:
        message = unknown("schema", spec.topic, project.schemas)
        yield _at(source, "topic", f"{message} (a Datagen topic needs schemas/{spec.topic}.avsc)")
        return
    fields = schemas.field_names(schema)
    if spec.key not in fields:
        yield _at(source, "key", unknown("field", spec.key, fields))
    for field in spec.generator:
        if field not in fields:
            yield _at(source, f"generator.{field}", unknown("field", field, fields))


def _check_sink(project: Project, source: Source, spec: JdbcSinkSpec) -> Iterator[Mistake]:
    for index, topic in enumerate(spec.topics):
        if topic not in project.topics.topics:
            yield _at(source, f"topics.{index}", unknown("topic", topic, project.topics.topics))
        elif topic in project.schemas:
            columns = schemas.columns(project.schemas[topic])
            for position, column in enumerate(spec.key):
                if column not in columns:
                    yield _at(source, f"key.{position}", unknown("field", column, columns))


def _at(source: Source, key: str, message: str) -> Mistake:
    return Mistake(source.file, yamlfile.line_of(source.file, key), key, message)


def render(project: Project, owner: str) -> Desired:
    """What the repository declares, under the owner's mark.

    Raises:
        SpecError: a template cannot be rendered, or yields what is no configuration.
    """
    # The templates are YAML, and autoescape would write HTML into them.
    templates = Environment(  # noqa: S701
        loader=FileSystemLoader(project.root / TEMPLATES),
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    rendered = [
        (source, _config(project, templates, source, owner)) for source in project.connectors
    ]
    return Desired(
        topics=tuple(declared_topics(project)),
        subjects=tuple(_subjects(project)),
        script=_script(project.root / "postgres" / "db_setup.sql"),
        tables=tuple(_tables(project)),
        connectors=tuple(
            Connector(source.spec.name, config, source.file, is_sink(config))
            for source, config in rendered
        ),
    )


def declared_topics(project: Project) -> Iterator[Topic]:
    """The topics of topics.yaml, and the sinks' dead letter queues."""
    defaults = project.topics.defaults
    for name, spec in project.topics.topics.items():
        yield Topic(
            name,
            spec.partitions or defaults.partitions,
            spec.replication or defaults.replication,
            _strings({**defaults.config, **spec.config}),
        )
    for source in project.connectors:
        if isinstance(source.spec, JdbcSinkSpec):
            name = _dead_letter_queue(source.spec)
            yield Topic(name, 1, defaults.replication, _strings(defaults.config))


def _subjects(project: Project) -> Iterator[Subject]:
    for topic, schema in project.schemas.items():
        level = project.topics.topics[topic].compatibility or project.topics.defaults.compatibility
        file = project.root / "schemas" / f"{topic}.avsc"
        yield Subject(f"{topic}-value", schemas.contract(schema), level, file)


def _script(file: Path) -> Script:
    text = file.read_text()
    return Script(file, text, hashlib.sha256(text.encode()).hexdigest())


def _tables(project: Project) -> Iterator[Table]:
    for source in project.connectors:
        spec = source.spec
        if isinstance(spec, JdbcSinkSpec):
            known = [project.schemas[topic] for topic in spec.topics if topic in project.schemas]
            columns = {column for schema in known for column in schemas.columns(schema)}
            yield Table(spec.table, tuple(sorted(columns)), tuple(spec.key), spec.name, source.file)


def is_sink(config: Mapping[str, str]) -> bool:
    """Whether a connector reads topics."""
    return bool({"topics", "topics.regex"} & config.keys())


def _config(project: Project, templates: Environment, source: Source, owner: str) -> dict[str, str]:
    spec = source.spec
    template = _from_template(project, templates, source) if spec.template != "none" else {}
    # The order of templates and specs is for people; that of the result is for diffs.
    config = {**_strings(template), **_strings(spec.config), "name": spec.name, OWNER_KEY: owner}
    return dict(sorted(config.items()))


def _from_template(project: Project, templates: Environment, source: Source) -> dict[str, Any]:
    name = f"{source.spec.template}.yaml.j2"
    file = project.root / TEMPLATES / name
    try:
        text = templates.get_template(name).render(_variables(project, source.spec))
        parsed = yaml.load(text, Loader=yamlfile.Loader)  # noqa: S506 - a safe loader, the C one
    except (TemplateError, yaml.YAMLError) as error:
        line = getattr(error, "lineno", None)
        message = f"cannot be rendered for {source.file}: {type(error).__name__}: {error}"
        raise SpecError((Mistake(file, line, "", message),)) from None
    if not isinstance(parsed, dict):
        raise SpecError((Mistake(file, None, "", "must yield a mapping of properties"),))
    return parsed


def _variables(project: Project, spec: Spec) -> dict[str, Any]:
    variables = spec.model_dump()
    if isinstance(spec, DatagenSpec):
        annotated = schemas.annotate(project.schemas[spec.topic], spec.generator)
        variables["schema"] = schemas.compact(annotated)
    if isinstance(spec, JdbcSinkSpec):
        variables["dead_letter_queue"] = _dead_letter_queue(spec)
        variables["key"] = _as_in_topics(project, spec)
    return variables


def _as_in_topics(project: Project, spec: JdbcSinkSpec) -> list[str]:
    """The key's columns as the topics' fields are called: ksqlDB's are in upper case."""
    known = [project.schemas[topic] for topic in spec.topics if topic in project.schemas]
    names = {name.lower(): name for schema in known for name in schemas.field_names(schema)}
    return [names.get(column, column) for column in spec.key]


def _dead_letter_queue(spec: JdbcSinkSpec) -> str:
    return f"{spec.name}_dlq"


def _strings(config: dict[str, Any]) -> dict[str, str]:
    """Connect's configuration is a map of strings; YAML's true is its "true"."""
    return {
        key: str(value).lower() if isinstance(value, bool) else str(value)
        for key, value in config.items()
    }


def write(desired: Desired, folder: Path) -> list[Path]:
    """Writes what is declared under `folder`, one JSON file each; returns the files."""
    files: dict[Path, Any] = {
        **{folder / "topics" / f"{t.name}.json": _topic_json(t) for t in desired.topics},
        **{folder / "schemas" / f"{s.name}.json": s.schema for s in desired.subjects},
        **{folder / "connectors" / f"{c.name}.json": dict(c.config) for c in desired.connectors},
    }
    for stale in _stale(folder, files):
        stale.unlink()
    for file, content in files.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n")
    return list(files)


def _stale(folder: Path, files: Iterable[Path]) -> list[Path]:
    return [file for file in folder.glob("*/*.json") if file not in set(files)]


def _topic_json(topic: Topic) -> dict[str, Any]:
    return {
        "partitions": topic.partitions,
        "replication": topic.replication,
        "config": dict(topic.config),
    }
