"""What plan shows is what differs, and deploy settles it or says why it cannot.

All drifts are planted on one deployed workspace; each test leaves it as declared.
"""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import requests
from confluent_kafka.admin import AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType

from pipeline.clients import librdkafka
from tests.support import workspace
from tests.support.workspace import Workspace, widget_schema

DEFAULTS = {"partitions": 1, "replication": 1, "compatibility": "BACKWARD"}
POLICY = "compact, delete"
SINK, SOURCE = "connectors/sinks/widgets.yaml", "connectors/sources/widgets.yaml"
MEDIA_TYPE = "application/vnd.schemaregistry.v1+json"
Edits = dict[str, tuple[str | None, str | None]]


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory, target_file: Path) -> Iterator[Workspace]:
    """A small repository, deployed."""
    name = f"truth{uuid4().hex[:6]}"
    made = workspace.small(tmp_path_factory.mktemp("truth"), target_file, name)
    made.edit(SOURCE, iterations=20)
    made.ok("deploy")
    yield made
    workspace.destroy(made)


def _name(space: Workspace) -> str:
    return next((space.root / "schemas").glob("*.avsc")).stem


def _registry(space: Workspace, method: str, path: str, body: object = None) -> Any:
    url = f"{space.target.registry}{path}"
    headers = {"Content-Type": MEDIA_TYPE}
    answer = requests.request(method, url, json=body, headers=headers, timeout=30)
    answer.raise_for_status()
    return answer.json()


def _latest(space: Workspace) -> Any:
    answer = _registry(space, "GET", f"/subjects/{_name(space)}-value/versions/latest")
    return json.loads(answer["schema"])


def _level(space: Workspace, level: str) -> None:
    _registry(space, "PUT", f"/config/{_name(space)}-value", {"compatibility": level})


def _set_retention(space: Workspace) -> None:
    entry = ConfigEntry("retention.ms", "777000", incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ResourceType.TOPIC, _name(space), incremental_configs=[entry])
    admin = librdkafka.admin(space.target.kafka)
    for future in admin.incremental_alter_configs([resource]).values():
        future.result(timeout=20)


def _connector(space: Workspace, method: str, path: str, body: object = None) -> None:
    url = f"{space.target.connect}/connectors/{_name(space)}-sink{path}"
    requests.request(method, url, json=body, timeout=30).raise_for_status()


def _schema(space: Workspace, **attributes: object) -> None:
    """Edits attributes of the schema's record in its file."""
    file = space.root / f"schemas/{_name(space)}.avsc"
    space.write(f"schemas/{file.name}", {**json.loads(file.read_text()), **attributes})


def _topics(space: Workspace, **spec: object) -> None:
    space.write("topics.yaml", {"defaults": DEFAULTS, "topics": {_name(space): spec}})


def _shown(space: Workspace, *options: str) -> dict[str, Edits]:
    """The edits of a plan by what changes. The workspace's name is W."""
    name = _name(space)
    return {
        f"{change['kind']} {change['name'].replace(name, 'W')}": {
            edit["key"]: (edit["before"], edit["after"]) for edit in change["edits"]
        }
        for change in space.plan(*options)["changes"]
    }


DRIFTS: dict[str, tuple[Callable[[Workspace], None], dict[str, Edits]]] = {
    "a level that somebody set": (
        lambda space: _level(space, "FULL"),
        {"subject W-value": {"compatibility": ("FULL", "BACKWARD")}},
    ),
    "a setting of a topic that somebody set": (
        _set_retention,
        {"topic W": {"retention.ms": ("777000", None)}},
    ),
    "a connector that somebody paused": (
        lambda space: _connector(space, "PUT", "/pause"),
        {"sink W-sink": {"state": ("PAUSED", "RUNNING")}},
    ),
    "only documentation": (
        lambda space: _schema(space, doc="Widgets."),
        {
            "subject W-value": {"doc": (None, "Widgets.")},
            "table W": {"comment": (None, "Widgets.")},
        },
    ),
    "only aliases and an attribute": (
        lambda space: _schema(space, aliases=["Gadget"], owner="the ward"),
        {"subject W-value": {"aliases": (None, '["test.Gadget"]'), "owner": (None, "the ward")}},
    ),
    "only the order of the fields": (
        lambda space: _schema(space, fields=widget_schema()["fields"][::-1]),
        {"subject W-value": {"order of fields": ("id, size", "size, id")}},
    ),
    "settings that Kafka writes in another way": (
        lambda space: _topics(space, config={"segment.ms": " 500000 ", "cleanup.policy": POLICY}),
        {"topic W": {"cleanup.policy": (None, "compact,delete"), "segment.ms": (None, "500000")}},
    ),
}


@pytest.mark.parametrize("drift", DRIFTS)
def test_a_drift_is_shown_and_settled(space: Workspace, drift: str) -> None:
    plant, expected = DRIFTS[drift]
    plant(space)
    shown = _shown(space)
    # The generator's annotations are in the source's configuration, and so is the schema.
    shown.pop("source W-source", None)
    assert shown == expected
    done = space.run("deploy")
    assert done.returncode == 0, done.stderr
    assert re.search(r"(\d) of \1 changes? made\.$", done.stderr.strip()), done.stderr
    assert _shown(space) == {}
    declared = json.loads((space.root / f"schemas/{_name(space)}.avsc").read_text())
    assert _latest(space).get("doc") == declared.get("doc")


def test_a_version_that_somebody_registered_is_told_with_the_way_out(space: Workspace) -> None:
    subject = f"{_name(space)}-value"
    by_hand = {**_latest(space), "doc": "By hand."}
    body = {"schema": json.dumps(by_hand)}
    _registry(space, "POST", f"/subjects/{subject}/versions", body)
    done = space.run("deploy")
    assert done.returncode == 1
    assert f"schemas/{_name(space)}.avsc: this schema is version " in done.stderr
    (url,) = re.findall(r"curl -X DELETE (\S+)", done.stderr)
    requests.delete(url, timeout=30).raise_for_status()
    assert _shown(space) == {}


def test_a_schema_that_goes_back_is_told_and_a_new_text_is_a_way_out(space: Workspace) -> None:
    before = _latest(space).get("doc")
    _schema(space, doc="For a while.")
    space.ok("deploy", "--only", f"{_name(space)}-value")
    _schema(space, doc=before)
    done = space.run("plan")
    assert done.returncode == 1
    assert "does not make an older version the latest again" in done.stderr
    _schema(space, doc="As before.")
    space.ok("deploy")
    assert _latest(space)["doc"] == "As before."
    assert _shown(space) == {}


def test_a_schema_is_judged_by_the_declared_level(space: Workspace) -> None:
    fields = _latest(space)["fields"]
    annotated = json.loads((space.root / f"schemas/{_name(space)}.avsc").read_text())["fields"]
    _level(space, "NONE")
    _schema(space, fields=[*annotated, {"name": "colour", "type": "string"}])
    done = space.run("deploy")
    assert done.returncode == 1
    assert "not BACKWARD-compatible with version" in done.stderr
    assert "field colour has no default in the declared schema" in done.stderr
    assert _latest(space)["fields"] == fields
    _level(space, "BACKWARD")
    _schema(space, fields=annotated, name="Other")
    assert "the record is Other in the declared schema, and Widget in" in space.run("plan").stderr
    _topics(space, compatibility="NONE", config={"segment.ms": 500000, "cleanup.policy": POLICY})
    space.ok("deploy")
    assert _latest(space)["name"] == "Other"
    _schema(space, name="Widget", doc="Again.")
    space.ok("deploy")
    _topics(space, config={"segment.ms": 500000, "cleanup.policy": POLICY})
    space.ok("deploy")
    assert _shown(space) == {}


def test_a_connector_without_our_mark_is_taken_over_only_if_asked(space: Workspace) -> None:
    sink = f"{_name(space)}-sink"
    config = space.connectors()[sink]["info"]["config"]
    _connector(space, "PUT", "/config", {k: v for k, v in config.items() if k != "managed.by"})
    done = space.run("deploy")
    assert done.returncode == 1
    assert f"{SINK}: {sink} runs, but was not deployed from here" in done.stderr
    assert "managed.by" not in space.connectors()[sink]["info"]["config"]
    space.ok("deploy", "--adopt")
    assert _shown(space) == {}


def test_what_is_not_declared_any_more_is_told_and_pruned(space: Workspace) -> None:
    name = _name(space)
    parked = (space.root / "connectors").rename(space.root / "parked")
    told = space.ok("plan")
    assert "Nothing to change" not in told
    assert f"running: sink {name}-sink, source {name}-source. --prune deletes them" in told
    parked.rename(space.root / "connectors")
    # What was a sink is a source now: never deleted and created in one run.
    kept = (space.root / SINK).read_text()
    (space.root / SINK).unlink()
    source = {"name": f"{name}-sink", "template": "datagen", "topic": name, "key": "id"}
    space.write("connectors/sources/other.yaml", {**source, "iterations": 1})
    done = space.run("deploy", "--prune")
    assert done.returncode == 1
    assert f"{name}-sink runs as a sink, and cannot become a source" in done.stderr
    assert "topics" in space.connectors()[f"{name}-sink"]["info"]["config"]
    (space.root / "connectors/sources/other.yaml").unlink()
    space.ok("deploy", "--prune")
    assert f"{name}-sink" not in space.connectors()
    space.write(SINK, kept)
    assert _shown(space).keys() == {"sink W-sink"}
    space.ok("deploy")


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"config": {"retention.mss": 1}}, "retention.mss"),
        ({"config": {"retention.ms": "forever"}}, "forever"),
        ({"config": {"cleanup.policy": "compcat"}}, "compcat"),
        ({"replication": 3}, "eplication"),
    ],
)
def test_what_the_broker_refuses_is_a_problem_before(
    space: Workspace, spec: dict[str, Any], message: str
) -> None:
    original = (space.root / "topics.yaml").read_text()
    topics = {_name(space): {}, "more": spec}
    if "config" in spec:
        topics = {_name(space): spec}
    space.write("topics.yaml", {"defaults": DEFAULTS, "topics": topics})
    for command in ("validate", "plan"):
        done = space.run(command)
        assert done.returncode == 1, done.stdout
        assert f"topics.yaml: {list(topics)[-1]}: " in done.stderr
        assert message in done.stderr
        assert "Nothing to change" not in done.stdout
    space.write("topics.yaml", original)
    assert _shown(space) == {}


def test_a_problem_leaves_the_rest_alone_and_json_says_what_was_done(space: Workspace) -> None:
    name = _name(space)
    other = {"name": f"{name}-other", "template": "none", "config": {"connector.class": "None"}}
    space.write("connectors/sources/other.yaml", other)
    space.edit(SINK, config={"batch.size": 77})
    done = space.run("deploy", "--json")
    assert done.returncode == 1
    assert "connectors/sources/other.yaml:4: connector.class: unknown" in done.stderr
    assert done.stderr.rstrip().endswith(
        f"1 of 2 changes made, 1 not tried. Now: source {name}-other is ABSENT."
    )
    outcome = json.loads(done.stdout)
    assert {c["name"]: c["outcome"] for c in outcome["changes"]} == {
        f"{name}-sink": "done",
        f"{name}-other": "not made",
    }
    assert space.connectors()[f"{name}-sink"]["info"]["config"]["batch.size"] == "77"
    # What is selected has no problem.
    assert _shown(space, "--only", f"{name}-sink") == {}
    (space.root / "connectors/sources/other.yaml").unlink()


def test_only_takes_along_what_a_new_sink_needs(space: Workspace) -> None:
    name = _name(space)
    sink = {"name": f"{name}-more", "template": "jdbc-sink", "topics": [name], "key": ["id"]}
    space.write("connectors/sinks/more.yaml", {**sink, "table": f"{name}_more"})
    expected = {"topic W-more_dlq", "table W_more", "sink W-more"}
    # By the file's name.
    assert _shown(space, "--only", "more").keys() == expected
    space.ok("deploy", "--only", f"{name}-more")
    assert _shown(space) == {}
    (space.root / "connectors/sinks/more.yaml").unlink()
    space.ok("deploy", "--prune")


def test_a_sink_that_may_not_write_has_failed(space: Workspace) -> None:
    name = _name(space)
    with space.database() as connection:
        # Not a privilege: a deployment gives those again.
        connection.execute(
            f"CREATE FUNCTION no_{name}() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN RAISE EXCEPTION 'no rows today'; END $$"
        )
        connection.execute(
            f"CREATE TRIGGER no_{name} BEFORE INSERT OR UPDATE ON {name}"
            f" FOR EACH ROW EXECUTE FUNCTION no_{name}()"
        )
    space.edit(SOURCE, iterations=40)
    space.edit(SINK, config={"batch.size": 78})
    done = space.run("deploy")
    assert done.returncode == 1
    assert "no rows today" in done.stderr
    assert f"sink {name}-sink is FAILED" in done.stderr
    with space.database() as connection:
        connection.execute(f"DROP FUNCTION no_{name}() CASCADE")
    space.ok("deploy")
    assert _shown(space) == {}


def test_a_plugins_password_in_a_template_is_a_problem_and_is_not_printed(space: Workspace) -> None:
    template, sink = "connectors/templates/jdbc-sink.yaml.j2", "connectors/sinks/widgets.yaml"
    before = {file: (space.root / file).read_text() for file in (template, sink)}
    in_clear = "connection.password: hunter2"
    space.write(template, re.sub(r"(?m)^connection\.password: .*$", in_clear, before[template]))
    try:
        # By its name; and, if a spec says that the name misleads, by the plugin's own definition.
        for code, harmless in ((2, []), (1, ["connection.password"])):
            space.edit(sink, not_secret=harmless)
            for options in ((), ("--json",)):
                done = space.run("plan", *options)
                assert done.returncode == code
                assert "connection.password: is a secret in clear text" in done.stderr
                assert "hunter2" not in done.stdout + done.stderr
    finally:
        for file, text in before.items():
            space.write(file, text)
    assert _shown(space) == {}


def test_destroy_says_what_goes_and_from_where(space: Workspace) -> None:
    done = space.run("destroy")
    assert done.returncode == 1
    name = _name(space)
    assert f"- sink     {name}-sink" in done.stderr
    assert f"- topic    {name}, {name}-sink_dlq" in done.stderr
    assert str(space.target_file) in done.stdout + done.stderr
    assert _shown(space) == {}
