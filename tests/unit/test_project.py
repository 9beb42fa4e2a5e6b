"""Reading and rendering the repository."""

import shutil
from pathlib import Path

import pytest
from rich.console import Console

from pipeline import graph, plan, report
from pipeline.change import edits
from pipeline.errors import SpecError, UsageError
from pipeline.paths import REPOSITORY
from pipeline.repository import desired, jsonschemas, loader, rendered, rights
from pipeline.repository import target as targets
from pipeline.repository.target import load as load_target
from pipeline.resources.connector import Connector
from pipeline.resources.desired import Desired
from pipeline.selection import selected
from tests.support import golden, workspace

OWNER = "hospital-admissions"
# Of the schemas that follow from ksql/, two show how.
DERIVED = {"admissions_named-value", "abnormal_labs_hourly-value"}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    workspace.copy(tmp_path)
    return tmp_path


def _render(root: Path) -> Desired:
    return desired.render(loader.load(root), OWNER)


def _connector(root: Path, name: str) -> Connector:
    return next(c for c in _render(root).connectors if c.name == name)


def _mistakes(root: Path) -> list[str]:
    with pytest.raises(SpecError) as caught:
        _render(root)
    return [str(mistake).replace(f"{root}/", "") for mistake in caught.value.mistakes]


def _is_golden(file: Path) -> bool:
    written = {f"{f.stem}-value" for f in (REPOSITORY / "schemas").glob("*.avsc")}
    return file.parts[0] != "schemas" or file.stem in written | DERIVED


def test_rendered_files_are_golden(tmp_path: Path) -> None:
    target = targets.load(REPOSITORY, "cluster")
    needed = rights.rights(loader.load(REPOSITORY), _render(REPOSITORY), target)
    files = rendered.write(_render(REPOSITORY), [], needed, tmp_path)
    wanted = {name for file in files if _is_golden(name := file.relative_to(tmp_path))}
    for name in sorted(wanted):
        golden.check(f"rendered/{name}", (tmp_path / name).read_text())
    folder = golden.FOLDER / "rendered"
    assert {f.relative_to(folder) for f in folder.rglob("*.*")} == wanted


def test_a_dropped_spec_leaves_no_rendered_file(copy: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    rendered.write(_render(copy), [("S", "SELECT 1")], [], out)
    assert (out / "ksql/s.sql").read_text() == "SELECT 1"
    (copy / "connectors/sinks/admissions-hourly.yaml").unlink()
    rendered.write(_render(copy), [], [], out)
    assert not (out / "connectors/admissions-hourly-sink.json").exists()
    assert not (out / "ksql/s.sql").exists()
    assert (out / "connectors/patients-sink.json").exists()


def test_what_others_wrote_is_not_deleted(copy: Path) -> None:
    before = sorted(copy.rglob("*"))
    with pytest.raises(UsageError, match=r"has files that `render` did not write.*--output"):
        rendered.write(_render(copy), [], [], copy)
    assert sorted(copy.rglob("*")) == before


def test_the_first_plan_and_the_graph_are_golden() -> None:
    declared = _render(REPOSITORY)
    console = Console(width=100, record=True, file=None, no_color=True)
    with console.capture() as captured:
        report.print_plan(plan.compare(declared, {}), console)
    golden.check("first-plan.txt", captured.get())
    statements = loader.load(REPOSITORY).statements
    golden.check("graph.mmd", graph.mermaid(declared, statements) + "\n")


def test_the_committed_json_schemas_are_those_of_templates_and_models(tmp_path: Path) -> None:
    shutil.copytree(REPOSITORY / "connectors", tmp_path / "connectors")
    jsonschemas.write(tmp_path)
    written = {file.name: file.read_text() for file in (tmp_path / "editor").iterdir()}
    committed = {file.name: file.read_text() for file in (REPOSITORY / "editor").iterdir()}
    assert committed == written, "make spec-schema"


@pytest.mark.parametrize(
    ("pattern", "schema"),
    [
        ("connectors/s*/*.yaml", "../../editor/spec.schema.json"),
        ("*/cases/*.yaml", "../../editor/case.schema.json"),
        ("targets/*.yaml", "../editor/target.schema.json"),
        ("spark/rules.yaml", "../editor/rules.schema.json"),
        ("topics.yaml", "editor/topics.schema.json"),
    ],
)
def test_every_file_points_editors_to_its_schema(pattern: str, schema: str) -> None:
    files = list(REPOSITORY.glob(pattern))
    assert files
    for file in files:
        first = file.read_text().splitlines()[0]
        assert first == f"# yaml-language-server: $schema={schema}", file


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
            " did you mean patients? (template datagen needs schemas/patient.avsc)",
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
            "connectors/sinks/patients.yaml:3: name: connectors/sources/patients.yaml has the same"
            " name, patients-sink",
        ),
        (
            "connectors/sources/labs-admission.yaml",
            "key: lab_id",
            "key: admission_id",
            "connectors/sources/labs-admission.yaml:6: key: the key of patient_labs is lab_id in"
            " spark/rules.yaml",
        ),
        (
            "topics.yaml",
            "  patient_labs: {}\n",
            "",
            "schemas/patient_labs.avsc: unknown topic patient_labs;",
        ),
        (
            "topics.yaml",
            "  patient_labs_clean: {config: {cleanup.policy: compact}}\n",
            "",
            "spark/rules.yaml:75: topics.patient_labs.clean: topics.yaml has no topic",
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
            "connectors/templates/jdbc-sink.yaml.j2:23: cannot be rendered for",
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
    config = _connector(copy, "labs-sink").config
    assert (config["batch.size"], config["errors.log.enable"]) == ("7", "false")
    assert list(config) == sorted(config)


def test_moving_a_sink_between_raw_and_clean_topics_is_one_line(copy: Path) -> None:
    _replace(copy / "connectors/sinks/labs.yaml", "[patient_labs_clean]", "[patient_labs]")
    before = _connector(REPOSITORY, "labs-sink").config
    after = _connector(copy, "labs-sink").config
    assert [edit.key for edit in edits(before, after)] == ["topics"]


PLAIN = """\
name: mirror
template: none
config:
  connector.class: org.example.MirrorSink
  topics: patients_clean
"""


def test_every_sink_has_a_dead_letter_queue_also_without_a_template(copy: Path) -> None:
    spec = copy / "connectors/sinks/mirror.yaml"
    spec.write_text(PLAIN)
    config = _connector(copy, "mirror").config
    assert config["errors.deadletterqueue.topic.name"] == "mirror_dlq"
    assert config["errors.tolerance"] == "all"
    queue = next(topic for topic in _render(copy).topics if topic.name == "mirror_dlq")
    assert (queue.partitions, queue.origin) == (1, str(spec))
    spec.write_text(PLAIN + "  errors.deadletterqueue.topic.name: lost\n")
    names = {topic.name for topic in _render(copy).topics}
    assert "lost" in names
    assert "mirror_dlq" not in names


@pytest.mark.parametrize("folder", ["sources", "sinks"])
def test_a_variable_of_each_type_can_be_null(copy: Path, folder: str) -> None:
    kinds = ("topic", "topics", "field", "by-field", "columns", "table", "text")
    variables = "\n".join(
        f"  v{i}: {{type: {kind}, default: null, description: d}}" for i, kind in enumerate(kinds)
    )
    body = "connector.class: a.B\n" + ("topics: patients\n" if folder == "sinks" else "")
    (copy / "connectors/templates/bare.yaml.j2").write_text(
        f"---\ndescription: d\nvariables:\n{variables}\n---\n{body}"
    )
    (copy / f"connectors/{folder}/bare.yaml").write_text("name: bare\ntemplate: bare\n")
    bare = _connector(copy, "bare")
    assert not {"patients"} & set(bare.topics)
    assert bare.table == ""
    spec = copy / f"connectors/{folder}/bare.yaml"
    spec.write_text("name: bare\ntemplate: bare\nv5: rows\n")
    (said,) = _mistakes(copy)
    assert said.endswith("bare.yaml:3: v5: no table can be made: the connector reads no topic")


def test_a_dead_letter_queue_is_overridden_in_topics_yaml(copy: Path) -> None:
    entry = "  labs-sink_dlq: {config: {retention.ms: 1}}\n"
    topics = copy / "topics.yaml"
    topics.write_text(topics.read_text() + entry)
    before = {topic.name: topic for topic in _render(REPOSITORY).topics}
    after = {topic.name: topic for topic in _render(copy).topics}
    queue = after.pop("labs-sink_dlq")
    assert (queue.partitions, queue.config["retention.ms"], queue.origin) == (1, "1", "topics.yaml")
    assert after.keys() == before.keys() - {"labs-sink_dlq"}
    topics.write_text(topics.read_text().replace(entry, "  lab-sink_dlq: {partitions: 2}\n"))
    assert "nothing writes it" in _mistakes(copy)[0]


def test_a_source_that_mirrors_topics_of_another_cluster_is_none_of_the_sinks(copy: Path) -> None:
    spec = copy / "connectors/sources/mirror.yaml"
    spec.write_text(PLAIN.replace("MirrorSink", "MirrorSourceConnector").replace("patients", "b"))
    mirror = _connector(copy, "mirror")
    assert (mirror.is_sink, mirror.topics) == (False, ())
    assert "errors.deadletterqueue.topic.name" not in mirror.config
    spec.write_text(PLAIN.replace("MirrorSink", "MirrorSinkConnector"))
    (said,) = _mistakes(copy)
    assert said.endswith("is a sink, as it has `topics`: move it to connectors/sinks/")


TEMPLATE = """\
---
description: Writes to an object store.
variables:
  topics: {type: topics, description: Topics to read.}
  bucket: {type: text, description: Bucket to write to.}
  flush: {type: integer, default: 1000, minimum: 1, description: Records per object.}
---
connector.class: org.example.ObjectStoreSink
topics: {{ topics | join(",") }}
bucket: {{ bucket }}
flush.size: {{ flush }}
"""
SPEC = "name: archive\ntemplate: object-store\ntopics: [patients_clean]\nbucket: b\n"


def test_a_new_kind_of_connector_is_a_template(copy: Path) -> None:
    template = copy / "connectors/templates/object-store.yaml.j2"
    spec = copy / "connectors/sinks/archive.yaml"
    template.write_text(TEMPLATE)
    spec.write_text(SPEC)
    config = _connector(copy, "archive").config
    assert config["connector.class"] == "org.example.ObjectStoreSink"
    assert (config["topics"], config["bucket"], config["flush.size"]) == (
        "patients_clean",
        "b",
        "1000",
    )
    assert config["errors.deadletterqueue.topic.name"] == "archive_dlq"
    schema = jsonschemas.all_schemas(copy)["spec.schema.json"]
    assert "object-store spec" in {model.get("title") for model in schema["$defs"].values()}
    spec.write_text(SPEC.replace("bucket: b", "buket: b"))
    assert _mistakes(copy) == [
        "connectors/sinks/archive.yaml:1: bucket: is missing",
        "connectors/sinks/archive.yaml:4: buket: unknown key; did you mean bucket?",
    ]
    spec.write_text(f"{SPEC}flush: 0\n")
    assert _mistakes(copy) == ["connectors/sinks/archive.yaml:5: flush: must be 1 or more (is 0)"]
    template.write_text(TEMPLATE.replace("type: text", "type: string"))
    assert (
        "object-store.yaml.j2:5: variables.bucket.type: unknown value string;" in _mistakes(copy)[0]
    )
    template.write_text("connector.class: X\n")
    assert _mistakes(copy)[0].startswith(
        "connectors/templates/object-store.yaml.j2:1: must begin with a header"
    )


def test_two_sinks_of_one_table_make_it_together(copy: Path) -> None:
    more = copy / "connectors/sinks/more.yaml"
    text = (copy / "connectors/sinks/admissions-hourly.yaml").read_text()
    text = text.replace("name: admissions-", "name: more-").replace(
        "[admissions_hourly]", "[discharges_hourly]"
    )
    more.write_text(text)
    (table,) = (t for t in _render(copy).tables if t.name == "admissions_hourly")
    assert [c.name for c in table.columns if c.name in {"admissions", "discharges"}] == [
        "admissions",
        "discharges",
    ]
    more.write_text(text.replace("admission_type, ", ""))
    (told,) = _mistakes(copy)
    assert "connectors/sinks/more.yaml:7: key: " in told
    assert "admissions-hourly.yaml writes admissions_hourly by another key" in told


def test_a_half_made_entity_is_told_thing_by_thing(copy: Path) -> None:
    source = copy / "connectors/sources/vitals.yaml"
    source.write_text(
        "name: vitals-source\ntemplate: datagen\ntopic: patient_vitals\nkey: vital_id\n"
    )
    schema, topic = _mistakes(copy)
    assert "needs schemas/patient_vitals.avsc" in schema
    assert "topic: unknown topic patient_vitals" in topic
    labs = (copy / "schemas/patient_labs.avsc").read_text()
    (copy / "schemas/patient_vitals.avsc").write_text(labs.replace('"lab_id"', '"vital_id"'))
    assert [told.split(": ", 1)[0] for told in _mistakes(copy)] == [
        "connectors/sources/vitals.yaml:3",
        "schemas/patient_vitals.avsc",
    ]
    topics = copy / "topics.yaml"
    topics.write_text(topics.read_text() + "  patient_vitals: {}\n")
    (told,) = _mistakes(copy)
    assert told.startswith(
        "topics.yaml:25: topics.patient_vitals: nothing reads it: add rules in spark"
    )
    rules = copy / "spark/rules.yaml"
    rule = "topics:\n  patient_vitals: {clean: patient_vitals_clean, key: vital_id}\n"
    _replace(rules, "\ntopics:\n", f"\n{rule}")
    assert [told.split(": ", 2)[2].split(";")[0] for told in _mistakes(copy)] == [
        "topics.yaml has no topic patient_vitals_clean",
        "schemas/patient_vitals_clean.avsc is missing",
    ]
    clean = (copy / "schemas/patient_labs_clean.avsc").read_text()
    (copy / "schemas/patient_vitals_clean.avsc").write_text(clean.replace('"lab_id"', '"vital_id"'))
    topics.write_text(topics.read_text() + "  patient_vitals_clean: {}\n")
    (told,) = _mistakes(copy)
    assert "topics.patient_vitals_clean: nothing reads it: " in told
    assert "a sink in connectors/sinks/" in told
    (copy / "connectors/sinks/vitals.yaml").write_text(
        "name: vitals-sink\ntemplate: jdbc-sink\ntopics: [patient_vitals_clean]\ntable: vitals\n"
        "key: [vital_id]\n"
    )
    assert [table.name for table in _render(copy).tables if table.name == "vitals"] == ["vitals"]
    source.unlink()
    (told,) = _mistakes(copy)
    assert "topics.patient_vitals: nothing writes it: add a source in connectors/sources/" in told


def test_an_unknown_target_names_the_known_ones() -> None:
    with pytest.raises(UsageError, match=r"unknown target embeded; did you mean embedded\?"):
        load_target(REPOSITORY, "embeded")


@pytest.mark.parametrize("value", ["hunter2", "env:PASSWORD", "${env:JDBC_PASSWORD} and more"])
def test_a_secret_in_clear_text_is_refused(copy: Path, value: str) -> None:
    (copy / "connectors/sinks/mirror.yaml").write_text(
        f"{PLAIN}  connection.password: '{value}'\n  connection.token: ${{env:JDBC_PASSWORD}}\n"
    )
    (told,) = _mistakes(copy)
    assert "mirror.yaml:6: config.connection.password: is a secret in clear text" in told
    assert value not in told


def test_a_setting_of_a_topic_is_as_kafka_gives_it_back(copy: Path) -> None:
    file = copy / "topics.yaml"
    settings = "{cleanup.policy: 'compact, delete', segment.ms: ' 0500 ', preallocate: 'True '}"
    text = file.read_text().replace("{cleanup.policy: compact}", settings, 1)
    file.write_text(text)
    (topic,) = (t for t in _render(copy).topics if t.name == "patients")
    assert {**topic.config, "retention.ms": ""} == {
        "cleanup.policy": "compact,delete",
        "segment.ms": "500",
        "preallocate": "true",
        "retention.ms": "",
    }


@pytest.mark.parametrize("level", ["BACKWRAD", "backward"])
def test_an_unknown_level_is_a_mistake_in_the_file(copy: Path, level: str) -> None:
    file = copy / "topics.yaml"
    file.write_text(
        file.read_text().replace("patient_labs: {}", f"patient_labs: {{compatibility: {level}}}")
    )
    (mistake,) = _mistakes(copy)
    assert "compatibility: no compatibility level; did you mean BACKWARD?" in mistake


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("labs-sink", {"labs-sink"}),
        # The spec's file, and the table that is made for it.
        ("labs", {"labs-sink", "lab_results"}),
        ("patient_labs", {"patient_labs", "patient_labs-value"}),
    ],
)
def test_only_knows_the_names_of_files(pattern: str, names: set[str]) -> None:
    wanted = _render(REPOSITORY)
    assert selected([pattern], wanted, plan.compare(wanted, {})) == names
    with pytest.raises(UsageError, match="did you mean labs-sink"):
        selected(["labs-sinc"], wanted, plan.compare(wanted, {}))
