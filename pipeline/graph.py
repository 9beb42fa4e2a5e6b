"""The pipeline as a Mermaid flow chart."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from pipeline.repository.source import DEAD_LETTER_QUEUE
from pipeline.resources.connector import Connector
from pipeline.resources.desired import Desired
from pipeline.sql.statements import Statement


def mermaid(desired: Desired, statements: Sequence[Statement]) -> str:
    """The chart's text: connectors, topics, queries and tables, and the data flow between them."""
    lines = [*_lines(desired), *_queries(statements)]
    return "\n".join(["flowchart LR", *dict.fromkeys(lines)])


def _queries(statements: Sequence[Statement]) -> Iterator[str]:
    topics = {statement.name: statement.topic for statement in statements}
    for statement in statements:
        if statement.query is None:
            continue
        node = f"query_{_id(statement.name)}"
        yield f"  {node}[/{statement.name}/]"
        for source in statement.sources:
            yield f"  {_id(topics[source])} --> {node}"
        yield _topic(statement.topic)
        yield f"  {node} --> {_id(statement.topic)}"


def _lines(desired: Desired) -> Iterator[str]:
    tables = {table.file: table.name for table in desired.tables}
    for connector in desired.connectors:
        yield f"  {_id(connector.name)}[{connector.name}]"
        yield from _sink(connector, tables) if connector.is_sink else _source(connector)


def _source(connector: Connector) -> Iterator[str]:
    for topic in connector.topics:
        yield _topic(topic)
        yield f"  {_id(connector.name)} --> {_id(topic)}"


def _sink(connector: Connector, tables: dict[Path, str]) -> Iterator[str]:
    queue = connector.config.get(DEAD_LETTER_QUEUE)
    for topic in connector.topics:
        if topic != queue:
            yield _topic(topic)
            yield f"  {_id(topic)} --> {_id(connector.name)}"
    if queue:
        yield _topic(queue)
        yield f"  {_id(connector.name)} -. what cannot be read .-> {_id(queue)}"
    table = tables.get(connector.file)
    if table:
        yield f"  table_{_id(table)}[({table})]"
        yield f"  {_id(connector.name)} --> table_{_id(table)}"


def _topic(name: str) -> str:
    return f"  {_id(name)}{{{{{name}}}}}"


def _id(name: str) -> str:
    return re.sub(r"\W", "_", name)
