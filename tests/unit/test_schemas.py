"""Annotated schemas: what is registered, flattened and compared."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import schemas
from pipeline.repository.loader import load
from pipeline.sql.columns import column_names
from stack.layout import REPOSITORY

FILES = sorted((REPOSITORY / "schemas").glob("*.avsc"))


def _load(name: str) -> Any:
    return json.loads((REPOSITORY / "schemas" / f"{name}.avsc").read_text())


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_the_contract_is_the_schema_without_annotations(file: Any) -> None:
    schema = json.loads(file.read_text())
    contract = schemas.contract(schema)
    assert "arg.properties" not in json.dumps(contract)
    assert schemas.problem(schema) is None
    assert schemas.field_names(contract) == schemas.field_names(schema)
    assert all(field["doc"] for field in contract["fields"])


def test_columns_are_the_flattened_fields() -> None:
    assert column_names(_load("patient_labs")) == [
        "lab_id",
        "admission_id",
        "test_code",
        "test_name",
        "test_unit",
        "test_value",
        "test_reference_low",
        "test_reference_high",
        "collected_at",
    ]


def test_a_nullable_record_is_flattened_too() -> None:
    inner = {"type": "record", "name": "I", "fields": [{"name": "b", "type": "int"}]}
    schema = {"type": "record", "name": "O", "fields": [{"name": "A", "type": ["null", inner]}]}
    assert column_names(schema) == ["a_b"]


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        ({"type": "record", "name": "R", "fields": [{"name": "a", "type": "strng"}]}, "strng"),
        ({"type": "record", "fields": []}, "name"),
        ("string", "must be a record"),
        ({"type": "enum", "name": "E", "symbols": ["A"]}, "must be a record"),
    ],
)
def test_what_is_no_record_schema_is_told(schema: Any, reason: str) -> None:
    assert reason in (schemas.problem(schema) or "")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(json_values)
def test_compact_json_says_the_same(value: Any) -> None:
    assert json.loads(schemas.compact(value)) == value


@given(st.permutations(list(_load("patients").items())))
def test_the_order_of_attributes_is_no_difference(items: list[tuple[str, Any]]) -> None:
    assert schemas.canonical(dict(items)) == schemas.canonical(_load("patients"))


def test_a_logical_type_is_a_difference() -> None:
    plain = {"type": "record", "name": "R", "fields": [{"name": "a", "type": "long"}]}
    stamped = {"type": "long", "logicalType": "timestamp-millis"}
    other = {**plain, "fields": [{"name": "a", "type": stamped}]}
    assert schemas.canonical(plain) != schemas.canonical(other)


def test_a_specs_generator_replaces_annotations_by_field() -> None:
    schema = schemas.annotate(_load("patient_labs"), {"lab_id": {"prefix": "Z"}})
    types = {field["name"]: field["type"] for field in schema["fields"]}
    assert types["lab_id"] == {"type": "string", "arg.properties": {"prefix": "Z"}}
    assert types["admission_id"]["arg.properties"]["prefix"] == "A"
    assert schemas.contract(schema) == schemas.contract(_load("patient_labs"))


def test_the_documented_dirty_share_is_that_of_the_options() -> None:
    """The documentation of the fields counts options; so does this."""
    patients = {f["name"]: f["type"]["arg.properties"] for f in _load("patients")["fields"]}
    assert len(patients["gender"]["options"]) == 24
    assert sum(g not in {"F", "M", "X"} for g in patients["gender"]["options"]) == 6
    assert len(patients["race"]["options"]) == 21
    assert len(patients["last_name"]["options"]) == 31
    assert patients["birth_date"]["range"] == {"min": -14600, "max": 20400}
    fields = {f["name"]: f["type"] for f in _load("patient_admissions")["fields"]}
    stays = fields["length_of_stay_hours"]["arg.properties"]["options"]
    assert (len(stays), sum(hours < 0 for hours in stays)) == (60, 1)
    assert len(fields["department"]["arg.properties"]["options"]) == 27
    labs = {f["name"]: f["type"] for f in _load("patient_labs")["fields"]}
    pool = labs["test"]["arg.properties"]["options"]
    names: dict[str, set[str]] = {}
    for test in pool:
        names.setdefault(test["code"], set()).add(test["name"])
    assert len(pool) == 130
    assert len(names) == 12


def test_what_connect_notes_of_its_types_is_no_change_of_the_contract() -> None:
    schema = load(REPOSITORY).schemas["admissions_hourly"]
    text = json.dumps(schema)
    assert "connect.name" in text
    bare = json.loads(
        text.replace('"connect.version": 1, ', "")
        .replace('"connect.name": "org.apache.kafka.connect.data.Timestamp", ', "")
        .replace(', "connect.name": "io.confluent.ksql.avro_schemas.KsqlDataSourceSchema"', "")
    )
    assert "connect." not in json.dumps(bare["fields"])
    assert schemas.canonical(bare) == schemas.canonical(schema)
    bare["fields"][0]["name"] = "WARD"
    assert schemas.canonical(bare) != schemas.canonical(schema)
