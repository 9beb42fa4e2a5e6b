"""Facts from the specs for the programs beside `render.py`: the producer and the demo."""

from pipeline.repository.project import Project


def raw_topics(project: Project) -> dict[str, str]:
    """The field that is the records' key, by topic that a source of this repository writes."""
    return {
        topic: key
        for source in project.connectors
        for topic in source.writes
        for key in source.given("field").values()
    }


def records_of(project: Project, topic: str) -> int | None:
    """How many records the sources of a topic write; None if one of them never ends."""
    specs = [source.spec.model_dump() for source in project.connectors if topic in source.writes]
    counts: list[int | None] = [spec.get("iterations") for spec in specs]
    return None if None in counts else sum(count or 0 for count in counts)


def tables(project: Project) -> list[str]:
    """The tables that the sinks write, in the order in which the topics are declared."""
    order = [*project.topics.topics, *project.schemas]
    sinks = [source for source in project.connectors if source.table]
    ordered = sorted(sinks, key=lambda sink: order.index(sink.reads[0]))
    return list(dict.fromkeys(sink.table for sink in ordered))
