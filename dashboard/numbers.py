"""Numbers and times as people read them. Pure."""

from datetime import date, datetime
from typing import Any

NONE = "-"


def number(value: Any, decimals: int = 0) -> str:
    """A number with commas between thousands; a dash if there is none."""
    return NONE if value is None else f"{float(value):,.{decimals}f}"


def cell(value: Any) -> str:
    """A value of a table."""
    if value is None:
        return NONE
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, bool | str | date):
        return str(value)
    return number(value, 0 if float(value).is_integer() else 2)


def moment(value: datetime) -> str:
    """A date and a time of day."""
    return f"{value:%d %b %Y %H:%M}"


def against(value: float, usual: float) -> str:
    """How a value compares with the usual one."""
    told = number(usual, 0 if usual >= 10 else 1)
    if not usual or abs(value - usual) < usual / 200:
        return f"as usual ({told})"
    percent = 100 * (value - usual) / usual
    return f"{'▲' if percent > 0 else '▼'} {abs(percent):.0f} % against the usual {told}"
