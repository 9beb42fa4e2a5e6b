"""Translates ksqlDB's expressions to Flink SQL, and finds their ksqlDB types. Refuses others."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from sqlglot import exp

from pipeline.sql.dialect import type_of
from pipeline.sql.flink.aggregates import AGGREGATES, aggregate, count_all
from pipeline.sql.flink.casts import cast
from pipeline.sql.flink.conditions import all_of, among, any_of, case, comparison, like
from pipeline.sql.flink.functions import (
    FUNCTIONS,
    UNCLEAR,
    argument,
    as_text,
    joined,
    one_type,
    timestamp_add,
    unit_of,
)
from pipeline.sql.flink.numbers import arithmetic, comparable, number
from pipeline.sql.flink.terms import NUMBERS, Nulls, Scope, Typed, enclosed, failing, text
from pipeline.sql.statements import name_of
from pipeline.suggest import unknown

__all__ = ["Scope", "Typed", "column_value", "condition", "translate"]
NOT_BOTH = "does not run on both targets"
WINDOW_BOUNDS = {"WINDOWSTART", "WINDOWEND"}
ARITHMETIC: Mapping[type[exp.Expression], str] = {
    exp.Add: "+", exp.Sub: "-", exp.Mul: "*", exp.Div: "/", exp.Mod: "%",
}  # fmt: skip
COMPARISONS: Mapping[type[exp.Expression], str] = {
    exp.EQ: "=", exp.NEQ: "<>", exp.LT: "<", exp.LTE: "<=", exp.GT: ">", exp.GTE: ">=",
}  # fmt: skip


def translate(node: exp.Expression, scope: Scope) -> Typed:
    """One expression in Flink SQL.

    Raises:
        SpecError: the expression, or a part of it, does not mean the same on both engines.
    """
    handler = _NODES.get(type(node))
    if handler is None:
        return scope.refuse(node, f"{type(node).__name__} {NOT_BOTH}")
    return handler(node, scope)


def column_value(node: exp.Expression, scope: Scope) -> Typed:
    """An expression as a column of the result.

    Raises:
        SpecError: as translate raises it; or Flink cannot tell the value's false from its null.
    """
    value = translate(node, scope)
    if value.nulls is Nulls.NOT_TRUE:
        scope.refuse(node, f"an operand {UNCLEAR}")
    return value


def condition(node: exp.Expression, scope: Scope) -> Typed:
    """A BOOLEAN expression. An expression of another type is refused with a SpecError."""
    value = translate(node, scope)
    if value.type != "BOOLEAN":
        scope.refuse(node, f"expected a condition, this is {value.type}")
    return value


def _column(node: exp.Expression, scope: Scope) -> Typed:
    name = name_of(node.this)
    alias = name_of(node.args["table"]) if node.args.get("table") else ""
    if not alias and name in WINDOW_BOUNDS and scope.grouped:
        return _window_bound(node, name, scope)
    matches = [
        typed
        for (table, column), typed in scope.columns.items()
        if column == name and alias in {"", table}
    ]
    if len(matches) > 1:
        return scope.refuse(node, f"both sources have a column {name}: write <source>.{name}")
    if not matches:
        return scope.refuse(node, unknown("column", name, {c for _, c in scope.columns}))
    return matches[0]


def _window_bound(node: exp.Expression, name: str, scope: Scope) -> Typed:
    if not scope.in_window:
        return scope.refuse(node, f"{name} needs a WINDOW")
    if scope.in_filter or scope.in_aggregate:
        return scope.refuse(node, f"ksqlDB allows {name} only in SELECT, outside of aggregates")
    return Typed(f"`{name}`", "BIGINT", Nulls.NEVER)


def _literal(node: exp.Expression, scope: Scope) -> Typed:
    if node.args["is_string"]:
        return Typed(text(str(node.this)), "STRING", Nulls.NEVER)
    return number(node, str(node.this), scope)


def _boolean(node: exp.Expression, _: Scope) -> Typed:
    return Typed("TRUE" if node.this else "FALSE", "BOOLEAN", Nulls.NEVER)


def _null(_: exp.Expression, __: Scope) -> Typed:
    return Typed("NULL", "NULL")


def _paren(node: exp.Expression, scope: Scope) -> Typed:
    inner = translate(node.this, scope)
    return replace(inner, sql=f"({inner.sql})")


def _arithmetic(node: exp.Expression, scope: Scope) -> Typed:
    operator = ARITHMETIC[type(node)]
    left, right = translate(node.this, scope), translate(node.expression, scope)
    if operator == "+" and left.type == right.type == "STRING":
        # In Java, a null becomes the text 'null'.
        return joined(node, scope, [left, right], "'null'")
    return arithmetic(node, scope, operator, left, right)


def _comparison(node: exp.Expression, scope: Scope) -> Typed:
    return _compared(node, scope, node.this, COMPARISONS[type(node)], node.expression)


def _compared(
    node: exp.Expression, scope: Scope, left: exp.Expression, operator: str, right: exp.Expression
) -> Typed:
    ends = translate(left, scope), translate(right, scope)
    if "NULL" in {end.type for end in ends}:
        scope.refuse(node, "a comparison with NULL is never true: write IS NULL or IS NOT NULL")
    if ends[0].type == "BOOLEAN" and operator not in {"=", "<>"}:
        scope.refuse(node, "BOOLEANs can be compared with = and <> only")
    comparable(node, scope, *ends)
    return comparison(ends[0], operator, ends[1])


def _chain(node: exp.Expression, scope: Scope) -> Typed:
    """A chain of AND or of OR, in the order in which Java evaluates the operands."""
    conditions = [condition(part, scope) for part in _parts(node)]
    if isinstance(node, exp.And):
        return all_of(conditions)
    for part in conditions[:-1]:
        if part.nulls is Nulls.NOT_TRUE:
            scope.refuse(node, f"an operand {UNCLEAR}")
    return any_of(conditions)


def _parts(node: exp.Expression) -> list[exp.Expression]:
    parts: list[exp.Expression] = []
    here = node
    while type(here) is type(node):
        parts.insert(0, here.expression)
        here = here.this
    return [here, *parts]


def _not(node: exp.Expression, scope: Scope) -> Typed:
    return _negated(condition(node.this, scope), node, scope)


def _negated(inner: Typed, node: exp.Expression, scope: Scope) -> Typed:
    if inner.nulls is Nulls.NOT_TRUE:
        scope.refuse(node, f"an operand {UNCLEAR}")
    return Typed(f"NOT ({inner.sql})", "BOOLEAN", failing([inner]))


def _is_null(node: exp.Expression, scope: Scope) -> Typed:
    if not isinstance(node.expression, exp.Null):
        return scope.refuse(node, "only IS NULL and IS NOT NULL run on both targets")
    inner = translate(node.this, scope)
    if inner.nulls not in {Nulls.NEVER, Nulls.NULL}:
        scope.refuse(node, f"the operand {UNCLEAR}")
    return Typed(f"{inner.sql} IS NULL", "BOOLEAN", Nulls.NEVER)


def _in(node: exp.Expression, scope: Scope) -> Typed:
    left = translate(node.this, scope)
    listed = [choice for choice in node.expressions if not isinstance(choice, exp.Null)]
    choices = [translate(choice, scope) for choice in listed]
    if not choices:
        return scope.refuse(node, "IN needs a value that is not NULL")
    for choice in choices:
        if choice.type != left.type:
            scope.refuse(node, f"IN compares {left.type} with {choice.type}: CAST one")
    return among(left, choices)


def _between(node: exp.Expression, scope: Scope) -> Typed:
    value, low, high = (node.args[part] for part in ("this", "low", "high"))
    ends = [_compared(node, scope, value, ">=", low), _compared(node, scope, value, "<=", high)]
    both = all_of(ends)
    return replace(both, sql=f"({both.sql})")


def _like(node: exp.Expression, scope: Scope, escape: str = "") -> Typed:
    value = translate(node.this, scope)
    pattern = node.expression
    if value.type != "STRING" or not isinstance(pattern, exp.Literal) or not pattern.is_string:
        return scope.refuse(node, "LIKE takes a VARCHAR and a pattern in quotes")
    try:
        matched = like(value, str(pattern.this), escape)
    except ValueError as error:
        return scope.refuse(node, str(error))
    return _negated(matched, node, scope) if node.args.get("negate") else matched


def _escape(node: exp.Expression, scope: Scope) -> Typed:
    escape = str(node.expression.this)
    if not isinstance(node.this, exp.Like) or len(escape) != 1:
        return scope.refuse(node, "ESCAPE takes one character")
    return _like(node.this, scope, escape)


def _negative(node: exp.Expression, scope: Scope) -> Typed:
    if isinstance(node.this, exp.Literal) and not node.this.is_string:
        return number(node.this, f"-{node.this.this}", scope)
    inner = translate(node.this, scope)
    if inner.type not in NUMBERS:
        scope.refuse(node, f"expected a number, this is {inner.type}")
    # The blank: two minus signs together would begin a comment.
    return Typed(f"- {inner.sql}", inner.type, failing([inner]))


def _case(node: exp.Expression, scope: Scope) -> Typed:
    if node.this is not None:
        return scope.refuse(node, "CASE needs a condition after each WHEN")
    whens = [(condition(i.this, scope), translate(i.args["true"], scope)) for i in node.args["ifs"]]
    otherwise = translate(node.args.get("default") or exp.Null(), scope)
    type_ = one_type(node, scope, [*(value for _, value in whens), otherwise])
    for test, value in whens:
        if Nulls.NOT_TRUE in {test.nulls, value.nulls, otherwise.nulls}:
            scope.refuse(node, f"an operand {UNCLEAR}")
    found = case(whens, otherwise)
    return replace(found, sql=as_text(found.sql, type_))


def _cast(node: exp.Expression, scope: Scope) -> Typed:
    inner, target = translate(node.this, scope), node.args["to"].sql()
    inner = enclosed(node.this, inner) if inner.type == type_of(target) else inner
    found = cast(inner, type_of(target), in_filter=scope.in_filter)
    return found or scope.refuse(node, f"CAST from {inner.type} to {target} {NOT_BOTH}")


def _function(node: exp.Expression, scope: Scope) -> Typed:
    name = str(node.this).upper()
    if name in AGGREGATES:
        return _aggregate(node, name, scope)
    if name == "TIMESTAMPADD":
        return _timestamp_add(node, scope)
    if name not in FUNCTIONS:
        known = unknown("function", name, [*FUNCTIONS, *AGGREGATES, "TIMESTAMPADD"])
        return scope.refuse(node, f"{known} (other functions do not run on both targets)")
    return FUNCTIONS[name](node, scope, [_argument(part, scope) for part in node.expressions])


def _argument(node: exp.Expression, scope: Scope) -> Typed:
    return argument(translate(node, scope), node, scope)


def _aggregate(node: exp.Expression, name: str, scope: Scope) -> Typed:
    if scope.in_aggregate:
        return scope.refuse(node, f"{name} in {scope.in_aggregate}: aggregates cannot be nested")
    if not scope.grouped:
        return scope.refuse(node, f"{name} is an aggregate, for SELECT or HAVING with GROUP BY")
    if name == "COUNT" and [type(part) for part in node.expressions] == [exp.Star]:
        return count_all(scope)
    # To ksqlDB, an aggregate's argument is a column of its own: if it fails, it is null.
    inner = replace(scope, in_aggregate=name, in_filter=False)
    return aggregate(node, scope, [column_value(part, inner) for part in node.expressions])


def _timestamp_add(node: exp.Expression, scope: Scope) -> Typed:
    unit = unit_of(node, scope)
    count, moment = (_argument(part, scope) for part in node.expressions[1:])
    return timestamp_add(node, scope, unit, count, moment)


_NODES: Mapping[type[exp.Expression], Callable[[exp.Expression, Scope], Typed]] = {
    exp.Column: _column,
    exp.Literal: _literal,
    exp.Boolean: _boolean,
    exp.Null: _null,
    exp.Paren: _paren,
    **dict.fromkeys(ARITHMETIC, _arithmetic),
    **dict.fromkeys(COMPARISONS, _comparison),
    exp.Neg: _negative,
    exp.And: _chain,
    exp.Or: _chain,
    exp.Not: _not,
    exp.Is: _is_null,
    exp.In: _in,
    exp.Between: _between,
    exp.Like: _like,
    exp.Escape: _escape,
    exp.Case: _case,
    exp.Cast: _cast,
    exp.Anonymous: _function,
}
