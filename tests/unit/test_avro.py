"""Avro's rules: what a schema may be, and which can read what which has written."""

from typing import Any

import pytest

from pipeline import avro


def _record(*fields: dict[str, Any], **attributes: Any) -> dict[str, Any]:
    return {"type": "record", "name": "R", "fields": list(fields), **attributes}


def _field(type_: Any, **attributes: Any) -> dict[str, Any]:
    return {"name": "a", "type": type_, **attributes}


ENUM = {"type": "enum", "name": "E", "symbols": ["A"]}
INNER = {"type": "record", "name": "I", "fields": [{"name": "z", "type": "int"}]}


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        (_record(_field("int"), _field("long")), "a already in use"),
        (_record(_field("int") | {"name": "a-b"}), "field a-b: a name has letters, digits and _"),
        (_record(name="X Y"), "X Y is not a valid Avro name"),
        (_record(_field(["null", ["int", "null"]])), "Unions cannot contain other unions"),
        (_record(_field(["int", "int"])), "int type already in Union"),
        (_record(_field("double", default=float("nan"))), "field a: NaN is no default of"),
        (_record(_field("int", default="x")), 'field a: "x" is no default of "int"'),
        (_record(_field("int", default=2**31)), "2147483648 is no default of"),
        (_record(_field("int", default=True)), "true is no default of"),
        (_record(_field(["string", "null"], default=5)), "5 is no default of"),
        (_record(_field({"type": "array", "items": "int"}, default=["x"])), "no default of"),
        (_record(_field({"type": "map", "values": "int"}, default={"k": ""})), "no default of"),
        (_record(_field(INNER, default={})), "field a: {} is no default of"),
        (_record(_field(ENUM, default="B")), 'field a: "B" is no default of'),
        (_record(_field(["null", {**INNER, "fields": [_field("int", default="")]}])), "field a:"),
    ],
)  # fmt: skip
def test_what_a_registry_would_refuse_is_told(schema: Any, reason: str) -> None:
    assert reason in (avro.problem(schema) or "")


@pytest.mark.parametrize(
    "field",
    [
        _field("double", default=1),
        _field("bytes", default="\u00ff"),
        _field(["null", "string"], default=None),
        _field(["string", "null"], default=None),
        _field(ENUM, default="A"),
        _field(INNER, default={"z": 1}),
        _field(["null", {**INNER, "fields": [_field(["null", "I"])]}]),
        _field("string", doc="\U0001f600"),
        _field({"type": "array", "items": "string"}, default=[]),
    ],
)
def test_what_is_avro_is_no_problem(field: dict[str, Any]) -> None:
    assert avro.problem(_record(field)) is None


OLD = _record(_field("string"), {"name": "gone", "type": "int"})
NEW = _record(_field("int"), {"name": "more", "type": "string"})
MORE = "field more has no default in the declared schema, and is missing in version 2"
GONE = "field gone has no default in version 2, and is missing in the declared schema"


@pytest.mark.parametrize(
    ("level", "reasons"),
    [
        ("NONE", []),
        ("BACKWARD", ["field a is ", MORE]),
        ("FORWARD", ["field a is ", GONE]),
        ("FULL", ["field a is ", MORE, "field a is ", GONE]),
    ],
)
def test_each_level_has_its_reasons_by_field(level: str, reasons: list[str]) -> None:
    found = avro.incompatibilities(level, NEW, {1: NEW, 2: OLD})
    assert len(found) == len(reasons)
    assert all(one.startswith(reason) for one, reason in zip(found, reasons, strict=True))
    assert avro.incompatibilities(level, OLD, {2: OLD}) == ()


def test_the_reason_has_both_types() -> None:
    (reason,) = avro.incompatibilities("BACKWARD", _record(_field("int")), {3: OLD})
    assert reason == (
        'field a is "int" in the declared schema, which cannot read "string" of version 3'
        " (reader type: int not compatible with writer type: string)"
    )


def test_a_transitive_level_is_about_all_versions() -> None:
    newest = _record(_field(["null", "int"], default=None))
    older = {1: _record(_field("string")), 2: newest}
    assert avro.incompatibilities("BACKWARD", newest, older) == ()
    (reason,) = avro.incompatibilities("BACKWARD_TRANSITIVE", newest, older)
    assert "of version 1" in reason


def test_what_is_no_record_is_not_compatible() -> None:
    (reason,) = avro.incompatibilities("BACKWARD", NEW, {1: {"type": "string"}})
    assert "are not both records" in reason
