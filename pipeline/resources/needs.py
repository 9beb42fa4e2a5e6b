"""What each resource needs of the others: it is left alone if one of them cannot be made."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pipeline.change import Key
from pipeline.resources import query, subject, topic
from pipeline.resources.connector import Connector, Connectors
from pipeline.resources.desired import Desired
from pipeline.resources.script import KIND as TABLE
from pipeline.schemas import subject_of

Needs = Mapping[Key, frozenset[Key]]


def needs(desired: Desired, live: Mapping[str, Mapping[str, Any]]) -> Needs:
    """What each declared resource needs directly, of what is declared."""
    found = dict(_pairs(desired))
    if desired.script.name not in live.get(TABLE, {}):
        # The roles that get privileges on the tables.
        script = (TABLE, desired.script.name)
        found |= {(TABLE, t.name): found[TABLE, t.name] | {script} for t in desired.tables}
    return {key: frozenset(needed & found.keys()) for key, needed in found.items()}


def made_from(desired: Desired) -> Needs:
    """What a resource is made from: it may not fit any more if that changes."""
    return {key: frozenset(of) for key, of in _pairs(desired) if key[0] == TABLE and of}


def anew(desired: Desired, begun: Iterable[Key]) -> frozenset[Key]:
    """What is made anew with these: all that needs them, and the topics and subjects they write."""
    needed = {key: frozenset(found) for key, found in _pairs(desired)}
    first = frozenset(begun)
    over = {key for key in needed if closure([key], needed) & first}
    written = [q.writes for q in desired.queries if q.writes and (query.KIND, q.name) in over]
    return frozenset(over | _topics(written) | _subjects(written)) & needed.keys()


def _pairs(desired: Desired) -> Iterator[tuple[Key, set[Key]]]:
    writers = {q.writes: q.name for q in desired.queries if q.writes}
    for item in desired.topics:
        yield (topic.KIND, item.name), set()
    for schema in desired.subjects:
        yield (subject.KIND, schema.name), set()
    yield (TABLE, desired.script.name), set()
    for rows in desired.tables:
        sinks = [c for c in desired.connectors if c.table == rows.name]
        yield (TABLE, rows.name), _subjects(name for c in sinks for name in c.topics)
    for job in desired.queries:
        topics = (*job.reads, job.writes)
        upstream = {(query.KIND, name) for name in job.sources}
        yield (query.KIND, job.name), {*_topics(topics), *_subjects(topics), *upstream}
    for connector in desired.connectors:
        yield (Connectors.kind_of(connector), connector.name), _of(connector, writers)


def _of(connector: Connector, writers: Mapping[str, str]) -> set[Key]:
    needed = {*_topics(connector.topics), *_subjects(connector.topics)}
    if connector.is_sink:
        needed.add((TABLE, connector.table))
        needed |= {(query.KIND, writers[name]) for name in connector.topics if name in writers}
    return needed


def _topics(names: Iterable[str]) -> set[Key]:
    return {(topic.KIND, name) for name in names}


def _subjects(topics: Iterable[str]) -> set[Key]:
    return {(subject.KIND, subject_of(name)) for name in topics}


def closure(keys: Iterable[Key], needed: Needs) -> frozenset[Key]:
    """These resources and all that they need, directly or not."""
    found: set[Key] = set()
    waiting = list(keys)
    while waiting:
        key = waiting.pop()
        if key not in found:
            found.add(key)
            waiting += needed.get(key, ())
    return frozenset(found)
