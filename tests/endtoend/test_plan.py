"""plan and deploy against the real worker, registry, broker and database."""

from typing import Any

from confluent_kafka.admin import NewTopic

from pipeline.clients import librdkafka
from tests.support import byhand, hands
from tests.support.workspace import Workspace, widget_schema


def _edits(plan: dict[str, Any], name: str) -> dict[str, tuple[str | None, str | None]]:
    change = next(change for change in plan["changes"] if change["name"] == name)
    return {edit["key"]: (edit["before"], edit["after"]) for edit in change["edits"]}


def test_a_second_deploy_changes_nothing_and_says_so(widgets: Workspace) -> None:
    widgets.ok("deploy")
    before = widgets.connectors()
    assert "Nothing to change" in widgets.ok("deploy")
    assert widgets.plan()["changes"] == []
    after = widgets.connectors()
    assert {name: item["info"] for name, item in after.items()} == {
        name: item["info"] for name, item in before.items()
    }
    assert widgets.run("plan", "--detailed-exitcode").returncode == 0


def test_everything_is_new_at_first_in_the_order_of_the_data(widgets: Workspace) -> None:
    name = widgets.name
    # Another test's may have run: what it makes stays when the rest is destroyed.
    with widgets.database() as connection:
        connection.execute("DROP SCHEMA IF EXISTS pipeline CASCADE")
    plan = widgets.plan()
    assert [(c["kind"], c["name"], c["action"]) for c in plan["changes"]] == [
        ("topic", name, "create"),
        ("topic", f"{name}-sink_dlq", "create"),
        ("subject", f"{name}-value", "create"),
        ("table", name, "create"),
        ("table", "db_setup.sql", "create"),
        ("sink", f"{name}-sink", "create"),
        ("source", f"{name}-source", "create"),
    ]
    assert f"{name}-sink" not in widgets.connectors()


def test_a_changed_and_a_removed_property_show_by_key(widgets: Workspace) -> None:
    name = widgets.name
    widgets.edit(
        "connectors/sinks/widgets.yaml", config={"batch.size": 100, "flush.max.retries": 9}
    )
    widgets.ok("deploy")
    widgets.edit("connectors/sinks/widgets.yaml", config={"batch.size": 200})
    done = widgets.run("plan", "--detailed-exitcode")
    assert done.returncode == 3
    assert "~ batch.size: 100 → 200" in done.stdout
    assert "- flush.max.retries: 9" in done.stdout
    assert _edits(widgets.plan(), f"{name}-sink") == {
        "batch.size": ("100", "200"),
        "flush.max.retries": ("9", None),
    }
    widgets.ok("deploy")
    config = widgets.connectors()[f"{name}-sink"]["info"]["config"]
    assert config["batch.size"] == "200"
    assert "flush.max.retries" not in config


def test_a_connector_deleted_by_hand_is_made_again(widgets: Workspace) -> None:
    name = widgets.name
    widgets.ok("deploy")
    hands.ask(widgets.target.connect, "DELETE", f"/connectors/{name}-sink")
    widgets.await_changes([(f"{name}-sink", "create")])
    widgets.ok("deploy")
    assert widgets.connectors()[f"{name}-sink"]["status"]["tasks"][0]["state"] == "RUNNING"


def test_a_stopped_connector_is_resumed(widgets: Workspace) -> None:
    name = widgets.name
    widgets.ok("deploy")
    hands.ask(widgets.target.connect, "PUT", f"/connectors/{name}-sink/stop")
    plan = widgets.await_changes([(f"{name}-sink", "update")])
    assert _edits(plan, f"{name}-sink") == {"state": ("STOPPED", "RUNNING")}
    widgets.ok("deploy")
    assert widgets.plan()["changes"] == []


def test_a_compatible_field_is_planned_by_field_and_registered(widgets: Workspace) -> None:
    name = widgets.name
    widgets.ok("deploy")
    colour = {"name": "colour", "type": ["null", "string"], "default": None}
    widgets.write(f"schemas/{name}.avsc", widget_schema(colour))
    plan = widgets.plan()
    edits = _edits(plan, f"{name}-value")
    assert edits == {"field colour": (None, '{"type":["null","string"],"default":null}')}
    assert _edits(plan, name) == {"column colour": (None, "text")}
    widgets.ok("deploy")
    assert _versions(widgets, name) == [1, 2]
    assert widgets.plan()["changes"] == []


def test_an_incompatible_schema_is_refused_before_anything_is_written(widgets: Workspace) -> None:
    name = widgets.name
    widgets.ok("deploy")
    widgets.write(f"schemas/{name}.avsc", widget_schema({"name": "colour", "type": "string"}))
    widgets.edit("connectors/sinks/widgets.yaml", config={"batch.size": 7})
    done = widgets.run("deploy")
    assert done.returncode == 1
    assert f"schemas/{name}.avsc: not BACKWARD-compatible with version 1" in done.stderr
    assert _versions(widgets, name) == [1]
    assert widgets.connectors()[f"{name}-sink"]["info"]["config"]["batch.size"] == "2000"


def _versions(space: Workspace, name: str) -> list[int]:
    path = f"/subjects/{name}-value/versions"
    versions: list[int] = hands.ask(space.target.registry, "GET", path).json()
    return versions


def test_what_is_registered_has_no_annotation_and_no_other_version(widgets: Workspace) -> None:
    name = widgets.name
    widgets.ok("deploy")
    path = f"/subjects/{name}-value/versions/latest"
    assert "arg.properties" not in hands.ask(widgets.target.registry, "GET", path).json()["schema"]
    assert _versions(widgets, name) == [1]


def test_prune_deletes_only_what_this_repository_deployed(widgets: Workspace) -> None:
    name = widgets.name
    widgets.ok("deploy")
    foreign = {
        "connector.class": "DatagenConnector",
        "kafka.topic": name,
        "schema.string": '{"type": "record", "name": "R", "fields": []}',
    }
    path = f"/connectors/{name}-foreign"
    hands.ask(widgets.target.connect, "PUT", f"{path}/config", foreign).raise_for_status()
    (widgets.root / "connectors/sinks/widgets.yaml").unlink()
    assert widgets.plan()["changes"] == []
    pruned = widgets.plan("--prune")["changes"]
    assert {(c["name"], c["action"]) for c in pruned} == {
        (f"{name}-sink", "delete"), (f"{name}-sink_dlq", "delete")
    }  # fmt: skip
    widgets.ok("deploy", "--prune")
    assert set(widgets.connectors()) == {f"{name}-source", f"{name}-foreign"}
    hands.ask(widgets.target.connect, "DELETE", path)


def test_a_removed_topic_and_its_subject_are_told_and_pruned(widgets: Workspace) -> None:
    name = widgets.name
    extra, before = f"{name}_extra", f"{name}_before"
    own = widgets.target.topics
    by_hand = NewTopic(
        before, 1, own.replication or 1, config={k: str(v) for k, v in own.config.items()}
    )
    admin = librdkafka.admin(hands.kafka(widgets.target))
    admin.create_topics([by_hand])[before].result(timeout=20)
    outside = {"written_by": "the test", "read_by": "the test"}
    declared = {name: {}, extra: outside, before: outside}
    byhand.declare(widgets, declared)
    widgets.write(f"schemas/{extra}.avsc", {**widget_schema(), "name": "Extra"})
    widgets.write(f"schemas/{before}.avsc", {**widget_schema(), "name": "Before"})
    widgets.ok("deploy")
    byhand.declare(widgets, {name: {}})
    (widgets.root / f"schemas/{extra}.avsc").unlink()
    (widgets.root / f"schemas/{before}.avsc").unlink()
    told = widgets.plan()
    # The topic that was there before the first deployment is not ours; its subject is.
    ours = [f"topic {extra}", f"subject {before}-value", f"subject {extra}-value"]
    assert (told["changes"], told["leftovers"]) == ([], ours)
    assert "- topic    " + extra in widgets.ok("plan", "--prune")
    assert "with all its records" in widgets.ok("plan", "--prune")
    widgets.ok("deploy", "--prune")
    topics = admin.list_topics(timeout=20).topics
    assert before in topics
    assert extra not in topics
    subjects = hands.ask(widgets.target.registry, "GET", "/subjects").json()
    assert [subject for subject in subjects if subject.startswith(name)] == [f"{name}-value"]
    assert widgets.plan()["leftovers"] == []
    admin.delete_topics([before])[before].result(timeout=20)


def test_only_takes_names_and_patterns(widgets: Workspace) -> None:
    name = widgets.name
    widgets.ok("deploy")
    widgets.edit("connectors/sinks/widgets.yaml", config={"batch.size": 1})
    widgets.edit("connectors/sources/widgets.yaml", config={"errors.log.enable": True})
    changes = widgets.plan("--only", "*-sink")["changes"]
    assert [change["name"] for change in changes] == [f"{name}-sink"]
    done = widgets.run("plan", "--only", f"{name}-sinc")
    assert done.returncode == 2
    assert f"did you mean {name}-sink?" in done.stderr


def test_a_topic_grows_and_its_configuration_follows(widgets: Workspace) -> None:
    name = widgets.name
    widgets.ok("deploy")
    defaults = {"partitions": 1, "replication": 1, "compatibility": "BACKWARD"}
    topics = {name: {"partitions": 2, "config": {"retention.ms": 1000000}}}
    widgets.write("topics.yaml", {"defaults": defaults, "topics": topics})
    assert _edits(widgets.plan(), name) == {
        "partitions": ("1", "2"),
        "retention.ms": (None, "1000000"),
    }
    widgets.ok("deploy")
    widgets.write("topics.yaml", {"defaults": defaults, "topics": {name: {}}})
    done = widgets.run("plan")
    assert done.returncode == 1
    assert f"{name} has 2 partitions and Kafka cannot take any away" in done.stderr
    widgets.write("topics.yaml", {"defaults": defaults, "topics": {name: {"partitions": 2}}})
    assert _edits(widgets.plan(), name) == {"retention.ms": ("1000000", None)}
    widgets.ok("deploy")
    assert widgets.plan()["changes"] == []


def test_validate_asks_the_worker_about_every_spec(widgets: Workspace) -> None:
    assert "2 connectors, all valid" in widgets.run("validate").stderr
    widgets.edit("connectors/sinks/widgets.yaml", config={"tasks.max": "many", "batch.sise": 3})
    done = widgets.run("validate")
    assert done.returncode == 1
    assert "connectors/sinks/widgets.yaml:9: tasks.max: Invalid value many" in done.stderr
    assert "batch.sise: io.debezium.connector.jdbc.JdbcSinkConnector has no such property" in (
        done.stderr
    )
    assert "did you mean batch.size?" in done.stderr
    assert widgets.connectors() == {}
