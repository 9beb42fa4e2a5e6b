"""Random records by the generator's rules in schemas/*.avsc.

The rules are those of Confluent's avro-random-generator, as far as this repository uses them:
options, range, iteration, regex, and a prefix of the last two. Others are refused.
"""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import rstr

from pipeline.errors import UsageError
from pipeline.schemas import ANNOTATION, Schema

KNOWN = {"options", "range", "iteration", "regex", "prefix"}


@dataclass(frozen=True)
class Generator:
    """Makes records of one schema: the same ones for the same seed."""

    schema: Schema
    seed: int

    def records(self, count: int) -> Iterator[dict[str, Any]]:
        """That many records.

        Raises:
            UsageError: the schema has a rule that is not known here.
        """
        chance = random.Random(self.seed)  # noqa: S311 - synthetic data, not secrets
        for number in range(count):
            yield {
                field["name"]: _value(field["name"], field["type"], number, chance)
                for field in self.schema["fields"]
            }


def _value(name: str, kind: Any, number: int, chance: random.Random) -> Any:
    rules = kind.get(ANNOTATION, {}) if isinstance(kind, dict) else {}
    unknown = rules.keys() - KNOWN
    if unknown or not rules:
        what = f"the rule {', '.join(sorted(unknown))}" if unknown else "a field without rules"
        raise UsageError(f"{name}: this producer does not know {what}")
    value = _drawn(rules, number, chance)
    if "prefix" in rules:
        value = f"{rules['prefix']}{value}"
    return _logical(kind.get("logicalType"), value)


def _drawn(rules: Mapping[str, Any], number: int, chance: random.Random) -> Any:
    if "options" in rules:
        return chance.choice(rules["options"])
    if "range" in rules:
        # The maximum is not drawn, as in the Java generator.
        return chance.randrange(rules["range"]["min"], rules["range"]["max"])
    if "regex" in rules:
        return rstr.Rstr(chance).xeger(rules["regex"])
    iteration = rules["iteration"]
    start, step = iteration["start"], iteration.get("step", 1)
    restart = iteration.get("restart")
    return start + number * step % (restart - start) if restart else start + number * step


def _logical(logical_type: str | None, value: Any) -> Any:
    """A date or time, if the field is one: fastavro takes Python's."""
    if logical_type == "date":
        return date(1970, 1, 1) + timedelta(days=value)
    if logical_type == "timestamp-millis":
        return datetime.fromtimestamp(value / 1000, UTC)
    return value
