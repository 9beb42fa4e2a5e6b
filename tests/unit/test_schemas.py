"""Annotated schemas: what is registered, flattened and compared."""

import json
import re
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import avro, schemas
from pipeline.paths import REPOSITORY
from pipeline.repository import rules
from pipeline.repository.loader import load
from pipeline.repository.rules import TopicRules
from pipeline.sql.columns import columns_of

RULES = rules.load(REPOSITORY / rules.FILE)
FILES = sorted((REPOSITORY / "schemas").glob("*.avsc"))


def _load(name: str) -> Any:
    return json.loads((REPOSITORY / "schemas" / f"{name}.avsc").read_text())


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_the_contract_is_the_schema_without_annotations(file: Any) -> None:
    schema = json.loads(file.read_text())
    contract = schemas.contract(schema)
    assert "arg.properties" not in json.dumps(contract)
    assert avro.problem(schema) is None
    assert schemas.field_names(contract) == schemas.field_names(schema)
    assert all(field["doc"] for field in contract["fields"])


def test_columns_are_the_flattened_fields() -> None:
    assert [column.name for column in columns_of([_load("patient_labs")])] == [
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
    assert [column.name for column in columns_of([schema])] == ["a_b"]


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        ({"type": "record", "name": "R", "fields": [{"name": "a", "type": "strng"}]}, "strng"),
        ({"type": "record", "fields": []}, "Name None"),
        ("string", "must be a record"),
        ({"type": "enum", "name": "E", "symbols": ["A"]}, "must be a record"),
    ],
)
def test_what_is_no_record_schema_is_told(schema: Any, reason: str) -> None:
    assert reason in (avro.problem(schema) or "")


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


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"name": "n.R"}, {"name": "R", "namespace": "n"}),
        ({"name": "R", "aliases": ["n.Q"], "namespace": "n"}, {"name": "n.R", "aliases": ["Q"]}),
    ],
)
def test_two_spellings_of_a_name_are_no_difference(one: Any, other: Any) -> None:
    inner = {"type": "record", "name": "I", "fields": []}
    fields = [{"name": "a", "type": inner}, {"name": "b", "type": "I", "order": "ascending"}]
    full = [
        {"name": "a", "type": {**inner, "name": "n.I"}, "order": "ascending"},
        {"name": "b", "type": {"type": "n.I"}},
    ]
    first = {"type": "record", **one, "fields": fields}
    assert schemas.canonical(first) == schemas.canonical(
        {"type": "record", **other, "fields": full}
    )


def test_an_annotated_field_has_its_default_in_the_table() -> None:
    text = {"type": "string", "arg.properties": {"options": ["", "x"]}}
    field = {"name": "a", "type": text, "default": ""}
    (column,) = columns_of([{"type": "record", "name": "R", "fields": [field]}])
    assert column.default == ""


@pytest.mark.parametrize("attribute", [{"doc": "a"}, {"aliases": ["Q"]}, {"owner": "me"}])
def test_documentation_aliases_and_attributes_are_differences(attribute: Any) -> None:
    plain = {"type": "record", "name": "R", "fields": [{"name": "a", "type": "long"}]}
    assert schemas.canonical({**plain, **attribute}) != schemas.canonical(plain)
    field = {"name": "a", "type": "long", **attribute}
    assert schemas.canonical({**plain, "fields": [field]}) != schemas.canonical(plain)


def test_the_text_is_that_of_avros_own_libraries() -> None:
    schema = {
        "namespace": "n",
        "name": "R",
        "owner": "me",
        "aliases": ["Q"],
        "fields": [
            {"doc": "A", "type": {"logicalType": "date", "type": "int"}, "name": "a"},
            {"default": {"type": "x"}, "name": "b", "type": {"values": "string", "type": "map"}},
        ],
        "type": "record",
        "doc": "é",
    }
    assert schemas.text(schema) == (
        '{"type":"record","name":"R","namespace":"n","doc":"é","fields":['
        '{"name":"a","type":{"type":"int","logicalType":"date"},"doc":"A"},'
        '{"name":"b","type":{"type":"map","values":"string"},"default":{"type":"x"}}],'
        '"owner":"me","aliases":["Q"]}'
    )


def test_a_default_that_looks_like_a_schema_is_a_value() -> None:
    field = {"name": "a", "type": {"type": "map", "values": "string"}, "default": {"type": "x"}}
    schema = {"type": "record", "name": "R", "fields": [field]}
    assert schemas.contract(schema) == schema
    assert avro.problem(schema) is None


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


def _dirty(column: str, topic: TopicRules, option: Any) -> bool:
    """Whether the cleansing has something to do with an option, or rejects it."""
    if isinstance(option, int):
        return option < 0
    if isinstance(option, dict):
        (pool,) = (RULES.pools[name] for name in topic.lookup)
        return not _as_in(pool.get(option["code"], {}), option)
    vocabulary = topic.vocabulary.get(column)
    return option not in RULES.vocabularies[vocabulary] if vocabulary else not option.strip()


def _as_in(known: dict[str, Any], option: dict[str, Any]) -> bool:
    """Whether a code has the name, the unit and a value that the pool knows of it."""
    name = option.get("name", option.get("description"))
    low, high = known.get("human", (0, 0))
    return (
        known.get("name") == name
        and option.get("unit") == known.get("unit")
        and low <= option.get("value", 0) <= high
    )


@pytest.mark.parametrize("name", RULES.topics)
def test_the_dirty_share_that_a_field_documents_is_that_of_its_options(name: str) -> None:
    for field in _load(name)["fields"]:
        options = field["type"].get("arg.properties", {}).get("options", [])
        dirty = sum(_dirty(field["name"], RULES.topics[name], option) for option in options)
        doc = field["doc"] + field["type"].get("doc", "")
        said = re.search(r"(?:Dirty|Blank|Negative,.*) in (\d+) of (\d+)", doc)
        assert (said and (int(said[1]), int(said[2]))) == ((dirty, len(options)) if dirty else None)


def test_so_is_that_of_the_birth_dates() -> None:
    (field,) = (f for f in _load("patients")["fields"] if f["name"] == "birth_date")
    span = field["type"]["arg.properties"]["range"]
    # The generator's range is without its end.
    to_come = range((date(2025, 1, 1) - date(1970, 1, 1)).days + 1, span["max"])
    assert f"in {len(to_come)} of {span['max'] - span['min']} " in field["doc"]


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
