"""Runs a case of ksql/ on the target's engine, with temporary topics, subjects and names."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from threading import Lock
from uuid import uuid4

from pipeline import codec
from pipeline.cases.files import DELETED, Case, messages
from pipeline.cases.rows import Difference, compare, newest
from pipeline.clients import records
from pipeline.errors import Mistake, SpecError
from pipeline.repository.project import Project
from pipeline.schemas import Schema, contract, field_names, subject_of
from pipeline.services import Services
from pipeline.sql import reader
from pipeline.sql.renaming import renamed
from pipeline.sql.statements import Statement, upstream

DEADLINE_S = 60
# Two cases with the same schema must not register and delete it at the same time: when Apicurio
# deletes a subject, it deletes the schema even if another subject has just begun to use it.
ONE_AT_A_TIME = Lock()


@dataclass(frozen=True)
class Trial:
    """The statements that a case needs, in order. Their names and topics have the prefix.

    `schemas` are by prefixed topic. `keys` has the key field of each input topic.
    """

    prefix: str
    statements: tuple[Statement, ...]
    schemas: Mapping[str, Schema]
    keys: Mapping[str, str]


def run(case: Case, project: Project, services: Services) -> tuple[Difference, ...]:
    """Runs a case and returns the differences. Deletes its topics and subjects afterwards.

    Raises:
        SpecError: the case does not fit ksql/.
        PipelineError: the engine or another service refuses a request.
    """
    engine = services.engine
    assert engine is not None  # noqa: S101 - a target with statements has an engine
    trial = prepare(case, project, f"case_{uuid4().hex[:8]}_")
    with _topics(trial, project, services) as ids:
        for topic in case.given:
            schema = project.schemas[topic]
            encode = codec.encoder(schema, ids[topic])
            given = messages(case, topic, schema, trial.keys[topic], encode)
            records.write(services.kafka.properties, trial.prefix + topic, given)
        wanted = frozenset(trial.prefix + topic for topic in case.expect)
        engine.trial(trial.statements, trial.schemas, wanted, DEADLINE_S)
        differences = [_difference(case, topic, project, trial, services) for topic in case.expect]
    return tuple(difference for difference in differences if difference)


def prepare(case: Case, project: Project, prefix: str) -> Trial:
    """The statements that a case needs, renamed.

    Raises:
        SpecError: no statement writes an expected topic, or none reads a given topic.
    """
    writers = project.queries
    readers = {s.topic: s for s in project.statements if not s.query}
    mistakes = [*_mistakes(case, writers, readers)]
    if mistakes:
        raise SpecError(tuple(mistakes))
    needed = upstream(project.statements, (writers[topic].name for topic in case.expect))
    topics = {topic: prefix + topic for topic in {s.topic for s in needed} | case.given.keys()}
    renamed = {s.name: f"{prefix}{s.name}".upper() for s in needed}
    return Trial(
        prefix,
        tuple(_renamed(statement, renamed, topics) for statement in needed),
        {prefixed: project.schemas[topic] for topic, prefixed in topics.items()},
        {topic: _key_field(readers[topic], project.schemas[topic]) for topic in case.given},
    )


def _mistakes(
    case: Case, writers: Mapping[str, Statement], readers: Mapping[str, Statement]
) -> Iterator[Mistake]:
    for topic in case.expect:
        if topic not in writers:
            yield case.mistake(f"expect.{topic}", "no statement of ksql/ writes this topic")
    for topic in case.given:
        if topic not in readers:
            written = "a statement of ksql/ writes this topic: give the topics that it reads"
            unread = "no statement of ksql/ declares this topic"
            yield case.mistake(f"given.{topic}", written if topic in writers else unread)


def _renamed(
    statement: Statement, names: Mapping[str, str], topics: Mapping[str, str]
) -> Statement:
    text = renamed(statement, names, topics)
    (parsed,) = reader.parse(statement.source.file, f"{text};")
    return replace(parsed, settings=statement.settings)


def _key_field(statement: Statement, schema: Schema) -> str:
    key = next(column.name for column in statement.columns if column.is_key)
    return {name.upper(): name for name in field_names(schema)}.get(key.upper(), key.lower())


@contextmanager
def _topics(trial: Trial, project: Project, services: Services) -> Iterator[Mapping[str, int]]:
    """Creates the topics and subjects of a trial, and deletes them at the end of the block.

    Yields the ids of the schemas by topic, without the prefix.
    """
    replication = project.topics.defaults.replication
    # The records can have old timestamps: retention by age would delete them at once.
    config = {"retention.ms": "-1"}
    registry = services.registry
    subjects = {topic: subject_of(topic) for topic in trial.schemas}
    created: list[str] = []
    try:
        for topic in trial.schemas:
            services.kafka.create(topic, 1, replication, config)
            created.append(topic)
        with ONE_AT_A_TIME:
            ids = {t: registry.register(subjects[t], contract(s)) for t, s in trial.schemas.items()}
        yield {topic.removeprefix(trial.prefix): id_ for topic, id_ in ids.items()}
    finally:
        try:
            with ONE_AT_A_TIME:
                for subject in set(registry.subjects()) & set(subjects.values()):
                    registry.delete(subject)
        finally:
            services.kafka.delete(created)


def _difference(
    case: Case, topic: str, project: Project, trial: Trial, services: Services
) -> Difference | None:
    decode = codec.decoder(project.schemas[topic])
    written = [
        (message.key(), None if (value := message.value()) is None else decode(value))
        for message in records.messages(services.kafka.properties, trial.prefix + topic)
    ]
    is_table = any(s.kind == "TABLE" and s.topic == trial.prefix + topic for s in trial.statements)
    rows = newest(written) if is_table else [value or {DELETED: True} for _, value in written]
    return compare(topic, case.expect[topic], rows)
