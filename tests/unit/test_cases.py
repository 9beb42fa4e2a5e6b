"""Cases: what is compared, what is refused and where, and what runs under other names."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from pipeline.cases import files, rows, runner, trial
from pipeline.cases.files import Case
from pipeline.codec import encoder
from pipeline.errors import ServiceError, SpecError, UsageError
from pipeline.paths import REPOSITORY
from pipeline.repository import loader
from pipeline.services import Services
from pipeline.sql import reader
from pipeline.sql.renaming import renamed

PROJECT = loader.load(REPOSITORY)
HOUR = datetime(2025, 1, 1, 10, tzinfo=UTC)
FOUND = [
    {"DEPARTMENT": "Surgery", "WINDOW_START": HOUR, "ADMISSIONS": 1, "SHARE": 0.1 + 0.2},
    {"DEPARTMENT": "Cardiology", "WINDOW_START": HOUR, "ADMISSIONS": 0, "SHARE": None},
]


def test_rows_are_equal_in_any_order_in_the_columns_that_are_stated() -> None:
    expected: list[Any] = [
        {"department": "Cardiology", "share": None},
        {"department": "Surgery", "window_start": datetime(2025, 1, 1, 10), "share": 0.3},  # noqa: DTZ001
    ]
    assert rows.compare("t", expected, FOUND) is None


@pytest.mark.parametrize(
    ("expected", "missing", "unexpected"),
    [
        ([{"admissions": 1}], [], [{"admissions": 0}]),
        ([{"admissions": 2}, {"admissions": 0}], [{"admissions": 2}], [{"admissions": 1}]),
        ([{"admissions": True}, {"admissions": 0}], [{"admissions": True}], [{"admissions": 1}]),
        ([{"admissions": 1}] * 2, [{"admissions": 1}], [{"admissions": 0}]),
        ([], [], [{k.lower(): v for k, v in row.items()} for row in FOUND]),
    ],
)
def test_what_is_missing_and_what_is_too_much_is_told(
    expected: list[Any], missing: list[Any], unexpected: list[Any]
) -> None:
    assert rows.compare("t", expected, FOUND) == rows.Difference(
        "t", tuple(missing), tuple(unexpected)
    )


def test_a_row_that_fits_several_leaves_room_for_the_others() -> None:
    expected = [{"a": 1}, {"a": 1, "b": 2}]
    found = [{"a": 1, "b": 2}, {"a": 1, "b": 3}]
    assert rows.compare("t", expected, found) is None
    assert rows.compare("t", expected, found[:1]) == rows.Difference("t", ({"a": 1, "b": 2},), ())
    many: list[Any] = [{"a": 1}] * 3000
    assert rows.compare("t", many, many) is None


def test_a_tables_rows_are_the_newest_by_key_unless_they_are_deleted() -> None:
    records: list[Any] = [(b"a", {"n": 1}), (b"b", {"n": 1}), (b"a", {"n": 2}), (b"b", None)]
    assert rows.newest(records) == [{"n": 2}]


def _file(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "case.yaml"
    file.write_text(f"cases:\n  one:\n{text}")
    return file


MISTAKES = {
    "    given: {patient_admission_clean: []}\n    expect: {admissions_hourly: []}\n": (
        ":3: given.patient_admission_clean: unknown topic patient_admission_clean;"
        " did you mean patient_admissions_clean?"
    ),
    "    given:\n      patients_clean:\n        - {gendre: F}\n    expect: {patients: []}\n": (
        ":5: given.patients_clean.0.gendre: unknown column gendre; did you mean gender?"
    ),
    "    given: {patients_clean: []}\n": ":2: cases.one.expect: is missing",
    "    given: {}\n    expect: {patients: []}\n": ":3: cases.one.given: ",
}


@pytest.mark.parametrize("text", MISTAKES)
def test_a_mistake_in_a_case_has_its_line(tmp_path: Path, text: str) -> None:
    with pytest.raises(SpecError) as refused:
        runner.load(REPOSITORY, [_file(tmp_path, text)], PROJECT)
    assert MISTAKES[text] in str(refused.value)


def test_a_repository_without_cases_says_so(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there are no cases in ksql/cases and spark/cases"):
        runner.load(tmp_path, [], PROJECT)


def _case(given: dict[str, Any], expect: dict[str, Any]) -> Case:
    file = REPOSITORY / "ksql" / "cases" / "trends.yaml"
    return Case(file, "one", {t: tuple(r) for t, r in given.items()}, dict.fromkeys(expect, ()))


@pytest.mark.parametrize(
    ("given", "expect", "message"),
    [
        ("patient_admissions", "admissions_hourly", "no statement of ksql/ declares this topic"),
        ("admissions_named", "admissions_hourly", "a statement of ksql/ writes this topic: give"),
        ("patients_clean", "patients_clean", "no statement of ksql/ writes this topic"),
    ],
)
def test_what_ksql_does_not_do_cannot_be_tested(given: str, expect: str, message: str) -> None:
    with pytest.raises(SpecError) as refused:
        trial.prepare(_case({given: []}, {expect: []}), PROJECT, "case_1_")
    assert message in str(refused.value)


def test_a_case_runs_what_it_needs_under_names_of_its_own() -> None:
    case = _case({"patient_admissions_clean": []}, {"discharges_hourly": []})
    found = trial.prepare(case, PROJECT, "case_1_")
    assert [s.name for s in found.statements] == [
        "CASE_1_ADMISSIONS", "CASE_1_ADMISSIONS_NAMED", "CASE_1_DISCHARGES_HOURLY",
    ]  # fmt: skip
    assert found.keys == {"patient_admissions_clean": "admission_id"}
    _, named, hourly = (s.text for s in found.statements)
    assert "KAFKA_TOPIC = 'case_1_admissions_named'" in named
    assert "FROM CASE_1_ADMISSIONS admissions\n" in named
    assert "FROM CASE_1_ADMISSIONS_NAMED admissions_named\n" in hourly
    assert found.statements[2].settings == {"auto.offset.reset": "earliest"}


class Broker:
    """A broker that does not create a topic; nor, if it is not this one, does a registry answer."""

    def __init__(self, refused: str = "") -> None:
        self.refused = refused
        self.topics: list[str] = []

    def create(self, name: str, *_: object) -> None:
        if name.endswith(self.refused or "?"):
            raise ServiceError("no such broker")
        self.topics.append(name)

    def delete(self, names: list[str]) -> None:
        self.topics = [name for name in self.topics if name not in names]

    def subjects(self) -> list[str]:
        raise ServiceError("the registry is away")

    def register(self, *_: object) -> int:
        return len(self.subjects())


@pytest.mark.parametrize("refused", ["patient_admissions_clean", "discharges_hourly", ""])
def test_no_topic_of_a_trial_stays_if_a_service_is_away(refused: str) -> None:
    case = _case({"patient_admissions_clean": []}, {"discharges_hourly": []})
    broker = Broker(refused)
    services = cast(
        "Services",
        type("Clients", (), {"engine": broker, "kafka": broker, "registry": broker})(),
    )
    with pytest.raises(ServiceError, match="away"):
        trial.run(case, PROJECT, services)
    assert broker.topics == []


def test_an_alias_stays_and_a_statement_without_a_topic_cannot_be_renamed() -> None:
    text = """CREATE TABLE a (id VARCHAR PRIMARY KEY) WITH (KAFKA_TOPIC = 'a');
    CREATE TABLE b WITH (KAFKA_TOPIC = 'b') AS SELECT x.id FROM a AS x LEFT JOIN a y ON x.id = y.id;
    CREATE TABLE c AS SELECT id FROM a;"""
    first, second, third = reader.parse(Path("t.sql"), text)
    names = {"A": "P_A", "B": "P_B", "C": "P_C"}
    assert renamed(first, names, {"a": "p_a"}).startswith("CREATE TABLE P_A (id")
    assert renamed(second, names, {"b": "p_b"}) == (
        "CREATE TABLE P_B WITH (KAFKA_TOPIC = 'p_b') AS SELECT x.id FROM P_A AS x"
        " LEFT JOIN P_A y ON x.id = y.id"
    )
    with pytest.raises(SpecError, match="needs the topic's name"):
        renamed(third, names, {})


@pytest.mark.parametrize(
    ("type_", "value", "message"),
    [
        ("long", 1e308, "does not fit the topic's schema"),
        ("long", [1], "does not fit the topic's schema"),
        (
            {"type": "bytes", "logicalType": "decimal", "precision": 4, "scale": 2},
            "abc",
            "abc is no number",
        ),
    ],
)
def test_a_value_that_does_not_fit_is_told(
    tmp_path: Path, type_: object, value: object, message: str
) -> None:
    file = _file(tmp_path, f"    given: {{t: [{{a: {value}}}]}}\n    expect: {{t: []}}\n")
    (case,) = files.load(file)
    schema = {"type": "record", "name": "R", "fields": [{"name": "a", "type": type_}]}
    with pytest.raises(SpecError, match=rf"case.yaml:3: given.t.0: {message}"):
        list(files.messages(case, "t", schema, "a", encoder(schema, 1)))
