"""Facts from the specs for the programs beside `render.py`: the producer, the demo, Airflow."""

from collections.abc import Iterator
from dataclasses import dataclass

from pipeline.repository.project import Project
from pipeline.repository.specs import DatagenSpec, JdbcSinkSpec
from pipeline.schemas import DELIMITER, Schema


@dataclass(frozen=True)
class Table:
    """A table that a sink writes; `required` are the columns beside its key that are never null."""

    topics: tuple[str, ...]
    key: tuple[str, ...]
    required: tuple[str, ...]


def raw_topics(project: Project) -> dict[str, str]:
    """The field that is the records' key, by topic that a Datagen source writes."""
    return {spec.topic: spec.key for spec in _sources(project)}


def records_of(project: Project, topic: str) -> int | None:
    """How many records the Datagen sources of a topic write; None if they never end."""
    counts = [spec.iterations for spec in _sources(project) if spec.topic == topic]
    return None if None in counts else sum(filter(None, counts))


def tables(project: Project) -> dict[str, Table]:
    """The tables that the sinks write, in the order in which topics.yaml has their topics."""
    order = list(project.topics.topics)
    sinks = sorted(_sinks(project), key=lambda spec: order.index(spec.topics[0]))
    return {
        spec.table: Table(tuple(spec.topics), tuple(spec.key), tuple(_required(project, spec)))
        for spec in sinks
    }


def _sources(project: Project) -> Iterator[DatagenSpec]:
    for source in project.connectors:
        if isinstance(source.spec, DatagenSpec):
            yield source.spec


def _sinks(project: Project) -> Iterator[JdbcSinkSpec]:
    for source in project.connectors:
        if isinstance(source.spec, JdbcSinkSpec):
            yield source.spec


def _required(project: Project, spec: JdbcSinkSpec) -> Iterator[str]:
    each = [set(_never_null(project.schemas[t])) for t in spec.topics if t in project.schemas]
    if each:
        yield from sorted(set.intersection(*each) - set(spec.key))


def _never_null(schema: Schema, prefix: str = "") -> Iterator[str]:
    for field in schema["fields"]:
        name, kind = f"{prefix}{field['name'].lower()}", field["type"]
        if isinstance(kind, dict) and kind["type"] == "record":
            yield from _never_null(kind, f"{name}{DELIMITER}")
        elif not isinstance(kind, list) or "null" not in kind:
            yield name
