"""What has to change so that what runs is what is declared. Pure: no input, no output."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from enum import StrEnum

from pipeline.clients.connect import LiveConnector
from pipeline.clients.kafka import LiveTopic
from pipeline.clients.postgres import LiveTables
from pipeline.clients.registry import LiveSubject
from pipeline.desired import Connector, Desired, Line, Query, Script, Subject, Table, Topic
from pipeline.engines.engine import LiveQuery
from pipeline.live import Live
from pipeline.repository.project import OWNER_KEY, is_sink
from pipeline.schemas import canonical, compact

# The key of an edit that is a line of a statement.
STATEMENT = "statement"


class Kind(StrEnum):
    """What a change is of, in the order in which changes are made."""

    TOPIC = "topic"
    SUBJECT = "subject"
    TABLES = "tables"
    QUERY = "query"
    SINK = "sink"
    SOURCE = "source"


class Action(StrEnum):
    """What is done."""

    CREATE = "create"
    UPDATE = "update"
    RESTART = "restart"
    DELETE = "delete"


@dataclass(frozen=True)
class Edit:
    """One key that changes; None where it is not there."""

    key: str
    before: str | None
    after: str | None


@dataclass(frozen=True)
class Change:
    """One resource that changes, and why."""

    kind: Kind
    name: str
    action: Action
    edits: tuple[Edit, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class Plan:
    """The changes, and the problems for which none of them may be made.

    `leftovers` run though they are not declared any more; they are no changes without `--prune`.
    """

    changes: tuple[Change, ...]
    problems: tuple[str, ...] = ()
    leftovers: tuple[str, ...] = ()

    def only(self, names: frozenset[str]) -> "Plan":
        """The part that is about these resources; the problems stay."""
        return replace(self, changes=tuple(c for c in self.changes if c.name in names))

    def named(self, *kinds: Kind) -> dict[str, Change]:
        """The changes of some kinds by name."""
        return {change.name: change for change in self.changes if change.kind in kinds}


def compare(desired: Desired, live: Live, owner: str, *, prune: bool = False) -> Plan:
    """The plan; with `prune`, connectors and queries that are ours but not declared go."""
    changes: list[Change] = []
    problems: list[str] = []
    for topic in desired.topics:
        found = live.topics.get(topic.name)
        changes += _topic(topic, found)
        problems += _topic_problems(topic, found)
    for subject in desired.subjects:
        changes += _subject(subject, live.subjects.get(subject.name))
    changes += _script(desired.script, live.script_sha256)
    for query in desired.queries:
        changes += _query(query, live.queries.get(query.name))
    for connector in sorted(desired.connectors, key=lambda c: not c.is_sink):
        changes += _connector(connector, live.connectors.get(connector.name))
        problems += _foreign(connector, live.connectors.get(connector.name), owner)
    gone = tuple(_gone(desired, live, owner))
    if prune:
        return Plan((*changes, *gone), tuple(problems))
    return Plan(tuple(changes), tuple(problems), tuple(f"{c.kind} {c.name}" for c in gone))


def edits(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[Edit, ...]:
    """The keys in which two maps differ, sorted."""
    return tuple(
        Edit(key, before.get(key), after.get(key))
        for key in sorted(before.keys() | after.keys())
        if before.get(key) != after.get(key)
    )


def _topic(topic: Topic, live: LiveTopic | None) -> Iterator[Change]:
    after = {"partitions": str(topic.partitions), **topic.config}
    if live is None:
        after["replication"] = str(topic.replication)
        yield Change(Kind.TOPIC, topic.name, Action.CREATE, edits({}, after))
        return
    before = {"partitions": str(live.partitions), **live.config}
    if live.partitions > topic.partitions:
        before["partitions"] = after["partitions"]
    if before != after:
        yield Change(Kind.TOPIC, topic.name, Action.UPDATE, edits(before, after))


def _query(query: Query, live: LiveQuery | None) -> Iterator[Change]:
    if live is None:
        yield Change(Kind.QUERY, query.name, Action.CREATE)
    elif live.meaning != query.meaning:
        changed = tuple(_difference(live.lines, query.lines))
        yield Change(Kind.QUERY, query.name, Action.UPDATE, changed, live.note)
    elif live.failed:
        yield Change(
            Kind.QUERY, query.name, Action.RESTART, note=f"it is {live.state}: {live.note}"
        )


def _difference(before: tuple[Line, ...], after: tuple[Line, ...]) -> Iterator[Edit]:
    old, new = [line.meaning for line in before], [line.meaning for line in after]
    for tag, start, end, first, last in SequenceMatcher(None, old, new).get_opcodes():
        if tag != "equal":
            yield from (Edit(STATEMENT, line.text, None) for line in before[start:end])
            yield from (Edit(STATEMENT, None, line.text) for line in after[first:last])


def _topic_problems(topic: Topic, live: LiveTopic | None) -> Iterator[str]:
    if live and live.partitions > topic.partitions:
        yield (
            f"topics.yaml: {topic.name} has {live.partitions} partitions and Kafka cannot take"
            f" any away: declare {live.partitions}, or delete the topic and its data first"
        )
    if live and live.replication != topic.replication:
        yield (
            f"topics.yaml: {topic.name} has replication {live.replication}, declared is"
            f" {topic.replication}: move its partitions with kafka-reassign-partitions"
        )


def _subject(subject: Subject, live: LiveSubject | None) -> Iterator[Change]:
    after = {"compatibility": subject.compatibility, **_fields(subject.schema)}
    if live is None:
        yield Change(Kind.SUBJECT, subject.name, Action.CREATE, edits({}, after))
        return
    before = {"compatibility": live.compatibility, **_fields(live.schema)}
    if canonical(subject.schema) != canonical(live.schema) or before != after:
        yield Change(
            Kind.SUBJECT,
            subject.name,
            Action.UPDATE,
            edits(before, after),
            note=f"after version {live.version}",
        )


def _fields(schema: Mapping[str, object]) -> dict[str, str]:
    fields = schema["fields"]
    assert isinstance(fields, list)  # noqa: S101 - project.load took no other schema
    named = {f"field {field['name']}": _field(field) for field in fields}
    rest = {key: str(value) for key, value in schema.items() if key not in {"fields", "type"}}
    return {**rest, **named}


def _field(field: Mapping[str, object]) -> str:
    return compact({key: value for key, value in field.items() if key != "name"})


def _script(script: Script, applied: str | None) -> Iterator[Change]:
    if applied != script.sha256:
        action = Action.UPDATE if applied else Action.CREATE
        before = {"sha256": applied[:12]} if applied else {}
        changed = edits(before, {"sha256": script.sha256[:12]})
        yield Change(Kind.TABLES, script.file.name, action, changed)


def _connector(connector: Connector, live: LiveConnector | None) -> Iterator[Change]:
    kind = Kind.SINK if connector.is_sink else Kind.SOURCE
    if live is None:
        yield Change(kind, connector.name, Action.CREATE, edits({}, connector.config))
        return
    changed = edits(live.config, connector.config)
    if live.state in {"STOPPED", "PAUSED"}:
        changed = (*changed, Edit("state", live.state, "RUNNING"))
    if changed:
        yield Change(kind, connector.name, Action.UPDATE, changed)
    elif live.failed:
        yield Change(kind, connector.name, Action.RESTART, note="; ".join(live.failed))


def _foreign(connector: Connector, live: LiveConnector | None, owner: str) -> Iterator[str]:
    mark = live.config.get(OWNER_KEY, owner) if live else owner
    if mark != owner:
        yield f"{connector.file}: {connector.name} belongs to {mark}: give yours another name"


def _gone(desired: Desired, live: Live, owner: str) -> Iterator[Change]:
    queries = {query.name for query in desired.queries}
    for name, query in sorted(live.queries.items()):
        if query.ours and name not in queries:
            yield Change(Kind.QUERY, name, Action.DELETE, tuple(_difference(query.lines, ())))
    declared = {connector.name for connector in desired.connectors}
    for name, found in sorted(live.connectors.items()):
        if name not in declared and found.config.get(OWNER_KEY) == owner:
            kind = Kind.SINK if is_sink(found.config) else Kind.SOURCE
            yield Change(kind, name, Action.DELETE, edits(found.config, {}))


def table_problems(tables: tuple[Table, ...], live: LiveTables) -> Iterator[str]:
    """Where a sink would fail on its first record: a table, column or key that is not there."""
    for table in tables:
        columns = live.columns.get(table.name)
        if columns is None:
            yield (
                f"{table.file}: table: there is no table {table.name}:"
                " create it in postgres/db_setup.sql"
            )
            continue
        missing = [column for column in table.columns if column not in columns]
        if missing:
            yield (
                f"{table.file}: table {table.name} lacks {', '.join(missing)}, which the topic's"
                " schema has: add it in postgres/db_setup.sql (ALTER TABLE ... ADD COLUMN IF NOT"
                " EXISTS)"
            )
        if tuple(sorted(table.key)) not in live.keys.get(table.name, frozenset()):
            yield (
                f"{table.file}: key: {', '.join(table.key)} is not the primary key of"
                f" {table.name}: an upsert needs a unique key"
            )
