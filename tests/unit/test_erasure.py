"""Which records are a person's, how rows are found, and what a search of files sees."""

from pathlib import Path

import pytest

from pipeline.erasure import rows, scan
from pipeline.erasure.person import Person, pattern_of
from pipeline.errors import UsageError
from pipeline.paths import REPOSITORY
from pipeline.repository import desired, loader

PROJECT = loader.load(REPOSITORY)
TABLES = desired.render(PROJECT, "hospital-admissions").tables


def test_records_that_lead_to_a_person_are_found_one_by_one() -> None:
    person = Person({"P1"})
    stay = {"admission_id": "A1", "patient_id": "P1"}
    result = {"lab_id": "L1", "admission_id": "A1"}
    assert not person.owns(b"L1", result)
    assert person.owns(b"A1", stay)
    person.add(("admissions", b"A1", 2), stay, "admission_id")
    assert person.owns(b"L1", result)
    assert person.ids == {"P1", "A1"}
    assert person.topics() == {"admissions"}


def test_what_has_another_ones_identifier_in_it_is_not_the_persons() -> None:
    person = Person({"P1"})
    # The search finds P1 in P10. What cannot be read has nothing else to go by.
    assert person.pattern.search(b"\x04P10")
    assert not person.owns(b"A1", {"admission_id": "A1", "patient_id": "P10"})
    assert person.owns(b"A1", None)
    assert person.owns(b"P1", {"patient_id": "P2"})


def test_an_identifier_is_no_pattern() -> None:
    assert not pattern_of({"P.1"}).search(b"PX1")


def test_rows_are_found_by_every_identifier() -> None:
    types = {table.name: {c.name: c.type for c in table.columns} for table in TABLES}
    found = {(one.table, one.name): one.is_bytes for one in rows.columns(PROJECT, types)}
    assert found == {
        ("patients", "patient_id"): False,
        ("admissions", "admission_id"): False,
        ("admissions", "patient_id"): False,
        ("diagnoses", "diagnosis_id"): False,
        ("diagnoses", "admission_id"): False,
        ("lab_results", "lab_id"): False,
        ("lab_results", "admission_id"): False,
        ("rejected_records", "reject_id"): False,
        ("rejected_records", "record_key"): True,
    }


def test_the_note_tells_who_it_was_only_to_who_has_the_secret() -> None:
    first = rows.digest({rows.KEY: "a"}, "P1")
    assert first == rows.digest({rows.KEY: "a"}, "P1")
    assert first not in {rows.digest({rows.KEY: "b"}, "P1"), rows.digest({rows.KEY: "a"}, "P2")}
    with pytest.raises(UsageError, match="ERASURE_KEY is missing among the secrets"):
        rows.digest({}, "P1")


@pytest.mark.parametrize("before", [0, 3, 13, 14, 15, 16, 40])
def test_a_file_is_searched_over_the_seams(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: int
) -> None:
    monkeypatch.setattr(scan, "CHUNK", 16)
    monkeypatch.setattr(scan, "OVERLAP", 8)
    file = tmp_path / "data" / "table"
    file.parent.mkdir()
    file.write_bytes(b"." * before + b"P1" + b"." * 40)
    assert scan.has(file, pattern_of({"P1"}))
    assert scan.has(tmp_path, pattern_of({"P1"}))
    assert not scan.has(file, pattern_of({"P2"}))


def test_every_file_is_searched_but_one(tmp_path: Path) -> None:
    for name in ("data/a/b", "data/c", "logs/d.log", "run/kept"):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"P1 in {name}")
    looked = scan.scan(tmp_path, pattern_of({"P1"}), tmp_path / "run" / "kept")
    assert {str(path.relative_to(tmp_path)) for path in looked.found} == {
        "data/a/b",
        "data/c",
        "logs/d.log",
    }
    assert dict(looked.files) == {"data/a": 1, "data/c": 1, "logs": 1}
    assert looked.size["logs"] == len("P1 in logs/d.log")
