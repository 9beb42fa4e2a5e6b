"""Checks that the repository's files fit together, and that no entity is incomplete."""

from collections.abc import Iterator
from pathlib import Path

from pipeline.errors import Mistake
from pipeline.repository import rules, schemas, yamlfile
from pipeline.repository.project import Project
from pipeline.repository.rules import Rules
from pipeline.repository.source import Source
from pipeline.repository.specs import is_reserved, reserved
from pipeline.schemas import Schema, field_names
from pipeline.sql.columns import UnknownTypeError, columns_of
from pipeline.suggest import did_you_mean, unknown

TOPICS = Path("topics.yaml")
POLICY = "cleanup.policy"


def check(project: Project) -> Iterator[Mistake]:
    """Every mistake that concerns more than one file."""
    yield from _repeated_names(project)
    for source in project.connectors:
        yield from _variables(project, source)
        yield from _table(project, source)
    yield from _reserved_topics(project)
    yield from _schemas_without_topic(project)
    yield from _unerasable(project)
    yield from _cleansing(project)
    yield from _unconnected(project)


def _all_topics(project: Project) -> set[str]:
    return {*project.topics.topics, *project.queries}


def _repeated_names(project: Project) -> Iterator[Mistake]:
    seen: dict[str, Path] = {}
    for source in project.connectors:
        name = source.spec.name
        if name in seen:
            yield source.mistake("name", f"{seen[name]} has the same name, {name}")
        seen[name] = source.file


def _variables(project: Project, source: Source) -> Iterator[Mistake]:
    all_topics = _all_topics(project)
    for name, topic in source.given("topic").items():
        variable = source.template.header.variables[name] if source.template else None
        if variable and variable.schema_ and topic not in project.schemas:
            hint = f"template {source.spec.template} needs schemas/{topic}.avsc"
            message = unknown("schema", topic, project.schemas)
            yield source.mistake(name, f"{message} ({hint})")
        if topic not in all_topics:
            yield source.mistake(name, unknown("topic", topic, all_topics))
    for name, topics in source.given("topics").items():
        for index, topic in enumerate(topics):
            if topic not in all_topics:
                yield source.mistake(f"{name}.{index}", unknown("topic", topic, all_topics))
    yield from _fields(project, source)


def _fields(project: Project, source: Source) -> Iterator[Mistake]:
    of_topics = [project.schemas[topic] for topic in source.topics if topic in project.schemas]
    if not of_topics:
        return
    fields = [field for schema in of_topics for field in field_names(schema)]
    for name, field in source.given("field").items():
        if field not in fields:
            yield source.mistake(name, unknown("field", field, fields))
    for name, by_field in source.given("by-field").items():
        for field in by_field:
            if field not in fields:
                yield source.mistake(f"{name}.{field}", unknown("field", field, fields))


def _table(project: Project, source: Source) -> Iterator[Mistake]:
    """A table can be made from the topics' schemas, has the key's columns, and one key only."""
    if not source.table:
        return
    place = next(iter(source.given("table")))
    of_topics = project.schemas_of(source.table)
    if not source.reads:
        yield source.mistake(place, "no table can be made: the connector reads no topic")
    elif of_topics:
        yield from _columns(project, source, of_topics, place)


def _columns(
    project: Project, source: Source, of_topics: tuple[Schema, ...], place: str
) -> Iterator[Mistake]:
    first = project.sinks_of(source.table)[0]
    if source.key != first.key:
        name = next(iter(source.given("columns")), place)
        yield source.mistake(name, f"{first.file} writes {source.table} by another key")
    try:
        columns = [column.name for column in columns_of(of_topics)]
    except UnknownTypeError as error:
        yield source.mistake("topics", f"no table can be made from their schemas: {error}")
        return
    for name, key in source.given("columns").items():
        for index, column in enumerate(key):
            if column not in columns:
                yield source.mistake(f"{name}.{index}", unknown("field", column, columns))


def _reserved_topics(project: Project) -> Iterator[Mistake]:
    for statement in project.queries.values():
        if is_reserved(statement.topic):
            place = statement.places.get("KAFKA_TOPIC", statement.start)
            yield statement.source.mistake(place, reserved(statement.topic))


def _schemas_without_topic(project: Project) -> Iterator[Mistake]:
    all_topics = _all_topics(project)
    for topic in project.schemas:
        file = schemas.file_of(project.root, topic)
        if topic not in all_topics and file.is_file():
            yield Mistake(file, None, "", unknown("topic", topic, all_topics))


def _unerasable(project: Project) -> Iterator[Mistake]:
    """Topics that tell who somebody is, and are not compacted: a tombstone would erase nothing."""
    for topic, spec in project.topics.topics.items():
        policy = str(spec.config.get(POLICY, "compact"))
        if topic in project.identifying and "compact" not in policy:
            yield _mistake_in_topics(
                project,
                f"{topic}.config.{POLICY}",
                f"is {policy}, and {topic} has records that tell who somebody is: from a topic that"
                " is not compacted, nobody can be erased. Write compact, or compact,delete, which"
                " holds without an entry",
            )


def _cleansing(project: Project) -> Iterator[Mistake]:
    """The topics that spark/rules.yaml reads and writes exist, and have schemas."""
    if project.rules is None:
        return
    all_topics = _all_topics(project)
    used = [(f"topics.{raw}", raw) for raw in project.rules.topics]
    used += [(f"topics.{raw}.clean", rule.clean) for raw, rule in project.rules.topics.items()]
    for key, topic in [*used, ("rejects", project.rules.rejects)]:
        if topic not in all_topics:
            hint = did_you_mean(topic, all_topics)
            yield _mistake_in_rules(project, key, f"topics.yaml has no topic {topic}{hint}")
        if topic not in project.schemas:
            yield _mistake_in_rules(project, key, f"schemas/{topic}.avsc is missing")
    yield from _keys(project)


def _keys(project: Project) -> Iterator[Mistake]:
    """The sources of a raw topic and its rules name the same key."""
    rules_of = project.rules.topics if project.rules else {}
    for source in project.connectors:
        for topic in set(source.writes) & rules_of.keys():
            for name, field in source.given("field").items():
                if field != rules_of[topic].key:
                    message = f"the key of {topic} is {rules_of[topic].key} in spark/rules.yaml"
                    yield source.mistake(name, message)


def _unconnected(project: Project) -> Iterator[Mistake]:
    """Topics that nothing writes or nothing reads. Only if there is a cleansing."""
    if project.rules is None:
        return
    written, read = _written(project, project.rules), _read(project, project.rules)
    # Sinks write them, and people read them.
    queues = {source.queue for source in project.connectors}
    for topic, spec in project.topics.topics.items():
        if topic in queues:
            continue
        if topic not in written and not spec.written_by:
            yield _mistake_in_topics(
                project,
                topic,
                "nothing writes it: add a source in connectors/sources/, or `written_by: <who"
                " writes it>` here",
            )
        if topic not in read and not spec.read_by:
            yield _mistake_in_topics(
                project,
                topic,
                "nothing reads it: add rules in spark/rules.yaml for a raw topic, a sink in"
                " connectors/sinks/ or a statement in ksql/ for a clean one, or `read_by: <who"
                " reads it>` here",
            )


def _written(project: Project, cleansing: Rules) -> set[str]:
    sources = {topic for source in project.connectors for topic in source.writes}
    return {*sources, *cleansing.outputs, *project.queries}


def _read(project: Project, cleansing: Rules) -> set[str]:
    """The topics with a reader. A query's topic counts as read: people query it in SQL."""
    sinks = {topic for source in project.connectors for topic in source.reads}
    statements = {statement.topic for statement in project.statements}
    return {*sinks, *cleansing.topics, *statements}


def _mistake_in_topics(project: Project, key: str, message: str) -> Mistake:
    return yamlfile.mistake(project.root / TOPICS, f"topics.{key}", message)


def _mistake_in_rules(project: Project, key: str, message: str) -> Mistake:
    return yamlfile.mistake(project.root / rules.FILE, key, message)
