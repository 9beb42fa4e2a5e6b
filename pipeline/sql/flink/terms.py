"""A translated expression: its SQL, its type, and the meaning of a NULL on Flink.

ksqlDB compiles an expression to Java. There, a comparison with a null is false, and arithmetic with
a null throws. If a column's expression throws, the whole column is null; if WHERE throws, the row
is dropped (SqlToJavaVisitor, CompiledExpression, SqlPredicate: github.com/confluentinc/ksql).

On Flink, an expression yields NULL where Java throws. So the translation tracks for each expression
if its NULL is a null or a failure in ksqlDB. Where that matters and cannot be known, it refuses
the expression.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import Enum

from sqlglot import exp

from pipeline.sql.statements import Statement

NUMBERS = ("INTEGER", "BIGINT", "DOUBLE")


class Nulls(Enum):
    """What a NULL on Flink means in ksqlDB."""

    NEVER = "the expression is never NULL"
    NULL = "a null"
    FAILED = "the evaluation of the whole column fails"
    EITHER = "a null, or the whole column fails"
    NOT_TRUE = "of a condition: false, or the whole column fails"


@dataclass(frozen=True)
class Typed:
    """An expression in Flink SQL, with its ksqlDB type.

    `is_whole`: the expression is a text that always is a whole number, and fits into an INTEGER.
    """

    sql: str
    type: str
    nulls: Nulls = Nulls.NULL
    is_whole: bool = False


@dataclass(frozen=True)
class Scope:
    """The context of an expression: its statement, and the columns by (alias, name).

    `in_window`: the query has a WINDOW. `of_table`: it aggregates a table. `grouped`: it has
    GROUP BY. `in_filter`: the expression is in WHERE or HAVING. `in_aggregate`: the name of the
    aggregate whose argument the expression is.
    """

    statement: Statement
    columns: Mapping[tuple[str, str], Typed]
    in_window: bool = False
    of_table: bool = False
    grouped: bool = False
    in_filter: bool = False
    in_aggregate: str = ""

    def refuse(self, node: exp.Expression | None, message: str) -> Typed:
        """Raises a SpecError at the node. It never returns."""
        return self.statement.refuse(node, message)


def either(kinds: Iterable[Nulls]) -> Nulls:
    """The meaning of a NULL that can come from any of these."""
    others = set(kinds) - {Nulls.NEVER}
    if not others:
        return Nulls.NEVER
    return others.pop() if len(others) == 1 else Nulls.EITHER


def failing(operands: Iterable[Typed]) -> Nulls:
    """The meaning of a NULL of a Java operator, which fails if an operand is null."""
    known = all(operand.nulls is Nulls.NEVER for operand in operands)
    return Nulls.NEVER if known else Nulls.FAILED


def bare(node: exp.Expression) -> exp.Expression:
    """The node without the parentheses around it."""
    while isinstance(node, exp.Paren):
        node = node.this
    return node


def enclosed(node: exp.Expression, typed: Typed) -> Typed:
    """The translated node as a part of other SQL, whose operators must not take it apart."""
    return replace(typed, sql=f"({typed.sql})") if _has_operator(node) else typed


def _has_operator(node: exp.Expression) -> bool:
    return isinstance(node, exp.Binary | exp.Unary) and not isinstance(node, exp.Paren)


def is_decimal(type_: str) -> bool:
    """Whether the type is DECIMAL(p, s)."""
    return type_.startswith("DECIMAL(")


def digits(type_: str) -> tuple[int, int]:
    """Precision and scale of DECIMAL(p, s)."""
    precision, scale = type_.removeprefix("DECIMAL(").removesuffix(")").split(", ")
    return int(precision), int(scale)


def text(value: str) -> str:
    """The value as a Flink string literal."""
    escaped = value.replace("'", "''")
    return f"'{escaped}'"
