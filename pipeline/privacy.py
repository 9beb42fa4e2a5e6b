"""What a field tells of a person: its attribute `phi` in schemas/*.avsc, and what follows.

The kinds are the identifiers of HIPAA's Safe Harbor, 45 CFR 164.514(b)(2)(i), A to R, with the date
of birth apart from other dates; and two of ours, for what can hold any of them.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from pipeline.suggest import unknown

ATTRIBUTE = "phi"
NONE = "none"
KINDS: Mapping[str, str] = {
    NONE: "tells nothing of who it is",
    "name": "A: a name",
    "place": "B: a place smaller than a state",
    "birth_date": "C: the date of birth",
    "date": "C: another date of the person, such as that of an admission",
    "telephone": "D: a telephone number",
    "fax": "E: a fax number",
    "email": "F: an e-mail address",
    "social_security": "G: a social security number",
    "medical_record": "H: the number of a medical record",
    "health_plan": "I: the number of a beneficiary",
    "account": "J: the number of an account",
    "license": "K: the number of a certificate or license",
    "vehicle": "L: a vehicle's identifier",
    "device": "M: a device's identifier",
    "url": "N: a web address",
    "ip": "O: an IP address",
    "biometric": "P: a finger or voice print",
    "photo": "Q: a picture of the face",
    "code": "R: another identifier of the person, or of a record of the person's",
    "history": "words on a person's health",
    "record": "a whole record, with whatever is in it",
}
# What dashboards may read, of these. A limited data set, 45 CFR 164.514(e)(2), has dates and codes.
MASK = "•••"
READABLE = frozenset({NONE, "date", "code"})


def bad_tags(fields: Any) -> Iterator[str]:
    """What is wrong with the tags of a record's fields, and of those within them."""
    for field in fields:
        kind = field.get(ATTRIBUTE)
        inner = _inner(field)
        if inner:
            if kind is not None:
                yield f"{field['name']} is a record: its fields have {ATTRIBUTE}, each its own"
            yield from bad_tags(inner)
        elif kind is None:
            yield (
                f'{field["name"]} has no "{ATTRIBUTE}": what does it tell of a person? One of'
                f" {', '.join(KINDS)}"
            )
        elif kind not in KINDS:
            yield f"{field['name']}: {ATTRIBUTE}: {unknown('kind', str(kind), KINDS)}"


def kinds(schema: Mapping[str, Any], delimiter: str = "_") -> dict[str, str]:
    """The kind of each field, by its name in a table; of the fields that have one."""
    return dict(_kinds(schema, "", delimiter))


def identifies(schema: Mapping[str, Any]) -> bool:
    """Whether records of a schema tell who somebody is."""
    return any(kind != NONE for kind in kinds(schema).values())


def masked(value: Any, schema: Mapping[str, Any]) -> Any:
    """A record in Avro's JSON, with a mask in place of what dashboards may not read.

    An empty value is shown: a rule may be about it. `schema` is the declared one; a field that it
    does not have is masked.
    """
    if not isinstance(value, Mapping):
        return value
    fields = {field["name"]: field for field in schema["fields"]}
    return {name: _masked(part, fields.get(name)) for name, part in value.items()}


def _masked(part: Any, field: Mapping[str, Any] | None) -> Any:
    inner = _inner(field) if field else []
    if inner:
        return masked(part, {"fields": inner})
    plain = next(iter(part.values())) if isinstance(part, Mapping) and len(part) == 1 else part
    if plain in (None, "") or (field and field.get(ATTRIBUTE) in READABLE):
        return part
    return MASK


def _kinds(schema: Mapping[str, Any], prefix: str, delimiter: str) -> Iterator[tuple[str, str]]:
    for field in schema["fields"]:
        name = f"{prefix}{field['name']}"
        for part in _inner(field):
            yield from _kinds({"fields": [part]}, f"{name}{delimiter}", delimiter)
        if ATTRIBUTE in field:
            yield name.lower(), str(field[ATTRIBUTE])


def _inner(field: Mapping[str, Any]) -> list[Any]:
    """The fields of a record in a field, if it holds one."""
    options = field["type"] if isinstance(field["type"], list) else [field["type"]]
    records = [part for part in options if isinstance(part, dict) and part.get("type") == "record"]
    return [inner for part in records for inner in part["fields"]]
