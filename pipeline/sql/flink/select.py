"""Translates CREATE STREAM AS SELECT and CREATE TABLE AS SELECT to a Flink view."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from sqlglot import exp

from pipeline.sql import allowed
from pipeline.sql.dialect import is_reserved, reserved
from pipeline.sql.flink.aggregates import has_aggregate, is_aggregate
from pipeline.sql.flink.expressions import (
    Scope,
    Typed,
    column_value,
    condition,
    translate,
)
from pipeline.sql.flink.joins import Input, read
from pipeline.sql.flink.keys import (
    check_join,
    check_key_format,
    check_sources,
    group_keys,
    partitioned,
)
from pipeline.sql.flink.source import rowtime_column
from pipeline.sql.flink.tables import ABSENT, Relation, millis, quoted, view
from pipeline.sql.flink.terms import Nulls
from pipeline.sql.statements import Query, Statement, Window, aliases_of, name_of, tables_of

WINDOW_COLUMNS = ("`WINDOWSTART`", "`WINDOWEND`")


@dataclass(frozen=True)
class _Made:
    """One column of a query's result. `is_copy`: it is AS_VALUE(…)."""

    typed: Typed
    is_copy: bool


Columns = Mapping[str, _Made]


def derive(
    statement: Statement, query: Query, relations: Mapping[str, Relation]
) -> tuple[Relation, str]:
    """The statement's relation, and the CREATE VIEW for its query.

    Raises:
        SpecError: the query does not mean the same on both engines.
    """
    allowed.check(statement, query)
    sources = [relations[name] for name in statement.sources]
    check_sources(statement, query, sources)
    input_ = read(statement, query, relations)
    check_join(statement, query, input_)
    where = _where(statement, query, input_)
    if query.select.args.get("group"):
        return _aggregate(statement, query, sources, input_, where)
    if query.window:
        statement.refuse(query.select, "a WINDOW needs GROUP BY")
    if query.select.args.get("having"):
        statement.refuse(query.select.args["having"], "HAVING needs GROUP BY: write WHERE")
    if input_.is_table != (statement.kind == "TABLE"):
        kind = "TABLE" if input_.is_table else "STREAM"
        statement.refuse(query.select, f"this query yields a {kind}: write CREATE {kind}")
    scope = Scope(statement, input_.columns)
    columns = _projection(statement, query, scope)
    keys = partitioned(query.partition_by, input_, scope) if query.partition_by else input_.keys
    _check_key(statement, query, columns, keys)
    check_key_format(statement, sources, len(keys))
    relation = _relation(statement, query, columns, keys, is_table=input_.is_table)
    items = _items(columns)
    if not input_.is_table:
        items.append(f"{_rowtime(statement, columns, input_.rowtime)} AS `ROWTIME`")
        # A WHERE condition is never true for a record without a value.
        items.append(f"{'FALSE' if where else input_.absent} AS {quoted(ABSENT)}")
    conditions = [*where, *input_.present] if where else input_.conditions
    sql = f"SELECT {', '.join(items)}\nFROM {input_.sql}{_conditions(conditions)}"
    return relation, view(statement.name, sql)


def _where(statement: Statement, query: Query, input_: Input) -> list[str]:
    node = query.select.args.get("where")
    scope = Scope(statement, input_.columns, in_filter=True)
    return [f"({_filter(node.this, scope).sql})"] if node else []


def _filter(node: exp.Expression, scope: Scope) -> Typed:
    """A WHERE or HAVING condition. A null one would stop ksqlDB's query (SqlPredicate)."""
    value = condition(node, scope)
    if value.nulls in {Nulls.NULL, Nulls.EITHER}:
        scope.refuse(node, "a null here would stop ksqlDB's query: write … = TRUE")
    return value


def _conditions(conditions: Iterable[str]) -> str:
    return f"\nWHERE {' AND '.join(conditions)}" if conditions else ""


def _items(columns: Columns) -> list[str]:
    return [f"{made.typed.sql} AS {quoted(name)}" for name, made in columns.items()]


def _relation(
    statement: Statement,
    query: Query,
    columns: Columns,
    keys: tuple[Typed, ...],
    *,
    is_table: bool,
    windowed: bool = False,
) -> Relation:
    names = tuple(_key_name(statement, query, columns, key) for key in keys)
    types = {name: made.typed.type for name, made in columns.items()}
    fields = {name: name for name in types if name not in names}
    return Relation(
        statement.name, statement.topic, types, names, fields, is_table, windowed=windowed
    )


def _key_name(statement: Statement, query: Query, columns: Columns, key: Typed) -> str:
    for name, made in columns.items():
        if made.typed == key and not made.is_copy:
            return name
    first = query.select.expressions[0]
    return statement.refuse(first, f"ksqlDB requires the key {key.sql} among the columns: add it")


def _projection(statement: Statement, query: Query, scope: Scope) -> Columns:
    columns: dict[str, _Made] = {}
    for item in query.select.expressions:
        inner = item.this if isinstance(item, exp.Alias) else item
        if not isinstance(item, exp.Alias | exp.Column):
            statement.refuse(item, "every column needs a name: add AS …")
        name = name_of(item.args["alias"] if isinstance(item, exp.Alias) else item.this)
        if name in columns:
            statement.refuse(item, f"two columns are named {name}")
        if is_reserved(name):
            statement.refuse(item.args.get("alias", item), reserved(name))
        if isinstance(item, exp.Column) and sum(name == column for _, column in scope.columns) > 1:
            statement.refuse(
                item, f"both sources have a column {name}, so ksqlDB renames it: add AS …"
            )
        is_copy = isinstance(inner, exp.Anonymous) and str(inner.this).upper() == "AS_VALUE"
        columns[name] = _Made(column_value(inner, scope), is_copy)
    return columns


def _rowtime(statement: Statement, columns: Columns, inherited: str) -> str:
    types = {name: made.typed.type for name, made in columns.items()}
    column = rowtime_column(statement, types)
    return millis(columns[column].typed.sql) if column else inherited


def _aggregate(
    statement: Statement,
    query: Query,
    sources: list[Relation],
    input_: Input,
    where: list[str],
) -> tuple[Relation, str]:
    _check_aggregate(statement, query, input_)
    windowed = query.window is not None
    scope = Scope(
        statement, input_.columns, in_window=windowed, of_table=input_.is_table, grouped=True
    )
    keys = group_keys(statement, query, input_)
    columns = _projection(statement, query, scope)
    # After the columns, so that a misspelt function is reported as such.
    _check_has_aggregate(statement, query)
    having = query.select.args.get("having")
    for item in query.select.expressions:
        _check_grouped(statement, item, scope, keys)
    _check_key(statement, query, columns, keys)
    check_key_format(statement, sources, len(keys))
    relation = _relation(statement, query, columns, keys, is_table=True, windowed=windowed)
    items, grouping = _items(columns), [key.sql for key in keys]
    if windowed:
        items.append("`WINDOWSTART` AS `__window`")
        grouping += WINDOW_COLUMNS
    conditions = [*where, *input_.present, *(f"{key.sql} IS NOT NULL" for key in keys)]
    sql = (
        f"SELECT {', '.join(items)}\nFROM {_grouped(query, input_)}"
        f"{_conditions(conditions)}\nGROUP BY {', '.join(grouping)}"
    )
    if having:
        _check_grouped(statement, having.this, scope, keys)
        sql += f"\nHAVING {_filter(having.this, replace(scope, in_filter=True)).sql}"
    return relation, view(statement.name, sql)


def _check_aggregate(statement: Statement, query: Query, input_: Input) -> None:
    if statement.kind != "TABLE":
        statement.refuse(query.select, "GROUP BY yields a TABLE: write CREATE TABLE")
    if len(tables_of(query.select)) > 1:
        statement.refuse(query.select, "GROUP BY of a join: join in a statement before this one")
    if query.window and input_.is_table:
        statement.refuse(query.select, "a table has no windows: group by a column instead")
    if query.partition_by is not None:
        statement.refuse(query.partition_by, "GROUP BY sets the result's key: remove PARTITION BY")


def _check_has_aggregate(statement: Statement, query: Query) -> None:
    parts = [*query.select.expressions, query.select.args.get("having")]
    if not any(has_aggregate(part) for part in parts if part is not None):
        statement.refuse(query.select, "GROUP BY needs an aggregate in SELECT or HAVING")


def _check_grouped(
    statement: Statement, item: exp.Expression, scope: Scope, keys: tuple[Typed, ...]
) -> None:
    """Checks that every column outside of an aggregate is in GROUP BY."""
    grouped = {*(key.sql for key in keys), *WINDOW_COLUMNS}
    inner = item.this if isinstance(item, exp.Alias) else item
    for node in _outside_aggregates(inner, scope, grouped):
        statement.refuse(node, "the column is neither in GROUP BY nor in an aggregate")


def _outside_aggregates(
    node: exp.Expression, scope: Scope, grouped: set[str]
) -> Iterator[exp.Expression]:
    if is_aggregate(node):
        return
    if not has_aggregate(node) and translate(node, scope).sql in grouped:
        return
    if isinstance(node, exp.Column):
        yield node
        return
    for child in node.iter_expressions():
        if not isinstance(child, exp.DataType | exp.If):
            yield from _outside_aggregates(child, scope, grouped)
        elif isinstance(child, exp.If):
            for part in child.iter_expressions():
                yield from _outside_aggregates(part, scope, grouped)


def _grouped(query: Query, input_: Input) -> str:
    ((alias, name),) = aliases_of(query.select).items()
    if query.window:
        return f"({_windows(quoted(name), query.window)}) AS {quoted(alias)}"
    if input_.is_table:
        weight = "CASE WHEN `op` IN ('INSERT', 'UPDATE_AFTER') THEN 1 ELSE -1 END"
        changes = f"TO_CHANGELOG(input => TABLE {quoted(name)})"
        return f"(SELECT *, {weight} AS `__weight` FROM {changes}) AS {quoted(alias)}"
    return f"{quoted(name)} AS {quoted(alias)}"


def _check_key(
    statement: Statement, query: Query, columns: Columns, keys: tuple[Typed, ...]
) -> None:
    """Checks the key columns as ksqlDB does (FinalProjectNode, LogicalPlanner).

    Each key is selected once, not counting AS_VALUE, and there is at least one other column.
    """
    seen: set[Typed] = set()
    for item, made in zip(query.select.expressions, columns.values(), strict=True):
        if made.typed in keys and not made.is_copy:
            if made.typed in seen:
                statement.refuse(item, "the key is selected twice: write AS_VALUE(…) for the copy")
            seen.add(made.typed)
    if all(made.typed in keys and not made.is_copy for made in columns.values()):
        statement.refuse(
            query.select, "only the key is selected: add a column, or AS_VALUE(…) of the key"
        )


def _windows(name: str, window: Window) -> str:
    """A SELECT of each row with the bounds of its window, once for each window it is in."""
    last = f"`ROWTIME` - MOD(`ROWTIME`, {window.advance})"
    start = last if window.advance == window.size else f"{last} - `__step`"
    end = f"{start} + {window.size}"
    sql = f"SELECT *, {start} AS `WINDOWSTART`, {end} AS `WINDOWEND` FROM {name}"
    if window.advance == window.size:
        return sql
    steps = ", ".join(str(step) for step in range(0, window.size, window.advance))
    unnested = f"CROSS JOIN UNNEST(ARRAY[{steps}]) AS `__steps` (`__step`)"
    # Kafka Streams has no windows that begin before 1970 (TimeWindows.windowsFor).
    return f"{sql} {unnested} WHERE {end} > `ROWTIME` AND {start} >= 0"
