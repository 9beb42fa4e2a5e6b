r"""Translates conditions by the rules of the Java that ksqlDB generates (SqlToJavaVisitor).

- A comparison with a null is false. If the left side is null, the right side is not evaluated.
- `&&`, `||` and `!` fail if an operand is null. `&&` and `||` do not evaluate the right operand if
  the left one decides the result.
- CASE evaluates its conditions in order, and fails at one that is null (SearchedCaseFunction).
- LIKE is a regular expression whose `.` does not match a line end. It fails for a null
  (LikeEvaluator).
"""

import re
from collections.abc import Sequence

from pipeline.sql.flink.terms import Nulls, Typed, either, text

CERTAIN = {Nulls.NEVER, Nulls.FAILED}


def comparison(left: Typed, operator: str, right: Typed) -> Typed:
    """A comparison. The caller has checked that the operands' types can be compared."""
    plain = f"{left.sql} {operator} {right.sql}"
    kinds = {left.nulls, right.nulls}
    if kinds == {Nulls.NEVER}:
        return Typed(plain, "BOOLEAN", Nulls.NEVER)
    if kinds <= CERTAIN:
        return Typed(plain, "BOOLEAN", Nulls.FAILED)
    if kinds <= {Nulls.NEVER, Nulls.NULL}:
        return Typed(f"(({plain}) IS TRUE)", "BOOLEAN", Nulls.NEVER)
    if (left.nulls, right.nulls) == (Nulls.FAILED, Nulls.NULL):
        made = f"CASE WHEN ({left.sql}) IS NOT NULL THEN ({plain}) IS TRUE END"
        return Typed(made, "BOOLEAN", Nulls.FAILED)
    if (left.nulls, right.nulls) == (Nulls.NULL, Nulls.FAILED):
        made = f"CASE WHEN ({left.sql}) IS NULL THEN FALSE ELSE {plain} END"
        return Typed(made, "BOOLEAN", Nulls.FAILED)
    return Typed(plain, "BOOLEAN", Nulls.NOT_TRUE)


def all_of(operands: Sequence[Typed]) -> Typed:
    """AND, evaluated from left to right."""
    first, *others = operands
    if not others:
        return first
    rest = all_of(others)
    plain = f"{first.sql} AND {rest.sql}"
    if Nulls.NOT_TRUE in {first.nulls, rest.nulls}:
        return Typed(plain, "BOOLEAN", Nulls.NOT_TRUE)
    return _in_order(first, plain, rest)


def any_of(operands: Sequence[Typed]) -> Typed:
    """OR, evaluated from left to right. Only the last operand may be NOT_TRUE."""
    first, *others = operands
    if not others:
        return first
    rest = any_of(others)
    made = _in_order(first, f"{first.sql} OR {rest.sql}", rest)
    nulls = Nulls.NOT_TRUE if rest.nulls is Nulls.NOT_TRUE else made.nulls
    return Typed(made.sql, "BOOLEAN", nulls)


def _in_order(first: Typed, plain: str, rest: Typed) -> Typed:
    """AND or OR of two operands that fails if the first one does.

    On Flink alone, NULL AND FALSE is false and NULL OR TRUE is true; ksqlDB fails in both cases.
    """
    if first.nulls is Nulls.NEVER:
        return Typed(plain, "BOOLEAN", rest.nulls if rest.nulls in CERTAIN else Nulls.FAILED)
    return Typed(f"CASE WHEN ({first.sql}) IS NOT NULL THEN {plain} END", "BOOLEAN", Nulls.FAILED)


def among(value: Typed, choices: Sequence[Typed]) -> Typed:
    """IN. All choices are evaluated, and a null never matches (InListEvaluator)."""
    plain = f"{value.sql} IN ({', '.join(choice.sql for choice in choices)})"
    kinds = {value.nulls, *(choice.nulls for choice in choices)}
    if kinds == {Nulls.NEVER}:
        return Typed(plain, "BOOLEAN", Nulls.NEVER)
    if kinds <= {Nulls.NEVER, Nulls.NULL}:
        return Typed(f"(({plain}) IS TRUE)", "BOOLEAN", Nulls.NEVER)
    if kinds == CERTAIN and value.nulls is Nulls.FAILED:
        return Typed(plain, "BOOLEAN", Nulls.FAILED)
    return Typed(plain, "BOOLEAN", Nulls.NOT_TRUE)


def case(whens: Sequence[tuple[Typed, Typed]], otherwise: Typed) -> Typed:
    """CASE WHEN. The results have one ksqlDB type; texts of different length are CHARs on Flink."""
    parts = []
    kinds = {result.nulls for _, result in whens} | {otherwise.nulls}
    for test, result in whens:
        if test.nulls is not Nulls.NEVER:
            parts.append(f"WHEN ({test.sql}) IS NULL THEN NULL")
            kinds.add(Nulls.FAILED)
        parts.append(f"WHEN {test.sql} THEN {result.sql}")
    type_ = next(one.type for one in [*(r for _, r in whens), otherwise] if one.type != "NULL")
    return Typed(f"CASE {' '.join(parts)} ELSE {otherwise.sql} END", type_, either(kinds))


def like(value: Typed, pattern: str, escape: str) -> Typed:
    """LIKE as the regular expression that ksqlDB makes of it. Flink's own % matches line ends.

    Raises:
        ValueError: the pattern ends with the escape character. ksqlDB always fails then.
    """
    made, escaped = "", False
    for character in pattern:
        if escaped or character not in {escape, "%", "_"}:
            made, escaped = made + re.escape(character), False
        elif character == escape:
            escaped = True
        else:
            made += ".*" if character == "%" else "."
    if escaped:
        raise ValueError("LIKE: the pattern ends with the escape character")
    nulls = Nulls.NEVER if value.nulls is Nulls.NEVER else Nulls.FAILED
    wanted = text(rf"\A{made}\z")
    return Typed(f"REGEXP({value.sql}, {wanted})", "BOOLEAN", nulls)


def greatest(values: Sequence[Typed], operator: str) -> Typed:
    """GREATEST (operator >=) or LEAST (<=), which ignore nulls (Greatest, Least).

    Flink's own functions yield null if an argument is null, and declare the result NOT NULL.
    """
    parts = []
    for position, value in enumerate(values[:-1]):
        others = values[position + 1 :]
        tests = [f"{v.sql} IS NULL OR {value.sql} {operator} {v.sql}" for v in others]
        test = " AND ".join([f"{value.sql} IS NOT NULL", *(f"({one})" for one in tests)])
        parts.append(f"WHEN {test} THEN {value.sql}")
    never = any(value.nulls is Nulls.NEVER for value in values)
    sql = f"CASE {' '.join(parts)} ELSE {values[-1].sql} END"
    return Typed(sql, values[0].type, Nulls.NEVER if never else Nulls.NULL)
