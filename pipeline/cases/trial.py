"""Runs a case of ksql/ on the target's engine, with topics, subjects and names of its own."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from threading import Lock
from uuid import uuid4

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
# Apicurio forgets the content of a subject that goes, though another one refers to it by now.
ONE_AT_A_TIME = Lock()


@dataclass(frozen=True)
class Trial:
    """The statements that a case needs, in order, under names of their own."""

    prefix: str
    statements: tuple[Statement, ...]
    schemas: Mapping[str, Schema]
    keys: Mapping[str, str]


def run(case: Case, project: Project, services: Services) -> tuple[Difference, ...]:
    """What is not as expected; leaves nothing behind.

    Raises:
        SpecError: the case asks for what ksql/ does not do.
        PipelineError: the engine or another service refuses.
    """
    engine = services.engine
    assert engine is not None  # noqa: S101 - a target with statements has an engine
    trial = prepare(case, project, f"case_{uuid4().hex[:8]}_")
    with _topics(trial, project, services) as ids:
        for topic in case.given:
            schema = project.schemas[topic]
            encode = records.encoder(schema, ids[topic])
            found = messages(case, topic, schema, trial.keys[topic], encode)
            records.write(services.kafka.address, trial.prefix + topic, found)
        wanted = frozenset(trial.prefix + topic for topic in case.expect)
        engine.trial(trial.statements, trial.schemas, wanted, DEADLINE_S)
        answers = [_answer(case, topic, project, trial, services) for topic in case.expect]
    return tuple(answer for answer in answers if answer)


def prepare(case: Case, project: Project, prefix: str) -> Trial:
    """What a case needs of ksql/.

    Raises:
        SpecError: nothing writes what is expected, or nothing reads what is given.
    """
    writers = {s.topic: s for s in project.statements if s.query}
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
        {own: project.schemas[topic] for topic, own in topics.items()},
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
            made = "is written by ksql/: give the topics that it is made of"
            read = "is declared by no statement of ksql/"
            yield case.mistake(f"given.{topic}", made if topic in writers else read)


def _renamed(
    statement: Statement, names: Mapping[str, str], topics: Mapping[str, str]
) -> Statement:
    text = renamed(statement, names, topics)
    (found,) = reader.parse(statement.source.file, f"{text};")
    return replace(found, settings=statement.settings)


def _key_field(statement: Statement, schema: Schema) -> str:
    key = next(column.name for column in statement.columns if column.is_key)
    return {name.upper(): name for name in field_names(schema)}.get(key.upper(), key.lower())


@contextmanager
def _topics(trial: Trial, project: Project, services: Services) -> Iterator[Mapping[str, int]]:
    """The topics and subjects of a trial; yields the schemas' ids by the topics' own names."""
    replication = project.topics.defaults.replication
    # Their records carry the hospital's time: retention by age would take them while we look.
    kept = {"retention.ms": "-1"}
    for topic in trial.schemas:
        services.kafka.create(topic, 1, replication, kept)
    registry = services.registry
    subjects = {topic: subject_of(topic) for topic in trial.schemas}
    try:
        with ONE_AT_A_TIME:
            ids = {t: registry.register(subjects[t], contract(s)) for t, s in trial.schemas.items()}
        yield {topic.removeprefix(trial.prefix): id_ for topic, id_ in ids.items()}
    finally:
        with ONE_AT_A_TIME:
            for subject in set(registry.subjects()) & set(subjects.values()):
                registry.delete(subject)
        services.kafka.delete(list(trial.schemas))


def _answer(
    case: Case, topic: str, project: Project, trial: Trial, services: Services
) -> Difference | None:
    decode = records.decoder(project.schemas[topic])
    found = [
        (message.key(), None if (value := message.value()) is None else decode(value))
        for message in records.messages(services.kafka.address, trial.prefix + topic)
    ]
    is_table = any(s.kind == "TABLE" and s.topic == trial.prefix + topic for s in trial.statements)
    rows = newest(found) if is_table else [value or {DELETED: True} for _, value in found]
    return compare(topic, case.expect[topic], rows)
