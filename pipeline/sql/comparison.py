"""Compares ksqlDB statements by meaning, and finds the parts that differ.

ksqlDB rewrites a statement: it qualifies names, adds parentheses, OUTER and properties of its own.
"""

from collections.abc import Iterator, Mapping

from sqlglot import exp

from pipeline.live import Line
from pipeline.sql.dialect import Ksql
from pipeline.sql.statements import Query, Statement, aliases_of, name_of

DEFAULTS = {"KEY_FORMAT": "KAFKA", "VALUE_FORMAT": "AVRO"}
COMPARED = ("KAFKA_TOPIC", "KEY_FORMAT", "VALUE_FORMAT", "TIMESTAMP")


def canonical(statement: Statement) -> str:
    """A text that is equal for statements with the same meaning."""
    return "\n".join(line.meaning for line in parts(statement))


def parts(statement: Statement) -> tuple[Line, ...]:
    """A statement's head, columns, clauses and properties, one line each."""
    return tuple(_parts(statement))


def _parts(statement: Statement) -> Iterator[Line]:
    yield _same(f"CREATE {statement.kind} {statement.name}")
    for column in statement.columns:
        yield _same(f"{column.name} {column.type}{' KEY' if column.is_key else ''}")
    for key, value in sorted(statement.properties.items()):
        if key in COMPARED and DEFAULTS.get(key) != value:
            yield _same(f"{key} = '{value.upper() if key == 'TIMESTAMP' else value}'")
    if statement.query is not None:
        yield from _query(statement.query)


def _query(query: Query) -> Iterator[Line]:
    aliases = aliases_of(query.select)
    for item in query.select.expressions:
        inner = item.this if isinstance(item, exp.Alias) else item
        name = item.args["alias"] if isinstance(item, exp.Alias) else item.this
        meaning = f"{_dump(name, aliases)} = {_dump(inner, aliases)}"
        yield Line(meaning, f"{_written(inner)} AS {name_of(name)}")
    yield _same(f"FROM {' '.join(aliases.values())}")
    for join in query.select.args.get("joins") or ():
        on = join.args.get("on")
        kind = f"{join.side} JOIN".strip()
        yield Line(f"{kind} {_dump(on, aliases)}", f"{kind} ON {_written(on)}")
    for part in ("where", "group", "having"):
        node = query.select.args.get(part)
        if node:
            yield Line(f"{part} {_dump(node, aliases)}", _written(node).strip())
    if query.window:
        yield _same(f"WINDOW of {query.window.size} ms, every {query.window.advance} ms")
    if query.within_ms is not None:
        yield _same(f"WITHIN {query.within_ms} MILLISECONDS")
    if query.partition_by:
        written = f"PARTITION BY {_written(query.partition_by)}"
        yield Line(f"partition by {_dump(query.partition_by, aliases)}", written)


def _same(text: str) -> Line:
    return Line(text, text)


def _written(node: exp.Expression | None) -> str:
    return node.sql(dialect=Ksql, comments=False) if node is not None else ""


def _dump(value: object, aliases: Mapping[str, str]) -> str:
    """An expression's structure as text, without redundant parentheses and qualifiers."""
    if isinstance(value, exp.Paren):
        text = _dump(value.this, aliases)
    elif isinstance(value, exp.Identifier):
        text = name_of(value)
    elif isinstance(value, exp.Column):
        table = value.args.get("table")
        source = f"{aliases.get(name_of(table), '?')}." if table and len(aliases) > 1 else ""
        text = f"{source}{name_of(value.this)}"
    elif isinstance(value, exp.Anonymous):
        text = f"{str(value.this).upper()}({_dump(value.expressions, aliases)})"
    elif isinstance(value, exp.Expression):
        children = [child for child in value.args.values() if child not in (None, [], False)]
        text = f"{type(value).__name__}({_dump(children, aliases)})"
    elif isinstance(value, list):
        text = ", ".join(_dump(item, aliases) for item in value)
    else:
        text = str(value)
    return text
