"""Renders the resources that the repository's files declare. Needs no service."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from pipeline import schemas, textfile
from pipeline.errors import Mistake, SpecError
from pipeline.repository import configs
from pipeline.repository import schemas as schema_files
from pipeline.repository.checks import POLICY
from pipeline.repository.project import SCRIPT, Project
from pipeline.repository.source import DEAD_LETTER_QUEUE, Source
from pipeline.repository.specs import TopicSpec, topic_strings
from pipeline.repository.target import WORKER_VARIABLES
from pipeline.resources.connector import Connector
from pipeline.resources.desired import Desired
from pipeline.resources.query import Query
from pipeline.resources.script import Script
from pipeline.resources.subject import Subject
from pipeline.resources.table import Table
from pipeline.resources.topic import Topic
from pipeline.sql.columns import Column, columns_of
from pipeline.sql.derived import topic_config
from pipeline.sql.statements import Statement

# For a topic without an entry in topics.yaml.
NOTHING = TopicSpec.model_validate({})


def render(
    project: Project,
    owner: str,
    queries: tuple[Query, ...] = (),
    variables: Collection[str] = WORKER_VARIABLES,
) -> Desired:
    """Everything that the repository declares.

    `owner` marks it; `queries` are the engine's; `variables` are those that the worker gives to its
    connectors.

    Raises:
        SpecError: a template cannot be rendered, or does not yield a configuration; or
            db_setup.sql is missing.
    """
    connectors = configs.connectors(project, owner, variables)
    queues = {queue.name: queue for queue in _dead_letter_queues(project, connectors)}
    others = [topic for topic in topics(project) if topic.name not in queues]
    return Desired(
        owner=owner,
        topics=(*others, *queues.values()),
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
        topic_strings({**defaults.config, **_erasable(project, name), **spec.config}),
        origins=_origins(project, spec),
    )


def _erasable(project: Project, topic: str) -> dict[str, str]:
    """The policy of a topic whose records tell who somebody is: a tombstone erases one."""
    return {POLICY: "compact,delete"} if topic in project.identifying else {}


def _origins(project: Project, spec: TopicSpec) -> dict[str, str]:
    """The target's file, by the settings of a topic that it gives."""
    own = {*spec.config, *spec.model_dump(exclude_none=True)}
    return {key: file for key, file in project.from_target.items() if key not in own}


def _topic_of_query(project: Project, statement: Statement, topics: Mapping[str, Topic]) -> Topic:
    """The topic as ksqlDB would create it. An entry in topics.yaml overrides that."""
    defaults = project.topics.defaults
    spec = project.topics.topics.get(statement.topic, NOTHING)
    topic_of = {other.name: other.topic for other in project.statements}
    source = topics.get(topic_of.get(next(iter(statement.sources), ""), ""))
    partitions = int(statement.properties.get("PARTITIONS", 0))
    config = topic_config(
        statement, topic_strings(defaults.config), source.config if source else {}
    )
    return Topic(
        statement.topic,
        spec.partitions or partitions or (source.partitions if source else defaults.partitions),
        spec.replication or defaults.replication,
        {**config, **topic_strings(spec.config)},
        f"{statement.source.file}:{statement.line}",
        _origins(project, spec),
    )


def _dead_letter_queues(project: Project, connectors: tuple[Connector, ...]) -> Iterator[Topic]:
    """Topics that only sinks write, where they cannot read. topics.yaml can override them."""
    by_sources = (topic for source in project.connectors for topic in source.writes)
    cleansed = project.rules.outputs if project.rules else ()
    seen = {*project.queries, *by_sources, *cleansed}
    for connector in connectors:
        name = connector.config.get(DEAD_LETTER_QUEUE, "")
        if name and name not in seen:
            seen.add(name)
            entry = project.topics.topics.get(name)
            topic = _topic(project, name, entry or NOTHING)
            partitions = (entry and entry.partitions) or 1
            origin = topic.origin if entry else str(connector.file)
            yield replace(topic, partitions=partitions, origin=origin)


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
    for name in project.tables:
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
    if not textfile.exists(file):
        raise SpecError((Mistake(file, None, "", "is missing: it creates the roles"),))
    return Script(file, textfile.read(file))
