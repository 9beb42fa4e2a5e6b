"""The pipeline as a Mermaid flow chart."""

import re
from collections.abc import Iterator

from pipeline.desired import Connector, Desired


def mermaid(desired: Desired) -> str:
    """Connectors, topics and tables, and what flows between them."""
    lines = ["flowchart LR", *dict.fromkeys(_lines(desired))]
    return "\n".join(lines)


def _lines(desired: Desired) -> Iterator[str]:
    tables = {table.connector: table.name for table in desired.tables}
    for connector in desired.connectors:
        yield f"  {_id(connector.name)}[{connector.name}]"
        yield from _sink(connector, tables) if connector.is_sink else _source(connector)


def _source(connector: Connector) -> Iterator[str]:
    topic = connector.config.get("kafka.topic")
    if topic:
        yield _topic(topic)
        yield f"  {_id(connector.name)} --> {_id(topic)}"


def _sink(connector: Connector, tables: dict[str, str]) -> Iterator[str]:
    for topic in connector.config.get("topics", "").split(","):
        if topic:
            yield _topic(topic)
            yield f"  {_id(topic)} --> {_id(connector.name)}"
    queue = connector.config.get("errors.deadletterqueue.topic.name")
    if queue:
        yield _topic(queue)
        yield f"  {_id(connector.name)} -. what cannot be read .-> {_id(queue)}"
    if connector.name in tables:
        table = tables[connector.name]
        yield f"  table_{_id(table)}[({table})]"
        yield f"  {_id(connector.name)} --> table_{_id(table)}"


def _topic(name: str) -> str:
    return f"  {_id(name)}{{{{{name}}}}}"


def _id(name: str) -> str:
    return re.sub(r"\W", "_", name)
