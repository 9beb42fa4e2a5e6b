r"""Translates ksqlDB's scalar functions (io.confluent.ksql.function.udf) to Flink SQL.

A function yields null if an argument is null, unless its docstring says otherwise. If an argument
fails, the whole column fails; but an argument that is itself a function call becomes null
(SqlToJavaVisitor.visitFunctionCall).
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace

from sqlglot import exp

from pipeline.sql.flink.casts import whole
from pipeline.sql.flink.conditions import greatest
from pipeline.sql.flink.tables import millis
from pipeline.sql.flink.terms import NUMBERS, Nulls, Scope, Typed, bare, either, enclosed

Handler = Callable[[exp.Expression, Scope, list[Typed]], Typed]
# Letters that mean the same to Java's DateTimeFormatter in both engines.
PATTERN = re.compile(r"^[yMdHms:. /-]+$")
# Patterns that yield only digits, few enough for an INTEGER.
DIGITS = re.compile(r"^(yyyy)?(MM)?(dd)?$|^(HH)?(mm)?(ss)?$")
UNITS = {"MILLISECONDS", "SECONDS", "MINUTES", "HOURS", "DAYS"}
UNCLEAR = (
    "can be null, or can make the whole column fail in ksqlDB, depending on the record: test its"
    " columns instead, or compute it as a column in a statement before this one"
)
# Java's String.trim strips all characters up to the blank. Its length counts UTF-16 code units.
TRIMMED = r"REGEXP_REPLACE({0}, '\A[\x00-\x20]+|[\x00-\x20]+\z', '')"
LENGTH = r"CHAR_LENGTH(REGEXP_REPLACE({0}, '[\x{{10000}}-\x{{10FFFF}}]', '__'))"
HALF_UP = "CASE WHEN {0} - FLOOR({0}) >= 0.5E0 THEN 1 ELSE 0 END"
EXACT = "TRY_CAST({0} AS DECIMAL(38, 18))"


def argument(typed: Typed, node: exp.Expression, scope: Scope) -> Typed:
    """A translated argument as the function receives it: see the module's docstring."""
    swallowed = isinstance(bare(node), exp.Anonymous) and not scope.in_filter
    if swallowed and typed.nulls in {Nulls.FAILED, Nulls.EITHER}:
        return replace(typed, nulls=Nulls.NULL)
    return typed


def one_type(node: exp.Expression, scope: Scope, values: list[Typed]) -> str:
    """The common type of alternative values, as in CASE and COALESCE.

    Raises:
        SpecError: the values have different types. ksqlDB refuses them or converts them itself.
    """
    types = {value.type for value in values} - {"NULL"}
    if len(types) != 1:
        said = ", ".join(sorted(types)) or "NULL"
        scope.refuse(node, f"the results have different types: {said}. CAST them to one type")
    return types.pop()


def as_text(sql: str, type_: str) -> str:
    """Casts a text to STRING.

    Flink types a literal as CHAR of its length, and would pad alternatives to the longest one.
    """
    return f"CAST({sql} AS STRING)" if type_ == "STRING" else sql


def certain(node: exp.Expression, scope: Scope, values: list[Typed]) -> None:
    """Refuses values that can fail, where a function treats a null in its own way."""
    for value in values:
        if value.nulls not in {Nulls.NEVER, Nulls.NULL}:
            scope.refuse(node, f"an argument {UNCLEAR}")


def _simple(template: str, result: str, *types: str) -> Handler:
    """A function with fixed argument types. A `result` of "" is the first argument's type."""

    def handle(node: exp.Expression, scope: Scope, given: list[Typed]) -> Typed:
        fits = len(given) == len(types) and all(
            want == have.type or (want == "NUMBER" and have.type in NUMBERS)
            for have, want in zip(given, types, strict=False)
        )
        if not fits:
            have = ", ".join(one.type for one in given)
            scope.refuse(node, f"takes ({', '.join(types)}), this is ({have})")
        sql = template.format(*(one.sql for one in given))
        return Typed(sql, result or given[0].type, either(one.nulls for one in given))

    return handle


def _as_value(node: exp.Expression, scope: Scope, given: list[Typed]) -> Typed:
    if len(given) != 1:
        scope.refuse(node, "takes one argument")
    return enclosed(node.expressions[0], given[0])


def _coalesce(node: exp.Expression, scope: Scope, given: list[Typed]) -> Typed:
    type_ = one_type(node, scope, given)
    certain(node, scope, given)
    never = any(one.nulls is Nulls.NEVER for one in given)
    sql = as_text(f"COALESCE({', '.join(one.sql for one in given)})", type_)
    return Typed(sql, type_, Nulls.NEVER if never else Nulls.NULL)


def _if_null(node: exp.Expression, scope: Scope, given: list[Typed]) -> Typed:
    if len(given) != 2:
        scope.refuse(node, "takes two arguments: use COALESCE for more")
    return _coalesce(node, scope, given)


def joined(node: exp.Expression, scope: Scope, given: list[Typed], null: str) -> Typed:
    """The texts concatenated. `null` is the SQL literal that replaces a null."""
    kinds = {one.nulls for one in given}
    if Nulls.EITHER in kinds:
        scope.refuse(node, f"an operand {UNCLEAR}")
    parts = [f"COALESCE({o.sql}, {null})" if o.nulls is Nulls.NULL else o.sql for o in given]
    nulls = Nulls.FAILED if Nulls.FAILED in kinds else Nulls.NEVER
    return Typed(" || ".join(parts), "STRING", nulls)


def _concat(node: exp.Expression, scope: Scope, given: list[Typed]) -> Typed:
    if len(given) < 2 or any(one.type != "STRING" for one in given):
        scope.refuse(node, "takes two or more VARCHARs: write CAST(… AS VARCHAR) for others")
    return replace(joined(node, scope, given, "''"), type="STRING")


def _extreme(operator: str) -> Handler:
    def handle(node: exp.Expression, scope: Scope, given: list[Typed]) -> Typed:
        type_ = one_type(node, scope, given)
        if type_ not in {*NUMBERS, "STRING"} or len(given) < 2:
            scope.refuse(node, f"takes two or more numbers or VARCHARs, this is {type_}")
        certain(node, scope, given)
        found = greatest(given, operator)
        return replace(found, sql=as_text(found.sql, type_))

    return handle


def _rounding(name: str) -> Handler:
    def handle(node: exp.Expression, scope: Scope, given: list[Typed]) -> Typed:
        if len(given) != 1 or given[0].type not in NUMBERS:
            return scope.refuse(node, "takes one INTEGER, BIGINT or DOUBLE")
        if given[0].type != "DOUBLE":
            return enclosed(node.expressions[0], given[0])
        return replace(given[0], sql=f"{name}({given[0].sql})")

    return handle


def _round(node: exp.Expression, scope: Scope, given: list[Typed]) -> Typed:
    """ROUND. A half is rounded up, towards positive infinity: ROUND(-1.5) is -1 (Math.round)."""
    places = _literal(node, 1) if len(given) == 2 else None
    if len(given) == 1 and given[0].type in {"INTEGER", "BIGINT"}:
        nulls = Nulls.NEVER if given[0].nulls is Nulls.NEVER else Nulls.FAILED
        return Typed(f"CAST({given[0].sql} AS BIGINT)", "BIGINT", nulls)
    if len(given) == 1 and given[0].type == "DOUBLE":
        sql = given[0].sql
        floor = whole(f"FLOOR({sql})", "BIGINT")
        return Typed(f"(({floor}) + {HALF_UP.format(sql)})", "BIGINT", given[0].nulls)
    if given and given[0].type == "DOUBLE" and places is not None and 0 <= places <= 10:
        return _round_to(given[0], places)
    return scope.refuse(node, "takes an INTEGER, BIGINT or DOUBLE; or a DOUBLE and 0 to 10 places")


def _round_to(value: Typed, places: int) -> Typed:
    exact = EXACT.format(value.sql)
    half = f"{exact} - TRUNCATE({exact}, {places}) = -0.{'0' * places}5"
    sql = (
        f"CASE WHEN {value.sql} < 0 AND {half} THEN TRUNCATE({value.sql}, {places})"
        f" ELSE ROUND({value.sql}, {places}) END"
    )
    return Typed(sql, "DOUBLE", value.nulls)


def _substring(node: exp.Expression, scope: Scope, given: list[Typed]) -> Typed:
    """SUBSTRING. Positions count from 1, and 0 means 1; negative ones are refused (Substring)."""
    numbers = [_literal(node, place) for place in range(1, len(given))]
    if (
        len(numbers) not in {1, 2}
        or given[0].type != "STRING"
        or any(number is None or number < 0 for number in numbers)
    ):
        scope.refuse(
            node, "takes a VARCHAR, a position (1 or greater) and a length, both literal numbers"
        )
    start, *length = [str(number) for number in numbers]
    rest = ", ".join([start if start != "0" else "1", *length])
    return replace(given[0], sql=f"SUBSTRING({given[0].sql}, {rest})")


def _literal(node: exp.Expression, position: int) -> int | None:
    """The value of an argument that is a literal whole number, else None."""
    literal = bare(node.expressions[position])
    sign = -1 if isinstance(literal, exp.Neg) else 1
    literal = literal.this if isinstance(literal, exp.Neg) else literal
    if not isinstance(literal, exp.Literal) or not str(literal.this).isdigit():
        return None
    return sign * int(str(literal.this))


def _format(column_type: str) -> Handler:
    def handle(node: exp.Expression, scope: Scope, given: list[Typed]) -> Typed:
        pattern = node.expressions[1] if len(given) == 2 else None
        if not isinstance(pattern, exp.Literal) or not PATTERN.match(str(pattern.this)):
            scope.refuse(node, "takes a column and a pattern of the letters yMdHms and punctuation")
        if given[0].type != column_type:
            scope.refuse(node, f"takes a {column_type}, this is {given[0].type}")
        moment = f"CAST({given[0].sql} AS TIMESTAMP(3))"
        sql = f"DATE_FORMAT({moment}, {given[1].sql})"
        short = DIGITS.match(str(node.expressions[1].this)) is not None
        return Typed(sql, "STRING", given[0].nulls, is_whole=short)

    return handle


def unit_of(node: exp.Expression, scope: Scope) -> str:
    """The first argument of TIMESTAMPADD, a keyword: one of UNITS.

    Raises:
        SpecError: it is not one of UNITS, or there are not three arguments.
    """
    first = node.expressions[0] if len(node.expressions) == 3 else None
    unit = str(first.this.this).upper() if isinstance(first, exp.Column) else ""
    if unit not in UNITS:
        scope.refuse(node, f"takes a unit ({', '.join(sorted(UNITS))}), a number, a timestamp")
    return unit


def timestamp_add(
    node: exp.Expression, scope: Scope, unit: str, count: Typed, moment: Typed
) -> Typed:
    """TIMESTAMPADD of `count` units to `moment` (TimestampAdd)."""
    if count.type != "INTEGER" or moment.type != "TIMESTAMP":
        return scope.refuse(node, f"takes INTEGER, TIMESTAMP; this is {count.type}, {moment.type}")
    flink = f"TIMESTAMPADD({unit.removesuffix('S')}, {count.sql}, {moment.sql})"
    return Typed(flink, "TIMESTAMP", either((count.nulls, moment.nulls)))


def _unix_timestamp(node: exp.Expression, scope: Scope, given: list[Typed]) -> Typed:
    if len(given) != 1 or given[0].type != "TIMESTAMP":
        return scope.refuse(node, "takes one TIMESTAMP")
    return Typed(millis(given[0].sql), "BIGINT", given[0].nulls)


FUNCTIONS: Mapping[str, Handler] = {
    "AS_VALUE": _as_value,
    "COALESCE": _coalesce,
    "IFNULL": _if_null,
    "CONCAT": _concat,
    "UCASE": _simple("UPPER({0})", "STRING", "STRING"),
    "LCASE": _simple("LOWER({0})", "STRING", "STRING"),
    "TRIM": _simple(TRIMMED, "STRING", "STRING"),
    "LEN": _simple(LENGTH, "INTEGER", "STRING"),
    "SUBSTRING": _substring,
    "ABS": _simple("ABS({0})", "", "NUMBER"),
    "FLOOR": _rounding("FLOOR"),
    "CEIL": _rounding("CEIL"),
    "ROUND": _round,
    "GREATEST": _extreme(">="),
    "LEAST": _extreme("<="),
    "FORMAT_TIMESTAMP": _format("TIMESTAMP"),
    "FORMAT_DATE": _format("DATE"),
    "FROM_UNIXTIME": _simple(
        "CAST(TO_TIMESTAMP_LTZ({0}, 3) AS TIMESTAMP(3))", "TIMESTAMP", "BIGINT"
    ),
    "UNIX_TIMESTAMP": _unix_timestamp,
}
