"""ksqlDB's expressions as Flink's, with their types by ksqlDB's rules. Others are refused."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sqlglot import exp

from pipeline.flink.relations import millis
from pipeline.ksql import TYPES, Statement, name_of
from pipeline.suggest import unknown

NUMBERS = ("INTEGER", "BIGINT", "DOUBLE")
# Letters that mean the same to Java's DateTimeFormatter in both engines.
PATTERN = re.compile(r"^[yMdHms:. /-]+$")
UNITS = {"MILLISECONDS", "SECONDS", "MINUTES", "HOURS", "DAYS"}


@dataclass(frozen=True)
class Typed:
    """An expression in Flink SQL, and its type in ksqlDB's words."""

    sql: str
    type: str


@dataclass(frozen=True)
class Scope:
    """What an expression can see: Flink's columns by (alias, name), and the statement it is in."""

    statement: Statement
    columns: Mapping[tuple[str, str], Typed]
    in_window: bool = False
    of_table: bool = False

    def refuse(self, node: exp.Expression, message: str) -> Typed:
        """Raises a mistake at the node."""
        return self.statement.refuse(node, message)


def translate(node: exp.Expression, scope: Scope) -> Typed:
    """One expression.

    Raises:
        SpecError: it is none that means the same on both engines; with its place.
    """
    handler = _NODES.get(type(node))
    if handler is None:
        return scope.refuse(node, f"{type(node).__name__} does not run on both targets")
    return handler(node, scope)


def _column(node: exp.Expression, scope: Scope) -> Typed:
    name = name_of(node.this)
    alias = name_of(node.args["table"]) if node.args.get("table") else ""
    if scope.in_window and not alias and name in {"WINDOWSTART", "WINDOWEND"}:
        return Typed(f"`{name}`", "BIGINT")
    found = [
        typed
        for (table, column), typed in scope.columns.items()
        if column == name and alias in {"", table}
    ]
    if len(found) > 1:
        return scope.refuse(node, f"{name} is in more than one source: say which")
    if not found:
        return scope.refuse(node, unknown("column", name, {c for _, c in scope.columns}))
    return found[0]


def _literal(node: exp.Expression, _: Scope) -> Typed:
    text = str(node.this)
    if node.args["is_string"]:
        escaped = text.replace("'", "''")
        return Typed(f"'{escaped}'", "STRING")
    if text.isdigit():
        return Typed(text, "INTEGER" if int(text) < 2**31 else "BIGINT")
    return Typed(f"CAST({text} AS DOUBLE)", "DOUBLE")


def _boolean(node: exp.Expression, _: Scope) -> Typed:
    return Typed("TRUE" if node.this else "FALSE", "BOOLEAN")


def _null(_: exp.Expression, __: Scope) -> Typed:
    return Typed("NULL", "NULL")


def _paren(node: exp.Expression, scope: Scope) -> Typed:
    inner = translate(node.this, scope)
    return Typed(f"({inner.sql})", inner.type)


def _arithmetic(operator: str) -> Callable[[exp.Expression, Scope], Typed]:
    def handle(node: exp.Expression, scope: Scope) -> Typed:
        left, right = translate(node.this, scope), translate(node.expression, scope)
        if operator == "+" and left.type == right.type == "STRING":
            return Typed(f"{left.sql} || {right.sql}", "STRING")
        type_ = _wider(node, scope, left, right)
        if operator == "%":
            return Typed(f"MOD({left.sql}, {right.sql})", type_)
        return Typed(f"{left.sql} {operator} {right.sql}", type_)

    return handle


def _wider(node: exp.Expression, scope: Scope, *operands: Typed) -> str:
    for operand in operands:
        if operand.type not in NUMBERS:
            scope.refuse(node, f"expected a number, this is {operand.type}")
    return max((operand.type for operand in operands), key=NUMBERS.index)


def _comparison(operator: str) -> Callable[[exp.Expression, Scope], Typed]:
    def handle(node: exp.Expression, scope: Scope) -> Typed:
        left, right = translate(node.this, scope), translate(node.expression, scope)
        _comparable(node, scope, left, right)
        return Typed(f"{left.sql} {operator} {right.sql}", "BOOLEAN")

    return handle


def _comparable(node: exp.Expression, scope: Scope, left: Typed, right: Typed) -> None:
    if left.type != right.type and not {left.type, right.type} <= set(NUMBERS):
        scope.refuse(node, f"{left.type} and {right.type} cannot be compared")


def _logical(operator: str) -> Callable[[exp.Expression, Scope], Typed]:
    def handle(node: exp.Expression, scope: Scope) -> Typed:
        left, right = condition(node.this, scope), condition(node.expression, scope)
        return Typed(f"{left.sql} {operator} {right.sql}", "BOOLEAN")

    return handle


def condition(node: exp.Expression, scope: Scope) -> Typed:
    """An expression that is true, false or null."""
    found = translate(node, scope)
    if found.type != "BOOLEAN":
        scope.refuse(node, f"expected a condition, this is {found.type}")
    return found


def _not(node: exp.Expression, scope: Scope) -> Typed:
    return Typed(f"NOT ({condition(node.this, scope).sql})", "BOOLEAN")


def _is_null(node: exp.Expression, scope: Scope) -> Typed:
    if not isinstance(node.expression, exp.Null):
        return scope.refuse(node, "only IS NULL and IS NOT NULL run on both targets")
    return Typed(f"{translate(node.this, scope).sql} IS NULL", "BOOLEAN")


def _in(node: exp.Expression, scope: Scope) -> Typed:
    left = translate(node.this, scope)
    choices = [translate(choice, scope) for choice in node.expressions]
    if not choices:
        return scope.refuse(node, "expected a list")
    for choice in choices:
        _comparable(node, scope, left, choice)
    return Typed(f"{left.sql} IN ({', '.join(choice.sql for choice in choices)})", "BOOLEAN")


def _between(node: exp.Expression, scope: Scope) -> Typed:
    value, low, high = (translate(node.args[part], scope) for part in ("this", "low", "high"))
    _comparable(node, scope, value, low)
    _comparable(node, scope, value, high)
    return Typed(f"{value.sql} BETWEEN {low.sql} AND {high.sql}", "BOOLEAN")


def _negative(node: exp.Expression, scope: Scope) -> Typed:
    inner = translate(node.this, scope)
    return Typed(f"-{inner.sql}", _wider(node, scope, inner))


def _case(node: exp.Expression, scope: Scope) -> Typed:
    if node.this is not None:
        return scope.refuse(node, "CASE needs a condition after each WHEN")
    whens = [(condition(i.this, scope), translate(i.args["true"], scope)) for i in node.args["ifs"]]
    default = node.args.get("default")
    otherwise = translate(default, scope) if default is not None else Typed("NULL", "NULL")
    type_ = _common(node, scope, [*(value for _, value in whens), otherwise])
    parts = " ".join(f"WHEN {test.sql} THEN {value.sql}" for test, value in whens)
    # A literal's type in Flink is CHAR of its own length: the longest would pad the others.
    return Typed(_as(f"CASE {parts} ELSE {otherwise.sql} END", type_), type_)


def _common(node: exp.Expression, scope: Scope, values: list[Typed]) -> str:
    types = {value.type for value in values} - {"NULL"}
    if types and types <= set(NUMBERS):
        return max(types, key=NUMBERS.index)
    if len(types) != 1:
        scope.refuse(node, f"the results have different types: {', '.join(sorted(types))}")
    return types.pop()


def _cast(node: exp.Expression, scope: Scope) -> Typed:
    inner = translate(node.this, scope)
    wanted = TYPES.get(node.args["to"].sql().upper(), "")
    allowed = {
        ("STRING", "INTEGER"), ("STRING", "BIGINT"), ("STRING", "DOUBLE"), ("INTEGER", "STRING"),
        ("BIGINT", "STRING"), ("INTEGER", "BIGINT"), ("INTEGER", "DOUBLE"), ("BIGINT", "DOUBLE"),
        ("BIGINT", "INTEGER"), ("DOUBLE", "INTEGER"), ("DOUBLE", "BIGINT"),
    }  # fmt: skip
    if inner.type != wanted and (inner.type, wanted) not in allowed:
        target = node.args["to"].sql()
        return scope.refuse(
            node, f"CAST from {inner.type} to {target} does not run on both targets"
        )
    # ksqlDB yields null for what is no number, and logs it; CAST would stop Flink's job.
    cast = "TRY_CAST" if inner.type == "STRING" else "CAST"
    return Typed(f"{cast}({inner.sql} AS {wanted})", wanted)


def _as(sql: str, type_: str) -> str:
    return f"CAST({sql} AS STRING)" if type_ == "STRING" else sql


def _function(node: exp.Expression, scope: Scope) -> Typed:
    name = str(node.this).upper()
    if name == "TIMESTAMPADD":
        # Its first argument is a word, not an expression.
        return _timestamp_add(node, scope)
    if name == "COUNT" and [type(argument) for argument in node.expressions] == [exp.Star]:
        counted = "SUM(CAST(`__weight` AS BIGINT))" if scope.of_table else "COUNT(*)"
        return Typed(counted, "BIGINT")
    if scope.of_table and name in AGGREGATES.keys() - TABLE_AGGREGATES.keys():
        return scope.refuse(node, f"{name} of a table cannot be undone, in ksqlDB neither")
    known = {**_FUNCTIONS, **TABLE_AGGREGATES} if scope.of_table else _FUNCTIONS
    if name not in known:
        message = unknown("function", name, [*known, "TIMESTAMPADD"])
        return scope.refuse(node, f"{message} (those that run on both targets)")
    return known[name](node, scope, [translate(argument, scope) for argument in node.expressions])


Handler = Callable[[exp.Expression, Scope, list[Typed]], Typed]


def _simple(template: str, result: str, *types: str) -> Handler:
    """A function of fixed types; `result` "" is the type of the first argument."""

    def handle(node: exp.Expression, scope: Scope, given: list[Typed]) -> Typed:
        fits = len(given) == len(types) and all(
            want in {"ANY", have.type} or (want == "NUMBER" and have.type in NUMBERS)
            for have, want in zip(given, types, strict=False)
        )
        if not fits:
            have = ", ".join(argument.type for argument in given)
            scope.refuse(node, f"takes ({', '.join(types)}), this is ({have})")
        sql = template.format(*(argument.sql for argument in given))
        return Typed(sql, result or given[0].type)

    return handle


def _coalesce(node: exp.Expression, scope: Scope, given: list[Typed]) -> Typed:
    type_ = _common(node, scope, given)
    return Typed(_as(f"COALESCE({', '.join(one.sql for one in given)})", type_), type_)


def _format(column_type: str) -> Handler:
    def handle(node: exp.Expression, scope: Scope, given: list[Typed]) -> Typed:
        pattern = node.expressions[1] if len(given) == 2 else None
        if not isinstance(pattern, exp.Literal) or not PATTERN.match(str(pattern.this)):
            scope.refuse(node, "takes a column and a pattern of yMdHms and punctuation")
        if given[0].type != column_type:
            scope.refuse(node, f"takes a {column_type}, this is {given[0].type}")
        moment = f"CAST({given[0].sql} AS TIMESTAMP(3))"
        return Typed(f"DATE_FORMAT({moment}, {given[1].sql})", "STRING")

    return handle


def _timestamp_add(node: exp.Expression, scope: Scope) -> Typed:
    unit = str(node.expressions[0].this.this).upper() if len(node.expressions) == 3 else ""
    if unit not in UNITS:
        return scope.refuse(
            node, f"takes a unit ({', '.join(sorted(UNITS))}), a number, a timestamp"
        )
    count, moment = (translate(argument, scope) for argument in node.expressions[1:])
    if count.type != "INTEGER" or moment.type != "TIMESTAMP":
        return scope.refuse(node, f"takes INTEGER, TIMESTAMP; this is {count.type}, {moment.type}")
    flink = f"TIMESTAMPADD({unit.removesuffix('S')}, {count.sql}, {moment.sql})"
    return Typed(flink, "TIMESTAMP")


def _unix_timestamp(node: exp.Expression, scope: Scope, given: list[Typed]) -> Typed:
    if len(given) != 1 or given[0].type != "TIMESTAMP":
        return scope.refuse(node, "takes one TIMESTAMP")
    return Typed(millis(given[0].sql), "BIGINT")


# ksqlDB's aggregates: SUM keeps the type, AVG is a DOUBLE, COUNT a BIGINT; nulls are passed over.
AGGREGATES: Mapping[str, Handler] = {
    "COUNT": _simple("COUNT({0})", "BIGINT", "ANY"),
    "COUNT_DISTINCT": _simple("COUNT(DISTINCT {0})", "BIGINT", "ANY"),
    "SUM": _simple("SUM({0})", "", "NUMBER"),
    "AVG": _simple("AVG(CAST({0} AS DOUBLE))", "DOUBLE", "NUMBER"),
    "MIN": _simple("MIN({0})", "", "NUMBER"),
    "MAX": _simple("MAX({0})", "", "NUMBER"),
    "LATEST_BY_OFFSET": _simple("LAST_VALUE({0})", "", "ANY"),
    "EARLIEST_BY_OFFSET": _simple("FIRST_VALUE({0})", "", "ANY"),
}
# Of a table's changes, which count as +1 or -1: those that ksqlDB can undo, too.
_COUNTED = "SUM(CASE WHEN {0} IS NULL THEN 0 ELSE CAST(`__weight` AS BIGINT) END)"
TABLE_AGGREGATES: Mapping[str, Handler] = {
    "COUNT": _simple(_COUNTED, "BIGINT", "ANY"),
    "SUM": _simple("SUM({0} * `__weight`)", "", "NUMBER"),
    "AVG": _simple(
        "SUM(CAST({0} AS DOUBLE) * `__weight`) / NULLIF(" + _COUNTED + ", 0)", "DOUBLE", "NUMBER"
    ),
}
_FUNCTIONS: Mapping[str, Handler] = {
    **AGGREGATES,
    "AS_VALUE": _simple("{0}", "", "ANY"),
    "COALESCE": _coalesce,
    "IFNULL": _coalesce,
    "UCASE": _simple("UPPER({0})", "STRING", "STRING"),
    "LCASE": _simple("LOWER({0})", "STRING", "STRING"),
    "TRIM": _simple("TRIM({0})", "STRING", "STRING"),
    "LEN": _simple("CHAR_LENGTH({0})", "INTEGER", "STRING"),
    "SUBSTRING": _simple("SUBSTRING({0}, {1}, {2})", "STRING", "STRING", "INTEGER", "INTEGER"),
    "ABS": _simple("ABS({0})", "", "NUMBER"),
    "FLOOR": _simple("FLOOR({0})", "", "NUMBER"),
    "CEIL": _simple("CEIL({0})", "", "NUMBER"),
    "FORMAT_TIMESTAMP": _format("TIMESTAMP"),
    "FORMAT_DATE": _format("DATE"),
    "FROM_UNIXTIME": _simple(
        "CAST(TO_TIMESTAMP_LTZ({0}, 3) AS TIMESTAMP(3))", "TIMESTAMP", "BIGINT"
    ),
    "UNIX_TIMESTAMP": _unix_timestamp,
}
_NODES: Mapping[type[exp.Expression], Callable[[exp.Expression, Scope], Typed]] = {
    exp.Column: _column,
    exp.Literal: _literal,
    exp.Boolean: _boolean,
    exp.Null: _null,
    exp.Paren: _paren,
    exp.Add: _arithmetic("+"),
    exp.Sub: _arithmetic("-"),
    exp.Mul: _arithmetic("*"),
    exp.Div: _arithmetic("/"),
    exp.Mod: _arithmetic("%"),
    exp.Neg: _negative,
    exp.EQ: _comparison("="),
    exp.NEQ: _comparison("<>"),
    exp.LT: _comparison("<"),
    exp.LTE: _comparison("<="),
    exp.GT: _comparison(">"),
    exp.GTE: _comparison(">="),
    exp.And: _logical("AND"),
    exp.Or: _logical("OR"),
    exp.Not: _not,
    exp.Is: _is_null,
    exp.In: _in,
    exp.Between: _between,
    exp.Case: _case,
    exp.Cast: _cast,
    exp.Anonymous: _function,
}


def is_aggregate(node: exp.Expression) -> bool:
    """Whether the expression is an aggregate function."""
    return isinstance(node, exp.Anonymous) and str(node.this).upper() in AGGREGATES


def has_aggregate(node: exp.Expression) -> bool:
    """Whether an aggregate function is in the expression."""
    return any(is_aggregate(function) for function in node.find_all(exp.Anonymous))
