"""The views of a script of PostgreSQL: their columns, and names in them that nothing gives. Pure.

What it cannot read, it leaves to PostgreSQL: a view is checked only if all that it reads is known.
"""

import logging
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import Scope, traverse_scope

from pipeline.sql.steps import UnclosedError, split
from pipeline.suggest import did_you_mean

DIALECT = "postgres"
PUBLIC = "public"
DEFINING = re.compile(r"(create\s+(or\s+replace\s+)?(view|table)|alter\s+table)\b", re.IGNORECASE)
# How sqlglot says that a table has no such column.
UNKNOWN = "Unknown column: "
# sqlglot's notes on what it cannot read.
logging.getLogger("sqlglot").setLevel(logging.ERROR)

# Columns by table or view. Those of the schema public have no schema in their name.
Relations = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Missing:
    """A name that nothing gives. `line` counts from 1, in the text that was read."""

    line: int
    message: str


@dataclass(frozen=True)
class Views:
    """What a script makes of some tables: all relations after it, and names that nothing gives."""

    relations: Relations
    missing: tuple[Missing, ...]


def read(script: str, tables: Relations) -> Views:
    """Goes through a script's tables and views, in their order."""
    relations = dict(tables)
    missing: list[Missing] = []
    for line, statement in _defining(script):
        if isinstance(statement, exp.Alter):
            name = _name(statement.this)
            added = [action.name for action in statement.args["actions"] if _is_column(action)]
            relations[name] = tuple(dict.fromkeys((*relations.get(name, ()), *added)))
        elif statement.kind == "TABLE" and isinstance(statement.this, exp.Schema):
            columns = statement.this.expressions
            relations[_name(statement.this.this)] = tuple(c.name for c in columns if _is_column(c))
        elif statement.kind == "VIEW":
            select = statement.expression
            if _unknown(select, relations):
                relations[_name(statement.this)] = tuple(select.named_selects)
                continue
            relations[_name(statement.this)], unresolved = _query(select, relations)
            missing += [Missing(line - 1 + m.line, m.message) for m in unresolved]
    return Views(relations, tuple(missing))


def query(sql: str, relations: Relations) -> tuple[tuple[str, ...], tuple[Missing, ...]]:
    """The columns of a query, and names in it that nothing gives.

    Raises:
        SqlglotError: it cannot be read.
    """
    parsed = sqlglot.parse_one(sql, dialect=DIALECT)
    if not isinstance(parsed, exp.Query):
        return (), (Missing(1, "is no SELECT"),)
    unknown = _unknown(parsed, relations)
    if unknown:
        return (), tuple(Missing(_line(t.this), _no_relation(t, relations)) for t in unknown)
    return _query(parsed, relations)


def _defining(script: str) -> Iterator[tuple[int, exp.Create | exp.Alter]]:
    try:
        steps = split(script)
    except UnclosedError:
        # Another check tells.
        return
    for step in steps:
        if DEFINING.match(step.text):
            try:
                statement = sqlglot.parse_one(step.text, dialect=DIALECT)
            except SqlglotError:
                continue
            if isinstance(statement, exp.Create | exp.Alter):
                yield step.line, statement


def _is_column(part: exp.Expr) -> bool:
    return isinstance(part, exp.ColumnDef)


def _name(table: exp.Table) -> str:
    schema = table.db if table.db != PUBLIC else ""
    return f"{schema}.{table.name}" if schema else table.name


def _no_relation(table: exp.Table, relations: Relations) -> str:
    name = _name(table)
    return f"there is no table or view {name}{did_you_mean(name, relations)}"


def _unknown(parsed: exp.Query, relations: Relations) -> list[exp.Table]:
    """The tables that a query reads and that are not known."""
    return [table for table in _named(parsed) if _name(table) not in relations]


def _named(parsed: exp.Query) -> list[exp.Table]:
    """The tables that a query reads: no functions, and no names of its own WITH."""
    defined = {cte.alias for cte in parsed.find_all(exp.CTE)}
    tables = parsed.find_all(exp.Table)
    return [t for t in tables if isinstance(t.this, exp.Identifier) and t.name not in defined]


def _query(parsed: exp.Query, relations: Relations) -> tuple[tuple[str, ...], tuple[Missing, ...]]:
    """See `query`. All tables are known."""
    for table in _named(parsed):
        if not table.db:
            table.set("db", exp.to_identifier(PUBLIC))
    try:
        qualified = qualify(
            parsed.copy(),
            dialect=DIALECT,
            schema=_schema(relations),
            quote_identifiers=False,
            validate_qualify_columns=False,
        )
    except SqlglotError as error:
        name = str(error).rpartition(UNKNOWN)[2]
        columns = [column for column in parsed.find_all(exp.Column) if column.name == name]
        absent = (Missing(_line(c.this), f"there is no column {c.sql()}") for c in columns)
        return tuple(parsed.named_selects), tuple(absent)
    # A column of a query within another is in the scope of both: the innermost comes first.
    by_column: dict[int, Missing] = {}
    for scope in traverse_scope(qualified):
        for column, missing in _unresolved(scope, relations):
            by_column.setdefault(id(column), missing)
    return tuple(qualified.named_selects), tuple(dict.fromkeys(by_column.values()))


def _schema(relations: Relations) -> dict[str, object]:
    """The relations as sqlglot takes them. The types do not matter."""
    by_schema: dict[str, dict[str, dict[str, str]]] = {}
    for name, columns in relations.items():
        space, _, bare = name.rpartition(".")
        by_schema.setdefault(space or PUBLIC, {})[bare] = dict.fromkeys(columns, "text")
    return {**by_schema}


def _unresolved(scope: Scope, relations: Relations) -> Iterator[tuple[exp.Column, Missing]]:
    for column in scope.columns:
        visible = _visible(scope)
        source = visible.get(column.table)
        given = [source] if source is not None else list(visible.values())
        names = [name for one in given for name in _columns(one, relations) or ("*",)]
        if "*" not in names and column.name not in names:
            hint = did_you_mean(column.name, names)
            message = f"there is no column {column.name}{_among(given)}{hint}"
            yield column, Missing(_line(column.this), message)


def _visible(scope: Scope) -> dict[str, exp.Table | Scope]:
    """What a query's columns can be of: a lateral one sees what is around it."""
    around = _visible(scope.parent) if scope.parent else {}
    return {**around, **scope.sources}


def _among(sources: Iterable[exp.Table | Scope]) -> str:
    named = [_name(source) for source in sources if isinstance(source, exp.Table)]
    return f" in {' or '.join(dict.fromkeys(named))}" if named else ""


def _columns(source: exp.Table | Scope, relations: Relations) -> tuple[str, ...]:
    """The columns of what a query reads; none if they are not known."""
    if isinstance(source, exp.Table):
        return relations.get(_name(source), ())
    alias = source.expression.parent
    named = alias.alias_column_names if isinstance(alias, exp.Subquery | exp.CTE) else []
    selects = getattr(source.expression, "selects", [])
    return tuple(named or (part.alias_or_name for part in selects))


def _line(identifier: exp.Expr) -> int:
    return int(identifier.meta.get("line", 1))
