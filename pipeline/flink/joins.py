"""What a query reads: a source, or two of them joined."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlglot import exp

from pipeline.flink.expressions import Scope, Typed, translate
from pipeline.flink.relations import Relation, flink_type, quoted
from pipeline.ksql import Query, Statement, aliases_of


@dataclass(frozen=True)
class Input:
    """What a query reads: a FROM clause, the columns it gives, its event time, its natural key."""

    sql: str
    columns: Mapping[tuple[str, str], Typed]
    rowtime: str
    keys: tuple[Typed, ...]
    is_table: bool


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
    def sql(self) -> str:
        return f"{quoted(self.relation.name)} AS {quoted(self.alias)}"


def read(statement: Statement, query: Query, relations: Mapping[str, Relation]) -> Input:
    """What the query reads.

    Raises:
        SpecError: it is a join that would not mean the same on both engines.
    """
    sides = [_Side(a, relations[name]) for a, name in aliases_of(query.select).items()]
    for side in sides:
        if side.relation.windowed:
            name = side.relation.name
            statement.refuse(query.select, f"{name} is windowed: it cannot be read again on Flink")
    left = sides[0]
    if len(sides) == 1:
        is_table = left.relation.is_table
        rowtime = "" if is_table else left.rowtime
        return Input(left.sql, left.columns, rowtime, left.keys, is_table)
    join = query.select.args["joins"][0]
    if len(sides) > 2 or join.side not in {"", "LEFT"} or join.kind not in {"", "INNER", "OUTER"}:
        statement.refuse(join, "one JOIN or LEFT JOIN of two sources runs on both targets")
    return _joined(statement, query, join, left, sides[1])


def _joined(statement: Statement, query: Query, join: exp.Join, left: _Side, right: _Side) -> Input:
    ends = _ends(statement, join, left, right)
    if right.relation.is_table and ends[1] != right.keys[0]:
        key = right.relation.keys[0]
        statement.refuse(join.args["on"], f"a table is joined by its key, {key}")
    kind = "LEFT JOIN" if join.side else "JOIN"
    sql = f"{left.sql}\n{kind} {right.sql} ON {ends[0].sql} = {ends[1].sql}"
    tables = left.relation.is_table, right.relation.is_table
    if tables == (True, True):
        return Input(sql, {**left.columns, **right.columns}, "", left.keys, is_table=True)
    if tables == (True, False):
        statement.refuse(join, "the stream stands left, the table right")
    if tables == (False, False):
        return _within(statement, query, join, sql, left, right, ends[0])
    if not right.relation.is_declared:
        name = right.relation.name
        statement.refuse(join, f"{name} is computed: a stream is joined with a table on a topic")
    return _current_row(left, right, ends[0], inner=not join.side)


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
        statement.refuse(on or join, "ON compares one column with one column")
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
        statement.refuse(join, "two streams are joined WITHIN a time")
    if join.side:
        statement.refuse(join, "of two streams, only the inner JOIN runs on both targets")
    earliest, latest = f"{left.rowtime} - {within_ms}", f"{left.rowtime} + {within_ms}"
    return Input(
        f"{sql} AND {right.rowtime} BETWEEN {earliest} AND {latest}",
        {**left.columns, **right.columns},
        f"GREATEST({left.rowtime}, {right.rowtime})",
        (key,),
        is_table=False,
    )


def _current_row(left: _Side, right: _Side, key: Typed, *, inner: bool) -> Input:
    types = right.relation.columns
    row = ", ".join(f"`{name}` {flink_type(type_)}" for name, type_ in types.items())
    named = ", ".join(quoted(name) for name in types)
    own = {name: flink_type(type_) for name, type_ in left.relation.columns.items()}
    own["ROWTIME"] = "BIGINT"
    ours = ", ".join(quoted(name) for name in own)
    nulls = ", ".join(f"CAST(NULL AS {type_})" for type_ in own.values())
    join_column = key.sql.split(".", 1)[1]
    changes = quoted(f"{right.relation.name}__changes")
    found = " AND `__row` IS NOT NULL" if inner else ""
    sql = f"""(
  SELECT {ours}, `__row` FROM (
    SELECT `__left`, {ours}, LAST_VALUE(`__row`) OVER (
      PARTITION BY `__join` ORDER BY `__at` ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS `__row`
    FROM (
      SELECT TRUE AS `__left`, {join_column} AS `__join`, {ours},
        CAST(NULL AS ROW<{row}>) AS `__row`, PROCTIME() AS `__at` FROM {quoted(left.relation.name)}
      UNION ALL
      SELECT FALSE, {quoted(right.relation.keys[0])}, {nulls},
        CAST(ROW({named}) AS ROW<{row}>), PROCTIME() FROM {changes}
    )
  ) WHERE `__left`{found}
) AS {quoted(left.alias)}"""
    columns = left.columns | {
        (right.alias, name): Typed(f"`{left.alias}`.`__row`.`{name}`", type_)
        for name, type_ in types.items()
    }
    return Input(sql, columns, left.rowtime, (key,), is_table=False)
