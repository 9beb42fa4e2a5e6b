"""The cleansing without Kafka: what becomes of each kind of record."""

import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import fastavro
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from pipeline.errors import SpecError
from pipeline.repository.rules import Rules, load
from pipeline.schemas import compact, contract
from spark import cleanse
from stack.layout import REPOSITORY

FILE = REPOSITORY / "spark" / "rules.yaml"
RULES = load(FILE)
SCHEMAS = cleanse.load_schemas(REPOSITORY / "schemas")
TOPICS = list(RULES.topics)
OUTPUTS = {
    topic: cleanse.Output(topic, 100 + number, SCHEMAS[topic])
    for number, topic in enumerate([*(r.clean for r in RULES.topics.values()), RULES.rejects])
}
IDS = {topic: 10 + number for number, topic in enumerate(TOPICS)}
STAMP = datetime(2025, 3, 1, 12, 0, 0, 123000, tzinfo=UTC)
PATIENT = {
    "patient_id": "P1",
    "first_name": "Ada",
    "last_name": "Lee",
    "gender": "F",
    "race": "Asian",
    "birth_date": date(1990, 5, 17),
    "insurance": "Private",
    "medical_history": "None",
}
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


def _wire(schema: Any, schema_id: int, value: dict[str, Any]) -> bytes:
    buffer = io.BytesIO(b"\x00" + schema_id.to_bytes(4, "big"))
    buffer.seek(0, io.SEEK_END)
    fastavro.schemaless_writer(buffer, fastavro.parse_schema(contract(schema)), value)
    return buffer.getvalue()


def _good(topic: str, value: dict[str, Any]) -> tuple[str, bytes | None]:
    return topic, _wire(SCHEMAS[topic], IDS[topic], value)


def _steps(**more: dict[int, Any]) -> list[cleanse.Steps]:
    return [
        cleanse.steps(
            topic,
            RULES,
            SCHEMAS,
            {IDS[topic]: compact(contract(SCHEMAS[topic])), **more.get(topic, {})},
            OUTPUTS,
        )
        for topic in TOPICS
    ]


STEPS: list[cleanse.Steps] = []


def _run(
    spark: SparkSession, values: Sequence[tuple[str, bytes | None]], **more: dict[int, Any]
) -> list[Row]:
    if not STEPS:
        STEPS.extend(_steps())
    rows = [(b"k", value, topic, 0, offset, STAMP) for offset, (topic, value) in enumerate(values)]
    raw = spark.createDataFrame(rows, cleanse.KAFKA_SOURCE)
    found = cleanse.cleanse(raw, _steps(**more) if more else STEPS).collect()
    return [_row(row) for row in found]


def _row(row: Any) -> Row:
    assert row.value[0] == 0
    output = OUTPUTS[row.topic]
    assert int.from_bytes(row.value[1:5], "big") == output.schema_id
    schema = fastavro.parse_schema(contract(output.schema))
    value = fastavro.schemaless_reader(io.BytesIO(bytes(row.value[5:])), schema, None)
    assert isinstance(value, dict)
    return Row(row.topic, bytes(row.key), tuple(filter(None, row.broken.split(","))), value)


def test_clean_records_keep_what_they_say(spark: SparkSession) -> None:
    given_ = [
        _good("patients", PATIENT),
        _good("patient_admissions", ADMISSION),
        _good("patient_diagnoses", DIAGNOSIS),
        _good("patient_labs", LAB),
    ]
    rows = {row.topic: row for row in _run(spark, given_)}
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
    _, raw = given_ = _good(topic, value)
    (row,) = _run(spark, [given_])
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
        "record_value": raw,
    }


def test_what_cannot_be_read_is_rejected_as_it_was(spark: SparkSession) -> None:
    _, whole = _good("patients", PATIENT)
    assert whole is not None
    cases: list[tuple[bytes | None, str]] = [
        (None, "empty_value"),
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


def test_older_and_newer_writers_in_one_batch(spark: SparkSession) -> None:
    newer = {**SCHEMAS["patients"]}
    newer["fields"] = [
        *newer["fields"],
        {"name": "email", "type": ["null", "string"], "default": None},
    ]
    older = {**SCHEMAS["patients"]}
    older["fields"] = [
        {**field, "type": ["null", "string"], "default": None} if field["name"] == "race" else field
        for field in reversed(older["fields"])
    ]
    writers = {70: compact(contract(newer)), 71: compact(contract(older))}
    values = [
        _good("patients", PATIENT),
        ("patients", _wire(newer, 70, {**PATIENT, "patient_id": "P2", "email": "a@b"})),
        ("patients", _wire(older, 71, {**PATIENT, "patient_id": "P3"})),
    ]
    rows = _run(spark, values, patients=writers)
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
    rows = _run(spark, values)
    assert len(rows) == len(values)
    rejected = [row for row in rows if row.topic == RULES.rejects]
    assert all(row.broken for row in rejected)
    assert all(not row.broken for row in rows if row.topic != RULES.rejects)
    # What was rejected is there byte for byte.
    given_ = Counter(value for _, value in values)
    assert not Counter(row.value["record_value"] for row in rejected) - given_


def _changed(tmp_path: Path, old: str, new: str) -> tuple[Rules, Path]:
    file = tmp_path / "rules.yaml"
    text = FILE.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))
    return load(file), file


@pytest.mark.parametrize(
    ("old", "new", "key", "message"),
    [
        ("length_of_stay_hours >= 0", "lenth_of_stay >= 0",
         "topics.patient_admissions.valid.discharge_not_before_admission", "UNRESOLVED_COLUMN"),
        ("loinc.name", "loinc.nam", "topics.patient_labs.derive.test_name", "FIELD_NOT_FOUND"),
        ("{diagnosis_rank: rank}", "{diagnosis_rank: rang}",
         "topics.patient_diagnoses.vocabulary.diagnosis_rank", "unknown vocabulary rang; did you"),
        ("clean: patients_clean", "clean: patient_clean", "topics.patients.clean",
         "unknown schema patient_clean; did you mean patients_clean?"),
    ],
)  # fmt: skip
def test_mistakes_in_the_rules_are_found_at_start(
    spark: SparkSession, tmp_path: Path, old: str, new: str, key: str, message: str
) -> None:
    rules, file = _changed(tmp_path, old, new)
    with pytest.raises(SpecError) as caught:
        cleanse.check(spark, rules, SCHEMAS, file)
    (mistake,) = caught.value.mistakes
    assert (mistake.key, mistake.line is not None) == (key, True)
    assert message in mistake.message


def test_the_rules_of_the_repository_compile(spark: SparkSession) -> None:
    cleanse.check(spark, RULES, SCHEMAS, FILE)
