"""Renders the resources that the repository's files declare. Needs no service."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pipeline import schemas
from pipeline.errors import Mistake, SpecError
from pipeline.repository import schemas as schema_files
from pipeline.repository.project import Project
from pipeline.repository.source import Source
from pipeline.repository.specs import TopicSpec, strings
from pipeline.repository.templates import EVERY_SINK, SUFFIX, Renderer
from pipeline.resources.connector import OWNER_KEY, Connector, is_sink
from pipeline.resources.desired import Desired
from pipeline.resources.query import Query
from pipeline.resources.script import Script
from pipeline.resources.subject import Subject
from pipeline.resources.table import Table
from pipeline.resources.topic import Topic
from pipeline.sql.columns import Column, columns_of
from pipeline.sql.derived import topic_config
from pipeline.sql.statements import Statement

SCRIPT = Path("postgres") / "db_setup.sql"
# For a topic without an entry in topics.yaml.
NOTHING = TopicSpec.model_validate({})
DEAD_LETTER_QUEUE = "errors.deadletterqueue.topic.name"


def render(project: Project, owner: str, queries: tuple[Query, ...] = ()) -> Desired:
    """Everything that the repository declares. `owner` marks it; `queries` are the engine's.

    Raises:
        SpecError: a template cannot be rendered, or does not yield a configuration; or
            db_setup.sql is missing.
    """
    connectors = tuple(_connectors(project, owner))
    return Desired(
        owner=owner,
        topics=(*topics(project), *_dead_letter_queues(project, connectors)),
        subjects=tuple(_subjects(project)),
        tables=tuple(_tables(project)),
        script=_script(project.root / SCRIPT),
        connectors=connectors,
        queries=queries,
    )


def topics(project: Project) -> tuple[Topic, ...]:
    """The topics of topics.yaml, and the topics that the statements of ksql/ write."""
    by_name: dict[str, Topic] = {}
    for name, spec in project.topics.topics.items():
        if name not in project.queries:
            by_name[name] = _topic(project, name, spec)
    for statement in project.queries.values():
        by_name[statement.topic] = _topic_of_query(project, statement, by_name)
    return tuple(by_name.values())


def _topic(project: Project, name: str, spec: TopicSpec) -> Topic:
    defaults = project.topics.defaults
    return Topic(
        name,
        spec.partitions or defaults.partitions,
        spec.replication or defaults.replication,
        strings({**defaults.config, **spec.config}),
    )


def _topic_of_query(project: Project, statement: Statement, topics: Mapping[str, Topic]) -> Topic:
    """The topic as ksqlDB would create it. An entry in topics.yaml overrides that."""
    defaults = project.topics.defaults
    spec = project.topics.topics.get(statement.topic, NOTHING)
    topic_of = {other.name: other.topic for other in project.statements}
    source = topics.get(topic_of.get(next(iter(statement.sources), ""), ""))
    partitions = int(statement.properties.get("PARTITIONS", 0))
    config = topic_config(statement, strings(defaults.config), source.config if source else {})
    return Topic(
        statement.topic,
        spec.partitions or partitions or (source.partitions if source else defaults.partitions),
        spec.replication or defaults.replication,
        {**config, **strings(spec.config)},
        f"{statement.source.file}:{statement.line}",
    )


def _dead_letter_queues(project: Project, connectors: tuple[Connector, ...]) -> Iterator[Topic]:
    defaults = project.topics.defaults
    declared = set(project.topics.topics)
    for connector in connectors:
        name = connector.config.get(DEAD_LETTER_QUEUE, "")
        if name and name not in declared:
            declared.add(name)
            config = strings(defaults.config)
            yield Topic(name, 1, defaults.replication, config, str(connector.file))


def _subjects(project: Project) -> Iterator[Subject]:
    queries = project.queries
    default = project.topics.defaults.compatibility
    for topic, schema in project.schemas.items():
        level = project.topics.topics.get(topic, NOTHING).compatibility or default
        avsc = schema_files.file_of(project.root, topic)
        is_derived = topic in queries and not avsc.is_file()
        file = queries[topic].source.file if is_derived else avsc
        yield Subject(schemas.subject_of(topic), schemas.contract(schema), level, file)


def _tables(project: Project) -> Iterator[Table]:
    for name in dict.fromkeys(source.table for source in project.connectors if source.table):
        first = project.sinks_of(name)[0]
        columns = columns_of(project.schemas_of(name))
        comment = _comment(project, first)
        yield Table(name, _with_key(columns, first.key), first.key, comment, first.file)


def _with_key(columns: tuple[Column, ...], key: tuple[str, ...]) -> tuple[Column, ...]:
    """The columns. Those of the primary key are NOT NULL, even if the schema allows null."""
    return tuple(replace(c, nullable=False) if c.name in key else c for c in columns)


def _comment(project: Project, source: Source) -> str:
    """The first topic's description: its schema's doc, or the comment above its statement."""
    topic = source.reads[0]
    doc = project.schemas.get(topic, {}).get("doc")
    statement = project.queries.get(topic)
    return str(doc or (statement.comment if statement else ""))


def _script(file: Path) -> Script:
    if not file.is_file():
        raise SpecError((Mistake(file, None, "", "is missing: it creates the roles"),))
    return Script(file, file.read_text())


def _connectors(project: Project, owner: str) -> Iterator[Connector]:
    renderer = Renderer(project.root)
    for source in project.connectors:
        config = _config(project, renderer, source, owner)
        yield Connector(source.spec.name, config, source.file)


def _config(project: Project, renderer: Renderer, source: Source, owner: str) -> dict[str, str]:
    spec = source.spec
    variables = {
        **spec.model_dump(),
        "replication": project.topics.defaults.replication,
        "annotated": lambda topic, by_field: _annotated(project, topic, by_field),
        "as_in_topics": lambda topics, columns: _as_in_topics(project, topics, columns),
    }
    of_template: dict[str, Any] = {}
    if source.template:
        of_template = renderer.render(f"{source.template.name}{SUFFIX}", variables, source.file)
    config = strings({**of_template, **spec.config})
    if is_sink(config):
        shared = renderer.render(EVERY_SINK, variables, source.file)
        config = {**strings(shared), **config}
    # Sorted, so that a moved line in a template or a spec is not a change.
    return dict(sorted({**config, "name": spec.name, OWNER_KEY: owner}.items()))


def _annotated(project: Project, topic: str, by_field: Mapping[str, Any]) -> str:
    """The topic's schema with Datagen's annotations, as one line of JSON."""
    return schemas.compact(schemas.annotate(project.schemas[topic], by_field))


def _as_in_topics(project: Project, topics: list[str], columns: list[str]) -> list[str]:
    """The columns in the case of the topics' fields: ksqlDB's fields are in upper case."""
    of_topics = [project.schemas[topic] for topic in topics if topic in project.schemas]
    names = {name.lower(): name for schema in of_topics for name in schemas.field_names(schema)}
    return [names.get(column, column) for column in columns]
