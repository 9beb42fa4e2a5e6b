"""Renames the streams, tables and topics in a statement."""

from collections.abc import Mapping

from pipeline.sql.dialect import Ksql
from pipeline.sql.statements import Statement

# The words that can follow a source without an alias.
AFTER_SOURCE = {
    "JOIN", "INNER", "LEFT", "RIGHT", "FULL", "ON", "WITHIN", "WHERE", "WINDOW", "GROUP BY",
    "PARTITION BY", "HAVING", "EMIT", "",
}  # fmt: skip


def renamed(statement: Statement, names: Mapping[str, str], topics: Mapping[str, str]) -> str:
    """A statement's text with other names for its streams and tables, and for its topic.

    A source keeps its old name as an alias, so that qualified columns stay valid.

    Raises:
        SpecError: the statement does not name its topic.
    """
    text = statement.text
    tokens = Ksql().tokenize(text)
    words = [" ".join(token.text.upper().split()) for token in tokens]
    edits: list[tuple[int, int, str]] = []
    has_topic = False
    for at, token in enumerate(tokens):
        before = words[at - 1] if at else ""
        if before in {"STREAM", "TABLE"} and at == 2:
            edits.append((token.start, token.end + 1, names[statement.name]))
        elif before in {"FROM", "JOIN"}:
            following = words[at + 1] if at + 1 < len(words) else ""
            old = text[token.start : token.end + 1]
            name = old.strip('`"') if old != token.text else token.text.upper()
            alias = f" {old}" if following in AFTER_SOURCE else ""
            edits.append((token.start, token.end + 1, names[name] + alias))
        elif before == "=" and words[at - 2] == "KAFKA_TOPIC":
            edits.append((token.start, token.end + 1, f"'{topics[statement.topic]}'"))
            has_topic = True
    if not has_topic:
        statement.refuse(None, "a case needs the topic's name: add WITH (KAFKA_TOPIC = '…')")
    for start, end, new in reversed(edits):
        text = text[:start] + new + text[end:]
    return text
