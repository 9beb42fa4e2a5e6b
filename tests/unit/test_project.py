"""Reading and rendering the repository."""

import json
import shutil
from pathlib import Path

import pytest
from rich.console import Console

from pipeline import graph, plan, report
from pipeline.errors import SpecError, UsageError
from pipeline.live import Live
from pipeline.paths import REPOSITORY
from pipeline.repository import project, specs
from pipeline.repository.specs import json_schema
from pipeline.repository.target import load as load_target
from tests.support import golden

OWNER = "hospital-admissions"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for name in ("connectors", "schemas", "postgres", "ksql"):
        shutil.copytree(REPOSITORY / name, tmp_path / name)
    shutil.copy(REPOSITORY / "topics.yaml", tmp_path)
    return tmp_path


def _mistakes(root: Path) -> list[str]:
    with pytest.raises(SpecError) as caught:
        project.render(project.load(root), OWNER)
    return [str(mistake).replace(f"{root}/", "") for mistake in caught.value.mistakes]


def test_rendered_files_are_golden(tmp_path: Path) -> None:
    desired = project.render(project.load(REPOSITORY), OWNER)
    files = project.write(desired, tmp_path)
    wanted = {file.relative_to(tmp_path) for file in files}
    for name in sorted(wanted):
        golden.check(f"rendered/{name}", (tmp_path / name).read_text())
    kept = {
        file.relative_to(golden.FOLDER / "rendered")
        for file in (golden.FOLDER / "rendered").rglob("*.json")
    }
    assert kept == wanted


def test_a_dropped_spec_leaves_no_rendered_file(copy: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    project.write(project.render(project.load(copy), OWNER), out)
    (copy / "connectors/sinks/labs.yaml").unlink()
    project.write(project.render(project.load(copy), OWNER), out)
    assert not (out / "connectors/labs-sink.json").exists()
    assert (out / "connectors/patients-sink.json").exists()


def test_the_first_plan_and_the_graph_are_golden() -> None:
    desired = project.render(project.load(REPOSITORY), OWNER)
    nothing = Live({}, {}, None, {})
    console = Console(width=100, record=True, file=None, no_color=True)
    with console.capture() as captured:
        report.print_plan(plan.compare(desired, nothing, OWNER), console)
    golden.check("first-plan.txt", captured.get())
    golden.check("graph.mmd", graph.mermaid(desired, project.load(REPOSITORY).statements) + "\n")


def test_the_committed_json_schema_is_that_of_the_models() -> None:
    committed = json.loads((REPOSITORY / "spec.schema.json").read_text())
    assert committed == json_schema(), "make spec-schema"


@pytest.mark.parametrize("file", sorted((REPOSITORY / "connectors").glob("s*/*.yaml")))
def test_every_spec_points_editors_to_the_schema(file: Path) -> None:
    first = file.read_text().splitlines()[0]
    assert first == "# yaml-language-server: $schema=../../spec.schema.json"


def _replace(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


@pytest.mark.parametrize(
    ("file", "old", "new", "mistake"),
    [
        (
            "connectors/sinks/labs.yaml",
            "[patient_labs_clean]",
            "[patient_labs_clear]",
            "connectors/sinks/labs.yaml:5: topics.0: unknown topic patient_labs_clear;"
            " did you mean patient_labs_clean?",
        ),
        (
            "connectors/sinks/labs.yaml",
            "[lab_id]",
            "[labid]",
            "connectors/sinks/labs.yaml:7: key.0: unknown field labid; did you mean lab_id?",
        ),
        (
            "connectors/sources/patients.yaml",
            "topic: patients",
            "topic: patient",
            "connectors/sources/patients.yaml:5: topic: unknown schema patient;"
            " did you mean patients? (a Datagen topic needs schemas/patient.avsc)",
        ),
        (
            "connectors/sources/labs-followup.yaml",
            "  collected_at:",
            "  colected_at:",
            "connectors/sources/labs-followup.yaml:12: generator.colected_at: unknown field"
            " colected_at; did you mean collected_at?",
        ),
        (
            "connectors/sources/patients.yaml",
            "name: patients-source",
            "name: patients-sink",
            "connectors/sinks/patients.yaml:3: name: patients-sink is also the name in"
            " connectors/sources/patients.yaml",
        ),
        (
            "topics.yaml",
            "  patient_labs: {}\n",
            "",
            "schemas/patient_labs.avsc: unknown topic patient_labs;",
        ),
        (
            "schemas/patients.avsc",
            '"type": "record"',
            '"type" "record"',
            "schemas/patients.avsc:2: not JSON: Expecting ':' delimiter",
        ),
        (
            "connectors/templates/jdbc-sink.yaml.j2",
            "{{ table }}",
            "{{ tabel }}",
            "connectors/templates/jdbc-sink.yaml.j2: cannot be rendered for",
        ),
    ],
)
def test_files_that_do_not_fit_together(
    copy: Path, file: str, old: str, new: str, mistake: str
) -> None:
    _replace(copy / file, old, new)
    assert any(found.startswith(mistake) for found in _mistakes(copy)), _mistakes(copy)


def test_config_overrides_the_template_and_booleans_are_connects(copy: Path) -> None:
    spec = copy / "connectors/sinks/labs.yaml"
    spec.write_text(spec.read_text() + "config: {batch.size: 7, errors.log.enable: false}\n")
    desired = project.render(project.load(copy), OWNER)
    config = next(c.config for c in desired.connectors if c.name == "labs-sink")
    assert (config["batch.size"], config["errors.log.enable"]) == ("7", "false")
    assert list(config) == sorted(config)


def test_moving_a_sink_between_raw_and_clean_topics_is_one_line(copy: Path) -> None:
    _replace(copy / "connectors/sinks/labs.yaml", "[patient_labs_clean]", "[patient_labs]")
    before = project.render(project.load(REPOSITORY), OWNER)
    after = project.render(project.load(copy), OWNER)
    old, new = (
        next(c.config for c in desired.connectors if c.name == "labs-sink")
        for desired in (before, after)
    )
    assert [edit.key for edit in plan.edits(old, new)] == ["topics"]


def test_an_unknown_target_names_the_known_ones() -> None:
    with pytest.raises(UsageError, match=r"unknown target embeded; did you mean embedded\?"):
        load_target(REPOSITORY, "embeded")


def test_models_refuse_a_clear_text_secret_only() -> None:
    assert specs.SECRET_KEY.search("connection.password")
    assert specs.REFERENCE.match("${env:JDBC_PASSWORD}")
    assert not specs.REFERENCE.match("hunter2")
