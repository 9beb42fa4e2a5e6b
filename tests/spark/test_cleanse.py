"""The cleansing without Kafka: each kind of record, and where it ends."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from pipeline import codec
from pipeline.paths import REPOSITORY
from pipeline.repository import schemas
from pipeline.repository.rules import FILE, load
from pipeline.schemas import compact, contract
from spark import cleanse
from spark.payload import Source
from tests.support.records import PATIENT

RULES = load(REPOSITORY / FILE)
SCHEMAS = schemas.load(REPOSITORY / "schemas")
TOPICS = list(RULES.topics)
OUTPUTS = {
    topic: cleanse.Output(topic, 100 + number, SCHEMAS[topic])
    for number, topic in enumerate(RULES.outputs)
}
IDS = {topic: 10 + number for number, topic in enumerate(TOPICS)}
# Other versions of a raw topic's schema that a producer may write under.
PATIENTS = SCHEMAS["patients"]
NULLABLE = {"type": ["null", "string"], "default": None}
NEWER = {**PATIENTS, "fields": [*PATIENTS["fields"], {"name": "email", **NULLABLE}]}
OLDER = {
    **PATIENTS,
    "fields": [
        {**field, **NULLABLE} if field["name"] == "race" else field
        for field in reversed(PATIENTS["fields"])
    ],
}
WRITERS = {"patients": {70: compact(contract(NEWER)), 71: compact(contract(OLDER))}}
STAMP = datetime(2025, 3, 1, 12, 0, 0, 123000, tzinfo=UTC)
ADMISSION = {
    "admission_id": "A1",
    "patient_id": "P1",
    "department": "Cardiology",
    "admission_type": "Urgent",
    "admission_date": STAMP,
    "length_of_stay_hours": 48,
    "discharge_disposition": "Home",
}
DIAGNOSIS = {
    "diagnosis_id": "D1",
    "admission_id": "A1",
    "diagnosis": {"code": "J18.9", "description": "x"},
    "diagnosis_rank": "Primary",
    "diagnosed_at": STAMP,
}
GLUCOSE = {
    "code": "2345-7",
    "name": "",
    "unit": "mg/dL",
    "value": 90.0,
    "reference_low": 1.0,
    "reference_high": 2.0,
}
LAB = {"lab_id": "L1", "admission_id": "A1", "test": GLUCOSE, "collected_at": STAMP}


@dataclass(frozen=True)
class Row:
    topic: str
    key: bytes
    broken: tuple[str, ...]
    value: dict[str, Any]


def _good(topic: str, value: dict[str, Any]) -> tuple[str, bytes | None]:
    return topic, codec.encoder(SCHEMAS[topic], IDS[topic])(value)


@cache
def _steps(topic: str, spark: SparkSession) -> cleanse.Steps:
    writers = {IDS[topic]: compact(contract(SCHEMAS[topic])), **WRITERS.get(topic, {})}
    payload = Source(topic, SCHEMAS[topic], writers).payload(spark)
    return cleanse.steps(topic, RULES, SCHEMAS, payload, OUTPUTS)


def _run(
    spark: SparkSession, values: Sequence[tuple[str, bytes | None]], key: bytes | None = b"k"
) -> list[Row]:
    return [_row(row) for row in _cleansed(spark, values, key)]


def _cleansed(
    spark: SparkSession, values: Sequence[tuple[str, bytes | None]], key: bytes | None
) -> list[Any]:
    rows = [(key, value, topic, 0, offset, STAMP) for offset, (topic, value) in enumerate(values)]
    raw = spark.createDataFrame(rows, cleanse.KAFKA_SOURCE)
    return cleanse.cleanse(raw, [_steps(topic, spark) for topic in TOPICS]).collect()


def _row(row: Any) -> Row:
    output = OUTPUTS[row.topic]
    assert codec.schema_id(row.value) == output.schema_id
    value = codec.decoder(output.schema)(bytes(row.value))
    return Row(row.topic, bytes(row.key), tuple(filter(None, row.broken.split(","))), value)


def test_clean_records_keep_what_they_say(spark: SparkSession) -> None:
    values = [
        _good("patients", PATIENT),
        _good("patient_admissions", ADMISSION),
        _good("patient_diagnoses", DIAGNOSIS),
        _good("patient_labs", LAB),
    ]
    rows = {row.topic: row for row in _run(spark, values)}
    assert {row.broken for row in rows.values()} == {()}
    assert rows["patients_clean"].value == PATIENT
    assert rows["patient_admissions_clean"].value == ADMISSION
    assert rows["patient_admissions_clean"].key == b"A1"
    assert rows["patient_diagnoses_clean"].value == {
        "diagnosis_id": "D1",
        "admission_id": "A1",
        "diagnosis_code": "J18.9",
        "diagnosis_description": "Pneumonia, unspecified organism",
        "diagnosis_rank": "Primary",
        "diagnosed_at": STAMP,
    }
    assert rows["patient_labs_clean"].value == {
        "lab_id": "L1",
        "admission_id": "A1",
        "test_code": "2345-7",
        "test_name": "Glucose [Mass/volume] in Serum or Plasma",
        "test_unit": "mg/dL",
        "test_value": 90.0,
        "test_reference_low": 70.0,
        "test_reference_high": 99.0,
        "collected_at": STAMP,
    }


def test_dirt_is_normalised(spark: SparkSession) -> None:
    genders = ["female", "Male", " f", "femal", "mael", "X", ""]
    patients = [{**PATIENT, "patient_id": f"P{n}", "gender": g} for n, g in enumerate(genders)]
    messy = {
        **ADMISSION,
        "department": " SURGERY",
        "admission_type": "elective ",
        "discharge_disposition": "",
    }
    codes = ["j18.9", "I509"]
    diagnoses = [
        {**DIAGNOSIS, "diagnosis_id": code, "diagnosis": {"code": code, "description": ""}}
        for code in codes
    ]
    lab = {**LAB, "test": {**GLUCOSE, "unit": "mmol/L", "value": 5.0}}
    values = [
        *(_good("patients", p) for p in patients),
        _good("patient_admissions", messy),
        *(_good("patient_diagnoses", d) for d in diagnoses),
        _good("patient_labs", lab),
    ]
    rows = _run(spark, values)
    assert {row.broken for row in rows} == {()}
    found = {row.key.decode(): row.value for row in rows}
    assert [found[f"P{n}"]["gender"] for n in range(7)] == ["F", "M", "F", "F", "M", "X", None]
    assert found["A1"]["department"] == "Surgery"
    assert found["A1"]["admission_type"] == "Elective"
    assert found["A1"]["discharge_disposition"] is None
    assert found["j18.9"]["diagnosis_code"] == "J18.9"
    assert found["I509"]["diagnosis_code"] == "I50.9"
    assert found["L1"]["test_value"] == pytest.approx(90.08)
    assert found["L1"]["test_unit"] == "mg/dL"


@pytest.mark.parametrize(
    ("topic", "value", "rules"),
    [
        ("patients", {**PATIENT, "birth_date": date(2025, 6, 1)}, ["birth_date_not_in_future"]),
        ("patients", {**PATIENT, "patient_id": "  "}, ["patient_id_present"]),
        ("patients", {**PATIENT, "gender": "unclear"}, ["gender_known"]),
        ("patient_admissions", {**ADMISSION, "length_of_stay_hours": -24},
         ["discharge_not_before_admission"]),
        ("patient_admissions", {**ADMISSION, "patient_id": "", "department": "Cellar"},
         ["patient_id_present", "department_known"]),
        ("patient_diagnoses", {**DIAGNOSIS, "diagnosis": {"code": "XXX", "description": ""}},
         ["diagnosis_description_present", "code_in_pool"]),
        ("patient_labs", {**LAB, "test": {**GLUCOSE, "value": 99999.0}}, ["value_in_human_range"]),
        ("patient_labs", {**LAB, "test": {**GLUCOSE, "unit": ""}},
         ["test_value_present", "unit_known"]),
    ],
)  # fmt: skip
def test_what_is_not_valid_names_every_rule_it_broke(
    spark: SparkSession, topic: str, value: dict[str, Any], rules: list[str]
) -> None:
    record = _good(topic, value)
    (row,) = _run(spark, [record])
    assert row.topic == "patient_rejects"
    assert list(row.broken) == rules
    assert row.key == f"{topic}-0-0".encode()
    assert row.value == {
        "reject_id": f"{topic}-0-0",
        "source_topic": topic,
        "source_partition": 0,
        "source_offset": 0,
        "source_timestamp": STAMP,
        "rules": ",".join(rules),
        "record_key": b"k",
        "record_value": record[1],
    }


def test_what_cannot_be_read_is_rejected_as_it_was(spark: SparkSession) -> None:
    _, whole = _good("patients", PATIENT)
    assert whole is not None
    cases: list[tuple[bytes | None, str]] = [
        (b"", "empty_value"),
        (b"just text", "not_avro"),
        (b"\x00\x00", "not_avro"),
        (whole[:-7], "not_avro"),
        (whole[:5] + b"\xff" * 30, "not_avro"),
        (b"\x00\x00\x00\x03\xe7" + whole[5:], "unknown_schema"),
    ]
    rows = _run(spark, [("patients", value) for value, _ in cases])
    by_offset = sorted(rows, key=lambda row: int(row.value["source_offset"]))
    assert [row.broken for row in by_offset] == [(rule,) for _, rule in cases]
    assert [row.value["record_value"] for row in by_offset] == [value for value, _ in cases]


def test_a_tombstone_stays_one(spark: SparkSession) -> None:
    values: list[tuple[str, bytes | None]] = [(topic, None) for topic in TOPICS]
    rows = _cleansed(spark, values, b" k1 ")
    assert {(row.topic, bytes(row.key), row.value, row.broken) for row in rows} == {
        (rules.clean, b"k1", None, "") for rules in RULES.topics.values()
    }


@pytest.mark.parametrize("key", [None, b"", b"  "])
def test_neither_key_nor_value_is_no_tombstone(spark: SparkSession, key: bytes | None) -> None:
    (row,) = _run(spark, [("patients", None)], key)
    assert (row.topic, row.broken) == ("patient_rejects", ("empty_value",))
    assert (row.value["record_key"], row.value["record_value"]) == (key, None)


def test_older_and_newer_writers_in_one_batch(spark: SparkSession) -> None:
    newer, older = codec.encoder(NEWER, 70), codec.encoder(OLDER, 71)
    values = [
        _good("patients", PATIENT),
        ("patients", newer({**PATIENT, "patient_id": "P2", "email": "a@b"})),
        ("patients", older({**PATIENT, "patient_id": "P3"})),
    ]
    rows = _run(spark, values)
    assert sorted((row.key, row.broken) for row in rows) == [(b"P1", ()), (b"P2", ()), (b"P3", ())]
    assert {row.value["race"] for row in rows} == {"Asian"}


words = st.text(max_size=12)
anything = st.one_of(
    st.tuples(st.sampled_from(TOPICS), st.one_of(st.none(), st.binary(max_size=40))),
    st.builds(
        lambda n, g, d: _good(
            "patients", {**PATIENT, "patient_id": n, "gender": g, "birth_date": d}
        ),
        words,
        st.sampled_from(["F", "male", "?", ""]),
        st.dates(date(1850, 1, 1), date(2060, 1, 1)),
    ),
    st.builds(
        lambda n, h, d: _good(
            "patient_admissions",
            {**ADMISSION, "admission_id": n, "length_of_stay_hours": h, "department": d},
        ),
        words,
        st.integers(-100, 1000),
        words,
    ),
    st.builds(
        lambda c, u, v: _good(
            "patient_labs", {**LAB, "test": {**GLUCOSE, "code": c, "unit": u, "value": v}}
        ),
        st.sampled_from(["2345-7", "718-7", "0-0", ""]),
        st.sampled_from(["mg/dL", "g/dL", "g/L", "", "x"]),
        st.floats(allow_nan=True, allow_infinity=True),
    ),
)


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(values=st.lists(anything, min_size=1, max_size=30))
def test_no_record_is_ever_lost(
    spark: SparkSession, values: list[tuple[str, bytes | None]]
) -> None:
    rows = _run(spark, values, key=None)
    assert len(rows) == len(values)
    rejected = [row for row in rows if row.topic == RULES.rejects]
    assert all(row.broken for row in rejected)
    assert all(not row.broken for row in rows if row.topic != RULES.rejects)
    # What was rejected is there byte for byte.
    sent = Counter(value for _, value in values)
    assert not Counter(row.value["record_value"] for row in rejected) - sent
