"""Confluent's wire format, as Schema Registry's documentation has it, and Avro's JSON."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import codec

SCHEMA = {
    "type": "record",
    "name": "R",
    "fields": [
        {"name": "id", "type": {"type": "string", "arg.properties": {"regex": "a"}}},
        {"name": "born", "type": {"type": "int", "logicalType": "date"}},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "note", "type": ["null", "string"]},
    ],
}
RECORD = {"id": "x", "born": date(1970, 1, 3), "at": datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)}


def test_a_value_is_a_zero_byte_the_id_big_endian_and_the_avro() -> None:
    value = codec.encoder(SCHEMA, 258)({**RECORD, "note": None})
    assert value == b"\x00\x00\x00\x01\x02" + b"\x02x" + b"\x04" + b"\xd0\x0f" + b"\x00"
    assert value.startswith(codec.header(258))
    assert codec.schema_id(value) == 258


@given(st.text(), st.dates(), st.text() | st.none())
def test_what_is_encoded_is_decoded(key: str, born: date, note: str | None) -> None:
    record = {**RECORD, "id": key, "born": born, "note": note}
    assert codec.decoder(SCHEMA)(codec.encoder(SCHEMA, 1)(record)) == record


@pytest.mark.parametrize("value", [b"", b"\x00\x00", b"text that is no Avro"])
def test_what_is_not_in_the_wire_format_has_no_id(value: bytes) -> None:
    with pytest.raises(ValueError, match="not in Confluent's wire format"):
        codec.schema_id(value)


def test_a_record_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="does not fit the topic's schema"):
        codec.encoder(SCHEMA, 1)({"id": 5})


def test_in_json_dates_and_times_are_numbers_and_a_union_names_its_branch() -> None:
    assert codec.to_json(SCHEMA, {**RECORD, "note": "n"}) == {
        "id": "x",
        "born": 2,
        "at": 1000,
        "note": {"string": "n"},
    }
