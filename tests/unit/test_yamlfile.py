"""Mistakes in YAML files: file, line, key, and what was probably meant."""

from pathlib import Path

import pytest

from pipeline.errors import SpecError
from pipeline.paths import REPOSITORY
from pipeline.repository import loader, templates, yamlfile
from pipeline.repository.specs import TopicsFile

SPEC: object = loader.spec_model(templates.load(REPOSITORY).values())
SINK = """\
name: admissions-sink
template: jdbc-sink
topics: [patient_admissions]
table: admissions
key: [admission_id]
"""
TOPICS = """\
defaults: {partitions: 4, replication: 1, compatibility: BACKWARD}
topics:
  patients: {}
"""


def _messages(tmp_path: Path, text: str, model: object = SPEC) -> list[str]:
    file = tmp_path / "spec.yaml"
    file.write_text(text)
    with pytest.raises(SpecError) as caught:
        yamlfile.load(file, model)
    return [str(mistake).removeprefix(f"{tmp_path}/") for mistake in caught.value.mistakes]


def test_a_good_spec_loads(tmp_path: Path) -> None:
    file = tmp_path / "spec.yaml"
    file.write_text(SINK + "config: {tasks.max: 4}\n")
    spec = yamlfile.load(file, SPEC)
    assert (spec.name, spec.key, spec.config) == (
        "admissions-sink",
        ["admission_id"],
        {"tasks.max": 4},
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (SINK + "tabel: x\n", "spec.yaml:6: tabel: unknown key; did you mean table?"),
        (SINK + "name: again\n", "spec.yaml:6: name: is given twice"),
        (SINK.replace("table: admissions\n", ""), "spec.yaml:1: table: is missing"),
        (SINK.replace("[admission_id]", "[]"), "spec.yaml:5: key: needs 1 or more"),
        (
            SINK.replace("jdbc-sink", "jdbc_sink"),
            "spec.yaml:2: template: unknown template jdbc_sink; did you mean jdbc-sink?",
        ),
        (
            SINK.replace("name: admissions", "name: Admissions"),
            "spec.yaml:1: name: must begin with a small letter, and have small letters, digits"
            " and - only (is 'Admissions-sink')",
        ),
        (
            SINK + "config:\n  batch.size: 1\n  connection.password: [hunter2]\n",
            "spec.yaml:8: config.connection.password: must be text, a number, true or false",
        ),
        ("name: [unclosed\n", "spec.yaml:2: not YAML: "),
        ("", "spec.yaml: is empty"),
        ("just words\n", "spec.yaml:1: must be a mapping of keys to values (is 'just words')"),
    ],
)
def test_a_mistake_names_its_line_and_key(tmp_path: Path, text: str, message: str) -> None:
    (found,) = _messages(tmp_path, text)
    assert found.startswith(message)


def test_every_mistake_is_listed(tmp_path: Path) -> None:
    text = "template: jdbc-sink\ntopics: []\ntable: 7\nkey: [admission_id]\n"
    assert [line.split(": ")[:2] for line in _messages(tmp_path, text)] == [
        ["spec.yaml:1", "name"],
        ["spec.yaml:2", "topics"],
        ["spec.yaml:3", "table"],
    ]


def test_a_nested_key_has_its_own_line(tmp_path: Path) -> None:
    text = TOPICS + "  labs:\n    partitons: 3\n"
    assert _messages(tmp_path, text, TopicsFile) == [
        "spec.yaml:5: topics.labs.partitons: unknown key; did you mean partitions?"
    ]


def test_a_missing_file_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"none.yaml: cannot be read"):
        yamlfile.load(tmp_path / "none.yaml", TopicsFile)


def test_a_secret_never_shows_in_the_message(tmp_path: Path) -> None:
    (found,) = _messages(tmp_path, SINK + "config: {connection.password: [hunter2]}\n")
    assert "hunter2" not in found
