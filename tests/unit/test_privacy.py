"""What the tags of schemas/ decide: what dashboards read, and from where somebody is erased."""

import json
import re
from pathlib import Path

import pytest

from pipeline import privacy
from pipeline.live import LiveColumn, LiveTable
from pipeline.paths import REPOSITORY
from pipeline.repository import desired, loader
from pipeline.resources.script import DASHBOARDS, PRIVILEGES
from tests.support import planted
from tests.support.workspace import copy

FULL = ("connect_writer", "orchestrator")
READERS = sorted(DASHBOARDS)
HIDDEN = {
    "patients": {"first_name", "last_name", "birth_date", "medical_history"},
    "rejected_records": {"record_value"},
}
PROJECT = loader.load(REPOSITORY)
DECLARED = desired.render(PROJECT, "hospital-admissions")
TABLES = {table.name: table for table in DECLARED.tables}


def _edit(root: Path, topic: str, field: str, **changes: str | None) -> None:
    file = root / "schemas" / f"{topic}.avsc"
    schema = json.loads(file.read_text())
    for one in schema["fields"]:
        if one["name"] == field:
            one.update(changes)
            for name in [name for name, value in changes.items() if value is None]:
                del one[name]
    file.write_text(json.dumps(schema, indent=2))


@pytest.mark.parametrize(
    ("tag", "said"),
    [
        (None, 'last_name has no "phi": what does it tell of a person? One of none, name, place,'),
        ("nmae", "last_name: phi: unknown kind nmae; did you mean name?"),
    ],
)
def test_a_field_without_a_decision_is_an_error(tmp_path: Path, tag: str | None, said: str) -> None:
    copy(tmp_path)
    _edit(tmp_path, "patients", "last_name", phi=tag)
    text = (tmp_path / "schemas" / "patients.avsc").read_text()
    line = text[: text.index('"last_name"')].count("\n")
    (mistake,) = planted.told(tmp_path)
    assert mistake.startswith(f"schemas/patients.avsc:{line}: fields.2: {said}")


def test_a_record_has_no_kind_of_its_own() -> None:
    inner = {"type": "record", "name": "I", "fields": [{"name": "a", "type": "int"}]}
    said = list(privacy.bad_tags([{"name": "r", "phi": "none", "type": ["null", inner]}]))
    assert said[0] == "r is a record: its fields have phi, each its own"
    assert said[1].startswith('a has no "phi"')


@pytest.mark.parametrize("table", TABLES)
def test_a_dashboard_reads_no_name_no_birth_date_no_history(table: str) -> None:
    made = TABLES[table]
    hidden = {column.name for column in made.columns if not column.is_readable}
    assert hidden == HIDDEN.get(table, set())
    for role in READERS:
        (right,) = made.privileges[role]
        if hidden:
            assert (
                set(re.findall(r'"(\w+)"', right))
                == {column.name for column in made.columns} - hidden
            )
        else:
            assert right == "SELECT"
    for role in FULL:
        assert made.privileges[role] == PRIVILEGES[role]


def test_a_right_to_read_all_is_taken_away() -> None:
    made = TABLES["patients"]
    columns = {c.name: LiveColumn(c.name, c.type, c.nullable, c.comment) for c in made.columns}
    own = {role: frozenset(allowed) for role, allowed in PRIVILEGES.items()}
    live = LiveTable("patients", columns, frozenset({made.key}), made.comment, own)
    change = made.difference(live)
    assert change
    assert {edit.key: edit.before for edit in change.edits} == {
        f"privileges of {role}": "SELECT" for role in READERS
    }
    statements = list(made.grants())
    for role in READERS:
        begun = statements.index(f'REVOKE SELECT ON "patients" FROM "{role}"')
        assert statements[begun + 1].startswith('GRANT SELECT ("gender", ')


def test_what_tells_of_a_person_is_compacted() -> None:
    told = {topic.name: topic.config.get("cleanup.policy", "") for topic in DECLARED.topics}
    assert {name for name, policy in told.items() if "compact" in policy} >= PROJECT.identifying
    assert {"patient_labs", "labs-sink_dlq", "admissions_named"} <= PROJECT.identifying
    assert "admissions_hourly" not in PROJECT.identifying


def test_a_topic_that_nobody_could_be_erased_from_is_an_error(tmp_path: Path) -> None:
    copy(tmp_path)
    file = tmp_path / "topics.yaml"
    changed = "patient_labs: {config: {cleanup.policy: delete}}"
    file.write_text(file.read_text().replace("patient_labs: {}", changed))
    (mistake,) = planted.told(tmp_path)
    key = "topics.patient_labs.config.cleanup.policy"
    assert mistake.startswith(f"topics.yaml:17: {key}: is delete, and")


def test_the_registry_and_datagen_get_no_tag() -> None:
    for subject in DECLARED.subjects:
        assert f'"{privacy.ATTRIBUTE}"' not in json.dumps(subject.schema)
    for connector in DECLARED.connectors:
        assert f'"{privacy.ATTRIBUTE}"' not in connector.config.get("schema.string", "")


def test_a_reject_is_shown_without_what_tells_of_a_person() -> None:
    schema = PROJECT.schemas["patients_clean"]
    record = {
        "patient_id": "P10042",
        "first_name": "Mary",
        "last_name": None,
        "gender": {"string": "F"},
        "birth_date": -5,
        "medical_history": {"string": ""},
        "added_later": "Smith",
    }
    assert privacy.masked(record, schema) == {
        "patient_id": "P10042",
        "first_name": privacy.MASK,
        "last_name": None,
        "gender": {"string": "F"},
        "birth_date": privacy.MASK,
        "medical_history": {"string": ""},
        "added_later": privacy.MASK,
    }
    lab = {"lab_id": "L1", "test": {"code": "718-7", "value": 1.5, "note": "of Mary"}}
    shown = privacy.masked(lab, PROJECT.schemas["patient_labs"])
    assert shown == {**lab, "test": {"code": "718-7", "value": 1.5, "note": privacy.MASK}}
