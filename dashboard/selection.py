"""What a person has chosen on a page: filters and a period. The page's URL holds it. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from urllib.parse import parse_qsl, urlencode

from pipeline.repository.dashboards import Page

NO_DAY = "is no day: write it as 2025-01-31"
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
# By the name in the URL: what it is called, and how long it is.
PERIODS: Mapping[str, tuple[str, timedelta]] = {
    "24h": ("24 hours", DAY),
    "7d": ("7 days", 7 * DAY),
    "28d": ("28 days", 28 * DAY),
    "1y": ("1 year", 365 * DAY),
}
USUAL = "7d"
# Longer periods are shown by day, by week and by month.
BY_HOUR, BY_DAY, BY_WEEK = 8 * DAY, 120 * DAY, 3 * 365 * DAY


@dataclass(frozen=True)
class Selection:
    """Chosen values by filter, and a period: one of PERIODS, or the days from first to last."""

    filters: Mapping[str, tuple[str, ...]]
    period: str = USUAL
    first: date | None = None
    last: date | None = None

    @property
    def search(self) -> str:
        """The part of the URL that says it; what is usual is not said."""
        said = [(name, value) for name, values in self.filters.items() for value in values]
        if self.first and self.last:
            said += [("from", self.first.isoformat()), ("to", self.last.isoformat())]
        elif self.period != USUAL:
            said.append(("period", self.period))
        return f"?{urlencode(said)}" if said else ""

    def toggled(self, name: str, value: str) -> "Selection":
        """With only this value of a filter; without, if it is the only one already."""
        chosen = () if self.filters.get(name) == (value,) else (value,)
        return self.choosing(name, chosen)

    def switched(self, name: str, value: str) -> "Selection":
        """With this value of a filter beside the others; without, if it is one of them."""
        chosen = self.filters.get(name, ())
        others = tuple(one for one in chosen if one != value)
        return self.choosing(name, others if value in chosen else (*chosen, value))

    def choosing(self, name: str, values: tuple[str, ...]) -> "Selection":
        """With these values of a filter."""
        return replace(self, filters={**self.filters, name: values})

    def within(self, period: str) -> "Selection":
        """With a period of PERIODS."""
        return replace(self, period=period, first=None, last=None)

    def between(self, first: date, last: date) -> "Selection":
        """With the days from first to last."""
        return replace(self, first=min(first, last), last=max(first, last))

    def dated(self, first: str | None, last: str | None) -> "Selection":
        """With the days that two texts say, if both say one; as it was, if they do not."""
        days = _day(first), _day(last)
        if days[0] and days[1]:
            return self.between(days[0], days[1])
        return self if any((first, last)) else replace(self, first=None, last=None)

    @staticmethod
    def misread(*days: str | None) -> str:
        """What to say of texts that are no days; "" if all are."""
        wrong = [day for day in days if day and _day(day) is None]
        return f"{wrong[0]} {NO_DAY}" if wrong else ""

    def bounds(self, now: datetime) -> tuple[datetime, datetime]:
        """The beginning of the period, and its end, which is not in it. Full hours or days."""
        if self.first and self.last:
            return _midnight(self.first), _midnight(self.last) + DAY
        hour = floor(now, "hour")
        return floor(hour - PERIODS[self.period][1], self.step), hour + HOUR

    @property
    def step(self) -> str:
        """What the period is divided into: hour, day, week or month."""
        length = PERIODS[self.period][1]
        if self.first and self.last:
            length = self.last - self.first + DAY
        steps = (("hour", BY_HOUR), ("day", BY_DAY), ("week", BY_WEEK))
        return next((step for step, most in steps if length <= most), "month")

    def times(self, now: datetime) -> list[datetime]:
        """The hours, days, weeks or months that lie within the period and have ended."""
        start, end = self.bounds(now)
        begun, found = floor(start, self.step), []
        while (after := _next(begun, self.step)) <= min(end, floor(now, self.step)):
            if begun >= start:
                found.append(begun)
            begun = after
        return found


def parse(search: str, page: Page) -> Selection:
    """The selection that a URL says. What it does not understand counts as not said."""
    # PostgreSQL has no text with a NUL.
    said = [pair for pair in parse_qsl(search.removeprefix("?")) if "\0" not in pair[1]]
    names = [one.name for one in page.filters]
    filters = {name: tuple(dict.fromkeys(v for key, v in said if key == name)) for name in names}
    by_name = dict(said)
    period = by_name.get("period", USUAL)
    chosen = Selection(filters, period if period in PERIODS else USUAL)
    return chosen.dated(by_name.get("from"), by_name.get("to"))


def floor(moment: datetime, step: str) -> datetime:
    """The beginning of the hour, day, week or month, as PostgreSQL's date_trunc has it."""
    if step == "hour":
        return moment.replace(minute=0, second=0, microsecond=0)
    day = moment.date()
    if step == "week":
        day -= timedelta(days=day.weekday())
    return _midnight(day.replace(day=1) if step == "month" else day)


def _next(moment: datetime, step: str) -> datetime:
    if step == "month":
        return floor(moment + 31 * DAY, step)
    return moment + {"hour": HOUR, "day": DAY, "week": 7 * DAY}[step]


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time())


def _day(text: str | None) -> date | None:
    try:
        day = date.fromisoformat(text or "")
    except ValueError:
        return None
    # What is beyond has no day before or after it.
    return day if 1900 <= day.year <= 2200 else None
