"""The rights that each program needs in Kafka, from what the repository declares.

Names and meanings: "Authorization and ACLs" in Kafka's documentation. Read, Write, Alter and Delete
imply Describe, and AlterConfigs implies DescribeConfigs.
"""

import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import get_args

from pipeline.repository.connections import NO_GROUP
from pipeline.repository.project import Project
from pipeline.repository.specs import WORKERS_OWN
from pipeline.repository.target import Program, Target
from pipeline.resources.desired import Desired
from pipeline.resources.topic import Topic

TOPIC, GROUP = "topic", "group"
LITERAL, PREFIXED = "literal", "prefixed"
# The temporary topics of `render.py test`: pipeline/cases/trial.py.
CASES = "case_"
# What the consumers of Spark's executors are called.
SPARK = "spark-kafka-source-"
# What kaskade's consumers are called.
KASKADE = "kaskade-"
# Who runs render.py.
DEPLOY = "deploy"
MANAGE = ("Create", "Delete", "Alter", "AlterConfigs")


@dataclass(frozen=True, order=True)
class Right:
    """What a principal may do with a topic or a consumer group, or with all that begin so."""

    principal: str
    kind: str
    name: str
    pattern: str
    operations: tuple[str, ...]


def rights(project: Project, desired: Desired, target: Target) -> tuple[Right, ...]:
    """The rights of all programs, without one that another one has in it."""
    by_program = {
        DEPLOY: _deploy(desired, target),
        "airflow": _airflow(desired, target),
        "cleanse": _cleanse(project, target),
        "connect": _connect(project, desired),
        "flink": _flink(project, target) if target.flink else (),
        "monitor": _monitor(desired, target),
        "produce": _writes(topic for source in project.connectors for topic in source.writes),
        "replay": _replay(project),
        "erase": _erase(project),
    }
    names = principals(target)
    found = {
        (names[program], kind, name, pattern, operation)
        for program, needed in by_program.items()
        for kind, name, pattern, operations in needed
        for operation in operations
    }
    grouped: dict[tuple[str, str, str, str], list[str]] = {}
    for *key, operation in sorted(found):
        grouped.setdefault(tuple(key), []).append(operation)  # type: ignore[arg-type]
    return tuple(Right(*key, tuple(operations)) for key, operations in grouped.items())


def principals(target: Target) -> Mapping[str, str]:
    """The principal of each program: `User:` and its name at Kafka, or else the program's own."""
    properties = {DEPLOY: target.kafka}
    properties |= {program: target.kafka_of(program) for program in get_args(Program)}
    return {
        program: f"User:{of.get('sasl.username', program)}" for program, of in properties.items()
    }


def script(rights: Iterable[Right]) -> str:
    """The rights as commands of Kafka's own kafka-acls, to be run by who manages the cluster."""
    lines = [
        "#!/bin/sh",
        "# Each program's rights in Kafka, least ones. Rendered from the specs: do not edit.",
        "# BROKERS has host:port of a broker, ADMIN a file with the properties of who may give",
        "# rights. A second run changes nothing. It takes no right away.",
        'add() { kafka-acls --bootstrap-server "$BROKERS" --command-config "$ADMIN" --add "$@"; }',
        "",
    ]
    for right in rights:
        operations = " ".join(f"--operation {operation}" for operation in right.operations)
        what = f"--{right.kind} {shlex.quote(right.name)}"
        kind = "" if right.pattern == LITERAL else f" --resource-pattern-type {right.pattern}"
        who = f"--allow-principal {shlex.quote(right.principal)}"
        lines.append(f"add {who} {operations} {what}{kind}")
    return "\n".join(lines) + "\n"


Need = tuple[str, str, str, tuple[str, ...]]


def _topics(names: Iterable[str], *operations: str) -> Iterator[Need]:
    return ((TOPIC, name, LITERAL, operations) for name in names)


def _writes(names: Iterable[str]) -> Iterator[Need]:
    return _topics(names, "Write")


def _names(topics: Iterable[Topic]) -> list[str]:
    return [topic.name for topic in topics]


def _deploy(desired: Desired, target: Target) -> Iterator[Need]:
    # Strimzi's operators make the topics, on a target that has them.
    manage = ("DescribeConfigs", "Describe") if target.strimzi else MANAGE
    yield from _topics(_names(desired.topics), *manage)
    yield from _groups(desired, target, "Describe")
    # `render.py test` has topics of its own.
    yield (
        TOPIC,
        CASES,
        PREFIXED,
        ("Create", "Delete", "Read", "Write"),
    )


def _groups(desired: Desired, target: Target, *operations: str) -> Iterator[Need]:
    """The groups of the sinks, and of the cleansing."""
    for connector in desired.connectors:
        if connector.is_sink:
            yield GROUP, f"connect-{connector.name}", LITERAL, operations
    yield GROUP, f"{target.pipeline}-cleanse", LITERAL, operations


def _airflow(desired: Desired, target: Target) -> Iterator[Need]:
    yield from _topics(_names(desired.topics), "Describe")
    yield from _groups(desired, target, "Describe")


def _monitor(desired: Desired, target: Target) -> Iterator[Need]:
    yield from _topics(_names(desired.topics), "Read", "DescribeConfigs")
    yield from _groups(desired, target, "Describe")
    yield GROUP, KASKADE, PREFIXED, ("Read",)


def _replay(project: Project) -> Iterator[Need]:
    """Rejects and dead letters are read, and sent again."""
    yield GROUP, NO_GROUP, LITERAL, ("Describe",)
    if project.rules:
        yield from _topics([*project.rules.topics, project.rules.rejects], "Read", "Write")
    for sink in project.connectors:
        if sink.queue:
            yield from _topics([sink.queue], "Read")
            yield from _topics(sink.reads, "Read", "Write")


def _erase(project: Project) -> Iterator[Need]:
    """What tells of a person is read, and followed by a tombstone."""
    yield GROUP, NO_GROUP, LITERAL, ("Describe",)
    yield from _topics(sorted(project.identifying), "Read", "Write")


def _cleanse(project: Project, target: Target) -> Iterator[Need]:
    if project.rules is None:
        return
    yield from _topics(project.rules.topics, "Read")
    yield from _writes(project.rules.outputs)
    yield GROUP, f"{target.pipeline}-cleanse", LITERAL, ("Read",)
    yield GROUP, SPARK, PREFIXED, ("Read",)


def _connect(project: Project, desired: Desired) -> Iterator[Need]:
    own = ("Create", "Read", "Write", "DescribeConfigs")
    yield from _topics(sorted(WORKERS_OWN), *own)
    yield GROUP, "connect", LITERAL, ("Read",)
    for source in project.connectors:
        yield from _topics(source.reads, "Read")
        yield from _writes([*source.writes, *([source.queue] if source.queue else [])])
    for connector in desired.connectors:
        if connector.is_sink:
            # Delete: a worker forgets the offsets of a sink that is removed or made anew.
            yield GROUP, f"connect-{connector.name}", LITERAL, ("Delete", "Read")


def _flink(project: Project, target: Target) -> Iterator[Need]:
    topics = {statement.topic for statement in project.statements}
    yield from _topics(sorted(topics), "Read")
    yield from _writes(project.queries)
    yield GROUP, f"{target.pipeline}-flink", PREFIXED, ("Read",)
    yield TOPIC, CASES, PREFIXED, ("Read", "Write")
