"""Translates number literals, arithmetic and comparisons of numbers by ksqlDB's rules."""

import math
from dataclasses import replace
from decimal import Decimal

from sqlglot import exp

from pipeline.sql.flink.terms import NUMBERS, Nulls, Scope, Typed, bare, failing, is_decimal


def number(node: exp.Expression, given: str, scope: Scope) -> Typed:
    """A number literal; `given` is its text (ParserUtil).

    1 is an INTEGER, 3000000000 a BIGINT, 1.5 a DECIMAL(2, 1), 1.5E0 a DOUBLE.

    Raises:
        SpecError: the number does not fit into its type.
    """
    if given.lstrip("-").isdigit():
        value = int(given)
        if not -(2**63) <= value < 2**63:
            return scope.refuse(node, "the number does not fit into a BIGINT")
        return Typed(given, "INTEGER" if -(2**31) <= value < 2**31 else "BIGINT", Nulls.NEVER)
    if "e" in given.lower():
        if math.isinf(float(given)):
            return scope.refuse(node, "the number does not fit into a DOUBLE")
        return Typed(f"CAST({given} AS DOUBLE)", "DOUBLE", Nulls.NEVER)
    written, exponent = Decimal(given).as_tuple().digits, Decimal(given).as_tuple().exponent
    scale = -int(exponent)
    precision = scale + 1 if Decimal(given) == 0 else max(len(written), scale)
    if precision > 38:
        return scope.refuse(node, "the number has more than 38 digits")
    type_ = f"DECIMAL({precision}, {scale})"
    return Typed(f"CAST({given} AS {type_})", type_, Nulls.NEVER)


def arithmetic(
    node: exp.Expression, scope: Scope, operator: str, left: Typed, right: Typed
) -> Typed:
    """Arithmetic by Java's rules.

    It fails for a null, and for a whole number divided by 0. A DOUBLE divided by 0.0 is infinite.

    Raises:
        SpecError: the operands are not numbers, or the engines give the result different types.
    """
    left, right, type_ = _numbers(node, scope, left, right)
    nulls = failing((left, right))
    whole = operator in {"/", "%"} and type_ != "DOUBLE"
    if whole and not _is_certain_divisor(node.expression):
        right, nulls = replace(right, sql=f"NULLIF({right.sql}, 0)"), Nulls.FAILED
    if operator != "%":
        return Typed(f"{left.sql} {operator} {right.sql}", type_, nulls)
    if type_ == "DOUBLE":
        return scope.refuse(node, "% of a DOUBLE does not run on both targets: CAST it AS BIGINT")
    made = f"MOD({left.sql}, {right.sql})"
    # Flink's MOD has the type of its second argument.
    return Typed(made if right.type == type_ else f"CAST({made} AS {type_})", type_, nulls)


def _is_certain_divisor(node: exp.Expression) -> bool:
    divisor = bare(node)
    return isinstance(divisor, exp.Literal) and str(divisor.this).strip("0") != ""


def _numbers(
    node: exp.Expression, scope: Scope, left: Typed, right: Typed
) -> tuple[Typed, Typed, str]:
    """Both operands, and the ksqlDB type of the result. A DECIMAL with a DOUBLE becomes a DOUBLE.

    Raises:
        SpecError: an operand is not a number, or is a DECIMAL, for which the engines give the
            result different types.
    """
    types = {left.type, right.type}
    if "DOUBLE" in types and any(is_decimal(type_) for type_ in types):
        left, right = as_double(left), as_double(right)
    for operand in (left, right):
        if is_decimal(operand.type):
            scope.refuse(node, f"this is {operand.type}: CAST it AS DOUBLE first")
        if operand.type not in NUMBERS:
            scope.refuse(node, f"expected a number, this is {operand.type}")
    return left, right, max((left.type, right.type), key=NUMBERS.index)


def as_double(typed: Typed) -> Typed:
    """A DECIMAL cast to DOUBLE; any other value unchanged."""
    if not is_decimal(typed.type):
        return typed
    return replace(typed, sql=f"CAST({typed.sql} AS DOUBLE)", type="DOUBLE")


def comparable(node: exp.Expression, scope: Scope, left: Typed, right: Typed) -> None:
    """Checks that both engines compare two operands in the same way.

    Raises:
        SpecError: their types cannot be compared; or one is a DECIMAL and the other a DOUBLE, where
            ksqlDB fails for infinity and NaN (SqlToJavaVisitor.visitDecimalComparisonExpression).
    """
    types = {left.type, right.type}
    exact = {"INTEGER", "BIGINT", *filter(is_decimal, types)}
    if "DOUBLE" in types and any(map(is_decimal, types)):
        decimal = left.type if is_decimal(left.type) else right.type
        scope.refuse(
            node, f"cannot compare DOUBLE with {decimal}: CAST it AS DOUBLE, or write 1.5E0"
        )
    if len(types) > 1 and not types <= set(NUMBERS) and not types <= exact:
        scope.refuse(node, f"cannot compare {left.type} with {right.type}: CAST one")
