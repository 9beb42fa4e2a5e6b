r"""Translates CAST so that Flink gives ksqlDB's result.

Sources: ksqlDB's CastEvaluator and DecimalUtil, Flink's BinaryStringDataUtil.

In ksqlDB, a CAST that fails yields null, and so does a CAST of an expression that fails. In WHERE
and HAVING it makes the whole condition fail. Flink differs: its CAST from text accepts '1.5' as an
INTEGER, and 'NaN' and '1d' as a DOUBLE. Its CAST from DOUBLE to INTEGER makes 1E300 0, Java makes
it the greatest INTEGER.
"""

from pipeline.sql.flink.terms import Nulls, Typed, digits, either, is_decimal, text

BLANK = r"[\x00-\x20]*"
WHOLE = rf"\A{BLANK}([+-]?[0-9]+){BLANK}\z"
NUMBER = rf"\A{BLANK}([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?){BLANK}\z"
# The most digits that an INTEGER and a BIGINT can have, and the most that always fit into one.
MOST_DIGITS = {"INTEGER": 10, "BIGINT": 19}
FITTING_DIGITS = {"INTEGER": 9, "BIGINT": 18}
LIMITS = {
    "INTEGER": ("2147483647E0", "2147483647", "-2147483648E0", "-2147483648"),
    "BIGINT": (
        "9.223372036854775807E18",
        "9223372036854775807",
        "-9.223372036854775808E18",
        "-9223372036854775807 - 1",
    ),
}
SAME = {
    ("INTEGER", "STRING"), ("BIGINT", "STRING"), ("INTEGER", "BIGINT"), ("INTEGER", "DOUBLE"),
    ("BIGINT", "DOUBLE"), ("BIGINT", "INTEGER"),
}  # fmt: skip


def cast(value: Typed, wanted: str, *, in_filter: bool) -> Typed | None:
    """The value cast to the type `wanted`; None if the engines cast it differently."""
    if value.is_whole and wanted in LIMITS:
        return Typed(f"TRY_CAST({value.sql} AS {wanted})", wanted, value.nulls)
    made = value.sql if value.type == wanted else _converted(value, wanted)
    if made is None:
        return None
    nulls = value.nulls
    if value.type != wanted and (value.type == "STRING" or _may_not_fit(value.type, wanted)):
        nulls = either({nulls, Nulls.FAILED})
    if nulls is not Nulls.NEVER and not in_filter:
        nulls = Nulls.NULL
    return Typed(made, wanted, nulls)


def _converted(value: Typed, wanted: str) -> str | None:
    cast_ = "TRY_CAST" if _may_not_fit(value.type, wanted) else "CAST"
    plain = f"{cast_}({value.sql} AS {wanted})"
    if value.type == "STRING":
        return _parsed(value.sql, wanted)
    if value.type == "DOUBLE" and wanted in LIMITS:
        return whole(value.sql, wanted)
    if (value.type, wanted) in SAME or _decimals_agree(value.type, wanted):
        return plain
    return None


def _parsed(sql: str, wanted: str) -> str | None:
    if wanted not in {"INTEGER", "BIGINT", "DOUBLE"} and not is_decimal(wanted):
        return None
    pattern = text(WHOLE if wanted in LIMITS else NUMBER)
    return f"TRY_CAST(REGEXP_EXTRACT({sql}, {pattern}, 1) AS {wanted})"


def _may_not_fit(given: str, wanted: str) -> bool:
    """Whether a whole number can have too many digits for a DECIMAL: then both engines fail."""
    if not is_decimal(wanted) or given not in MOST_DIGITS:
        return False
    precision, scale = digits(wanted)
    return precision - scale < MOST_DIGITS[given]


def whole(sql: str, wanted: str) -> str:
    """A DOUBLE as INTEGER or BIGINT as Java narrows it: a number out of range becomes the limit."""
    high, highest, low, lowest = LIMITS[wanted]
    return (
        f"CASE WHEN {sql} >= {high} THEN {highest} WHEN {sql} <= {low} THEN {lowest}"
        f" ELSE CAST({sql} AS {wanted}) END"
    )


def _decimals_agree(given: str, wanted: str) -> bool:
    if is_decimal(given) and is_decimal(wanted):
        (before, scale), (after, wanted_scale) = digits(given), digits(wanted)
        rounds = wanted_scale < scale
        return after - wanted_scale >= before - scale + rounds
    if is_decimal(wanted) and given in MOST_DIGITS:
        return True
    if is_decimal(given) and wanted in FITTING_DIGITS:
        precision, scale = digits(given)
        return precision - scale <= FITTING_DIGITS[wanted]
    return is_decimal(given) and wanted in {"STRING", "DOUBLE"}
