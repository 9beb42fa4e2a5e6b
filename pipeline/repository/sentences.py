"""What pydantic found wrong with a file, in words for the person who wrote it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter
from pydantic_core import ErrorDetails

from pipeline.errors import Mistake
from pipeline.repository.confidential import names_a_secret
from pipeline.suggest import did_you_mean, unknown

Loc = tuple[int | str, ...]
BEGINS = "must begin with a small letter, and have small letters, digits and"
# The patterns of the models, in words.
PATTERNS = {
    r"^[a-z][a-z0-9-]*$": f"{BEGINS} - only",
    r"^[a-z][a-z0-9_]*$": f"{BEGINS} _ only",
    r"^[a-z]([a-z0-9_]*|[a-z0-9-]*_dlq)$": f"{BEGINS} _ only, or be a queue, <connector>_dlq",
}
A_TEMPLATE = "the kind of connector, a file of connectors/templates/, or `none`"
NO_VALUE = 'has no value: give one, leave the key out, or write ""'
SHOWN = 60
KINDS = {
    dict: "a mapping", list: "a list", str: "text", bool: "true or false", int: "a number",
    float: "a number", type(None): "nothing",
}  # fmt: skip


def told(
    path: Path, lines: Mapping[Loc, int], details: Sequence[ErrorDetails], model: Any
) -> Iterator[Mistake]:
    """One mistake for each place. `lines` has the line of each key of the file."""
    keys: set[str] | None = None
    by_place: dict[Loc, list[ErrorDetails]] = {}
    for detail in details:
        by_place.setdefault(_in_file(detail, lines), []).append(detail)
    for loc, (detail, *others) in by_place.items():
        if detail["type"] == "extra_forbidden":
            keys = keys or _field_names(TypeAdapter(model).json_schema())
            message = f"unknown key{did_you_mean(str(loc[-1]), keys)}"
        elif others:
            message = f"must be text, a number, true or false{_found(loc, detail)}"
        else:
            message = _sentence(loc, detail)
        if detail["input"] is None and detail["type"] != "missing":
            message = NO_VALUE
        yield Mistake(path, _nearest_line(loc, lines), ".".join(map(str, loc)), message)


def _sentence(loc: Loc, detail: ErrorDetails) -> str:
    context = detail.get("ctx", {})
    say = SENTENCES.get(detail["type"])
    if say is None:
        message = detail["msg"].removeprefix("Value error, ")
        return message if detail["type"] == "value_error" else f"{message}{_found(loc, detail)}"
    message = say(context, detail)
    return message if detail["type"] in COMPLETE else f"{message}{_found(loc, detail)}"


def _pattern(context: Mapping[str, Any]) -> str:
    pattern = str(context["pattern"])
    return PATTERNS.get(pattern, f"must match {pattern}")


def _literal(context: Mapping[str, Any], detail: ErrorDetails) -> str:
    allowed = [
        word.strip("'") for word in str(context["expected"]).replace(" or ", ", ").split(", ")
    ]
    return unknown("value", str(detail["input"]), allowed)


def _tag(context: Mapping[str, Any]) -> str:
    allowed = [word.strip("'") for word in str(context["expected_tags"]).split(", ")]
    tag = str(context["tag"])
    return f"has no value: {A_TEMPLATE}" if tag == "None" else unknown("template", tag, allowed)


Say = Callable[[Any, ErrorDetails], str]
# By pydantic's type of the error.
SENTENCES: Mapping[str, Say] = {
    "missing": lambda _, __: "is missing",
    "union_tag_not_found": lambda _, __: f"is missing: {A_TEMPLATE}",
    "union_tag_invalid": lambda context, _: _tag(context),
    "literal_error": _literal,
    "string_pattern_mismatch": lambda context, _: _pattern(context),
    "string_too_long": lambda context, _: f"has at most {context['max_length']} characters",
    "string_type": lambda _, __: "must be text: if it is, quote it",
    "int_type": lambda _, __: "must be a whole number",
    "int_from_float": lambda _, __: "must be a whole number",
    "float_type": lambda _, __: "must be a number",
    "bool_type": lambda _, __: "must be true or false",
    "list_type": lambda _, __: "must be a list, such as [a, b]",
    "dict_type": lambda _, __: "must be a mapping of keys to values",
    "model_type": lambda _, __: "must be a mapping of keys to values",
    "model_attributes_type": lambda _, __: "must be a mapping of keys to values",
    "too_short": lambda context, _: f"needs {context['min_length']} or more",
    "greater_than_equal": lambda context, _: f"must be {context['ge']} or more",
    "less_than_equal": lambda context, _: f"must be {context['le']} or less",
    "invalid-json-value": lambda _, __: (
        "must be text, a number, true, false, a list or a mapping: quote a date"
    ),
}
# Those whose sentence says already what stands there, or that nothing does.
COMPLETE = {"missing", "union_tag_not_found", "union_tag_invalid", "literal_error", "too_short"}


def _found(loc: Loc, detail: ErrorDetails) -> str:
    """What stands there instead; never what may be a secret."""
    value = detail["input"]
    if any(names_a_secret(str(part)) for part in loc):
        return ""
    if isinstance(value, str | int | float):
        written = repr(value) if isinstance(value, str) else str(value)
        shown = written if len(written) <= SHOWN else f"{written[:SHOWN]}…"
        return f" (is {str(value).lower() if isinstance(value, bool) else shown})"
    return f" (is {KINDS.get(type(value), 'a date')})"


def _in_file(detail: ErrorDetails, lines: Mapping[Loc, int]) -> Loc:
    """The location without the parts that pydantic adds for the members of a union."""
    if detail["type"].startswith("union_tag"):
        return ("template",)
    parts = tuple(part for part in detail["loc"] if part != "[key]")
    kept: Loc = ()
    for position, part in enumerate(parts):
        last = position == len(parts) - 1
        # The tree of a file has the key 1 as a text.
        key = part if (*kept, part) in lines else str(part)
        if (*kept, key) in lines or (last and detail["type"] in {"missing", "extra_forbidden"}):
            kept = (*kept, key)
    return kept


def _nearest_line(loc: Loc, lines: Mapping[Loc, int]) -> int | None:
    while loc and loc not in lines:
        loc = loc[:-1]
    return lines.get(loc)


def _field_names(schema: Any) -> set[str]:
    """All keys of a model and of its nested models, from its JSON Schema."""
    if isinstance(schema, list):
        return set().union(*map(_field_names, schema))
    if not isinstance(schema, dict):
        return set()
    return set(schema.get("properties", ())) | _field_names(list(schema.values()))
