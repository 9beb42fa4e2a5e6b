"""Translates ksqlDB's aggregate functions to Flink SQL.

In ksqlDB, SUM starts at 0 and keeps the type; AVG without values is 0.0; COUNT is a BIGINT; MIN and
MAX without values are null. Nulls are ignored (IntegerSumKudaf, LongSumKudaf, DoubleSumKudaf,
AverageUdaf, CountKudaf, BaseNumberKudaf, LatestByOffset: github.com/confluentinc/ksql). When a
table's row changes, the old row is subtracted (TableUdaf). So SUM and AVG of a group without rows
are 0.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlglot import exp

from pipeline.sql.flink.terms import NUMBERS, Nulls, Scope, Typed, enclosed

ZERO = {"INTEGER": "0", "BIGINT": "0", "DOUBLE": "0E0"}


@dataclass(frozen=True)
class Aggregate:
    """An aggregate function; {0} in its SQL is the argument.

    `result` is its ksqlDB type, "" for the argument's type. `of_table` is the SQL over a table's
    changes, each of `__weight` +1 or -1; "" if ksqlDB cannot subtract a row from the result.
    """

    sql: str
    result: str = ""
    of_numbers: bool = True
    begins_at_zero: bool = False
    of_table: str = ""


_COUNTED = "SUM(CASE WHEN {0} IS NULL THEN 0 ELSE CAST(`__weight` AS BIGINT) END)"
AGGREGATES: Mapping[str, Aggregate] = {
    "COUNT": Aggregate("COUNT({0})", "BIGINT", of_numbers=False, of_table=_COUNTED),
    "COUNT_DISTINCT": Aggregate("COUNT(DISTINCT {0})", "BIGINT", of_numbers=False),
    "SUM": Aggregate("SUM({0})", begins_at_zero=True, of_table="SUM({0} * `__weight`)"),
    "AVG": Aggregate(
        "AVG(CAST({0} AS DOUBLE))",
        "DOUBLE",
        begins_at_zero=True,
        of_table="SUM(CAST({0} AS DOUBLE) * `__weight`) / NULLIF(" + _COUNTED + ", 0)",
    ),
    "MIN": Aggregate("MIN({0})"),
    "MAX": Aggregate("MAX({0})"),
    "LATEST_BY_OFFSET": Aggregate("LAST_VALUE({0})", of_numbers=False),
    "EARLIEST_BY_OFFSET": Aggregate("FIRST_VALUE({0})", of_numbers=False),
}


def aggregate(node: exp.Expression, scope: Scope, given: list[Typed]) -> Typed:
    """An aggregate function over its translated arguments.

    Raises:
        SpecError: the arguments are wrong, or ksqlDB does not have the aggregate for tables.
    """
    name = str(node.this).upper()
    function = AGGREGATES[name]
    if scope.of_table and not function.of_table:
        return scope.refuse(
            node, f"ksqlDB has no {name} of a table: it cannot subtract a row that changes"
        )
    if len(given) != 1 or given[0].type == "NULL" or _unfit(function, given[0]):
        have = ", ".join(argument.type for argument in given)
        return scope.refuse(node, f"{name} takes {_wanted(function)}, this is ({have})")
    type_ = function.result or given[0].type
    if scope.of_table:
        sql = function.of_table.format(enclosed(node.expressions[0], given[0]).sql)
    else:
        sql = function.sql.format(given[0].sql)
    if function.begins_at_zero:
        return Typed(f"COALESCE({sql}, {ZERO[type_]})", type_, Nulls.NEVER)
    nulls = Nulls.NEVER if type_ == "BIGINT" and function.result else Nulls.NULL
    return Typed(sql, type_, nulls)


def count_all(scope: Scope) -> Typed:
    """COUNT(*)."""
    counted = "SUM(CAST(`__weight` AS BIGINT))" if scope.of_table else "COUNT(*)"
    return Typed(counted, "BIGINT", Nulls.NEVER)


def is_aggregate(node: exp.Expression) -> bool:
    """Whether the expression is an aggregate function."""
    return isinstance(node, exp.Anonymous) and str(node.this).upper() in AGGREGATES


def has_aggregate(node: exp.Expression) -> bool:
    """Whether an aggregate function is in the expression."""
    return any(is_aggregate(function) for function in node.find_all(exp.Anonymous))


def _unfit(function: Aggregate, given: Typed) -> bool:
    return function.of_numbers and given.type not in NUMBERS


def _wanted(function: Aggregate) -> str:
    return "one INTEGER, BIGINT or DOUBLE" if function.of_numbers else "one argument"
