"""What expressions are made of: their SQL, their type, and what a NULL of theirs stands for.

ksqlDB compiles an expression to Java. A comparison with a null is false there; arithmetic with a
null throws, and a column whose expression throws is null as a whole, a row whose WHERE throws is
dropped (SqlToJavaVisitor, CompiledExpression, SqlPredicate: github.com/confluentinc/ksql). On
Flink an evaluation that would throw yields NULL. So it is known of each expression whether its
NULL is a null or a failure, and where that is not to be known but matters, it is refused.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

from sqlglot import exp

from pipeline.sql.statements import Statement

NUMBERS = ("INTEGER", "BIGINT", "DOUBLE")


class Nulls(Enum):
    """What a NULL on Flink is in ksqlDB."""

    NEVER = "there is none"
    NULL = "a null"
    FAILED = "the evaluation of the whole column fails"
    EITHER = "a null, or the whole fails"
    NOT_TRUE = "of a condition: false, or the whole fails"


@dataclass(frozen=True)
class Typed:
    """An expression in Flink SQL, and its type in ksqlDB's words.

    A text that `is_whole` is known to be a number that fits into an INTEGER.
    """

    sql: str
    type: str
    nulls: Nulls = Nulls.NULL
    is_whole: bool = False


@dataclass(frozen=True)
class Scope:
    """What an expression can see: Flink's columns by (alias, name), and the statement it is in.

    `in_filter`: it is in WHERE or HAVING. `in_aggregate`: it is an argument of an aggregate.
    """

    statement: Statement
    columns: Mapping[tuple[str, str], Typed]
    in_window: bool = False
    of_table: bool = False
    grouped: bool = False
    in_filter: bool = False
    in_aggregate: str = ""

    def refuse(self, node: exp.Expression | None, message: str) -> Typed:
        """Raises a mistake at the node."""
        return self.statement.refuse(node, message)


def either(kinds: Iterable[Nulls]) -> Nulls:
    """What a NULL stands for that comes from any of these."""
    found = set(kinds) - {Nulls.NEVER}
    if not found:
        return Nulls.NEVER
    return found.pop() if len(found) == 1 else Nulls.EITHER


def failing(operands: Iterable[Typed]) -> Nulls:
    """The same for Java's operators: any null of an operand makes the whole fail."""
    known = all(operand.nulls is Nulls.NEVER for operand in operands)
    return Nulls.NEVER if known else Nulls.FAILED


def bare(node: exp.Expression) -> exp.Expression:
    """Without the parentheses around it."""
    while isinstance(node, exp.Paren):
        node = node.this
    return node


def is_decimal(type_: str) -> bool:
    """Whether it is DECIMAL(p, s)."""
    return type_.startswith("DECIMAL(")


def digits(type_: str) -> tuple[int, int]:
    """Precision and scale of DECIMAL(p, s)."""
    precision, scale = type_.removeprefix("DECIMAL(").removesuffix(")").split(", ")
    return int(precision), int(scale)


def text(value: str) -> str:
    """A string literal of Flink."""
    escaped = value.replace("'", "''")
    return f"'{escaped}'"
