"""Translates FROM and JOIN: a query reads one source, or two joined sources."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlglot import exp

from pipeline.sql.flink.expressions import Scope, Typed, translate
from pipeline.sql.flink.tables import ABSENT, Relation, flink_type, quoted
from pipeline.sql.statements import Query, Statement, aliases_of, name_of


@dataclass(frozen=True)
class Input:
    """The input of a query: its FROM clause, columns, event time and key.

    `absent` is a SQL condition. It is true for a stream's record without a value: joins and
    aggregates ignore such a record, a plain projection forwards it.
    """

    sql: str
    columns: Mapping[tuple[str, str], Typed]
    rowtime: str
    keys: tuple[Typed, ...]
    is_table: bool
    absent: str = "FALSE"
    conditions: tuple[str, ...] = ()

    @property
    def present(self) -> tuple[str, ...]:
        """SQL conditions that are true for records with a value."""
        return self.conditions if self.absent == "FALSE" else (f"NOT {self.absent}",)


@dataclass(frozen=True)
class _Side:
    """One side of a join, under its alias."""

    alias: str
    relation: Relation

    @property
    def columns(self) -> dict[tuple[str, str], Typed]:
        return _columns(self.relation, self.alias)

    @property
    def keys(self) -> tuple[Typed, ...]:
        return tuple(self.columns[self.alias, key] for key in self.relation.keys)

    @property
    def rowtime(self) -> str:
        return f"`{self.alias}`.`ROWTIME`"

    @property
    def absent(self) -> str:
        return f"`{self.alias}`.{quoted(ABSENT)}"

    @property
    def sql(self) -> str:
        return f"{quoted(self.relation.name)} AS {quoted(self.alias)}"


def read(statement: Statement, query: Query, relations: Mapping[str, Relation]) -> Input:
    """The query's input.

    Raises:
        SpecError: Flink cannot read a source, or the join does not mean the same on both engines.
    """
    sides = [_Side(a, relations[name]) for a, name in aliases_of(query.select).items()]
    for side in sides:
        if side.relation.windowed:
            name = side.relation.name
            statement.refuse(query.select, f"{name} is windowed: Flink cannot read it in a query")
    left = sides[0]
    if len(sides) == 1:
        is_table = left.relation.is_table
        if is_table:
            return Input(left.sql, left.columns, "", left.keys, is_table)
        return Input(left.sql, left.columns, left.rowtime, left.keys, is_table, left.absent)
    join = query.select.args["joins"][0]
    if len(sides) > 2 or join.side not in {"", "LEFT"} or join.kind not in {"", "INNER", "OUTER"}:
        statement.refuse(join, "only one JOIN or LEFT JOIN of two sources runs on both targets")
    return _joined(statement, query, join, left, sides[1])


def names_in(query: Query) -> frozenset[str]:
    """The names of the columns in a query, of all its sources."""
    by = query.partition_by.find_all(exp.Column) if query.partition_by is not None else ()
    return frozenset(name_of(c.this) for c in (*query.select.find_all(exp.Column), *by))


def _joined(statement: Statement, query: Query, join: exp.Join, left: _Side, right: _Side) -> Input:
    ends = _ends(statement, join, left, right)
    if right.relation.is_table and ends[1] != right.keys[0]:
        key = right.relation.keys[0]
        statement.refuse(join.args["on"], f"ON must use the key of the table on the right, {key}")
    kind = "LEFT JOIN" if join.side else "JOIN"
    sql = f"{left.sql}\n{kind} {right.sql} ON {ends[0].sql} = {ends[1].sql}"
    tables = left.relation.is_table, right.relation.is_table
    if tables == (True, True):
        return Input(sql, {**left.columns, **right.columns}, "", left.keys, is_table=True)
    if tables == (True, False):
        statement.refuse(join, "put the stream on the left of JOIN, the table on the right")
    if tables == (False, False):
        return _within(statement, query, join, sql, left, right, ends[0])
    return _current_row(left, right, ends[0], names_in(query), inner=not join.side)


def _columns(relation: Relation, alias: str) -> dict[tuple[str, str], Typed]:
    return {
        (alias, name): Typed(f"`{alias}`.`{name}`", type_)
        for name, type_ in relation.columns.items()
    }


def _ends(statement: Statement, join: exp.Join, left: _Side, right: _Side) -> tuple[Typed, Typed]:
    on = join.args.get("on")
    if not isinstance(on, exp.EQ) or not all(
        isinstance(side, exp.Column) for side in (on.this, on.expression)
    ):
        statement.refuse(on or join, "ON must have the form <column> = <column>")
    scope = Scope(statement, {**left.columns, **right.columns})
    ends = translate(on.this, scope), translate(on.expression, scope)
    return ends if ends[0] in left.columns.values() else (ends[1], ends[0])


def _within(
    statement: Statement,
    query: Query,
    join: exp.Join,
    sql: str,
    left: _Side,
    right: _Side,
    key: Typed,
) -> Input:
    within_ms = query.within_ms
    if within_ms is None:
        statement.refuse(join, "a join of two streams needs WITHIN")
    if join.side:
        statement.refuse(join, "two streams: only the inner JOIN runs on both targets")
    earliest, latest = f"{left.rowtime} - {within_ms}", f"{left.rowtime} + {within_ms}"
    return Input(
        f"{sql} AND {right.rowtime} BETWEEN {earliest} AND {latest}",
        {**left.columns, **right.columns},
        f"GREATEST({left.rowtime}, {right.rowtime})",
        (key,),
        is_table=False,
        conditions=(f"NOT {left.absent}", f"NOT {right.absent}"),
    )


def _current_row(
    left: _Side, right: _Side, key: Typed, names: frozenset[str], *, inner: bool
) -> Input:
    types = _named(right.relation, names)
    row = ", ".join(f"`{name}` {flink_type(type_)}" for name, type_ in types.items())
    row = f"ROW<`__present` BOOLEAN, {row}>"
    named = ", ".join(quoted(name) for name in types)
    own = {name: flink_type(type_) for name, type_ in _named(left.relation, names).items()}
    own["ROWTIME"] = "BIGINT"
    ours = ", ".join(quoted(name) for name in own)
    nulls = ", ".join(f"CAST(NULL AS {type_})" for type_ in own.values())
    join_column = key.sql.split(".", 1)[1]
    # Every change of the table, including deletions.
    changes = f"TO_CHANGELOG(input => TABLE {quoted(right.relation.name)})"
    only_present = " AND `__row`.`__present`" if inner else ""
    sql = f"""(
  SELECT {ours}, `__row` FROM (
    SELECT `__left`, {ours}, LAST_VALUE(`__row`) OVER (
      PARTITION BY `__join` ORDER BY `__at` ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS `__row`
    FROM (
      SELECT TRUE AS `__left`, {join_column} AS `__join`, {ours},
        CAST(NULL AS {row}) AS `__row`, PROCTIME() AS `__at`
      FROM {quoted(left.relation.name)} WHERE NOT {quoted(ABSENT)}
      UNION ALL
      SELECT FALSE, {quoted(right.relation.keys[0])}, {nulls},
        CAST(ROW(`op` <> 'DELETE', {named}) AS {row}), PROCTIME()
      FROM {changes} WHERE `op` <> 'UPDATE_BEFORE'
    )
  ) WHERE `__left`{only_present}
) AS {quoted(left.alias)}"""
    columns = left.columns | {
        (right.alias, name): Typed(_of_row(left.alias, name), type_)
        for name, type_ in types.items()
    }
    return Input(sql, columns, left.rowtime, (key,), is_table=False)


def _named(relation: Relation, names: frozenset[str]) -> dict[str, str]:
    return {n: t for n, t in relation.columns.items() if n in names or n in relation.keys}


def _of_row(alias: str, name: str) -> str:
    row = f"`{alias}`.`__row`"
    return f"CASE WHEN {row}.`__present` THEN {row}.`{name}` END"
