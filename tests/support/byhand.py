"""What people do by hand to a deployed workspace of one source, topic, sink and table."""

import json
from collections.abc import Mapping
from typing import Any

from confluent_kafka.admin import AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType

from pipeline.clients import librdkafka
from tests.support import hands
from tests.support.workspace import Workspace, widget_schema

DEFAULTS = {"partitions": 1, "replication": 1, "compatibility": "BACKWARD"}
SINK, SOURCE = "connectors/sinks/widgets.yaml", "connectors/sources/widgets.yaml"
MEDIA_TYPE = "application/vnd.schemaregistry.v1+json"
Edits = dict[str, tuple[str | None, str | None]]


def registry(space: Workspace, method: str, path: str, body: object = None) -> Any:
    headers = {"Content-Type": MEDIA_TYPE}
    answer = hands.ask(space.target.registry, method, path, body, headers)
    answer.raise_for_status()
    return answer.json()


def latest(space: Workspace) -> Any:
    answer = registry(space, "GET", f"/subjects/{space.name}-value/versions/latest")
    return json.loads(answer["schema"])


def level(space: Workspace, level: str) -> None:
    registry(space, "PUT", f"/config/{space.name}-value", {"compatibility": level})


def set_topic(space: Workspace, topic: str, **settings: str) -> None:
    """Sets settings of a topic; _ in their names stands for a dot."""
    entries = [
        ConfigEntry(key.replace("_", "."), value, incremental_operation=AlterConfigOpType.SET)
        for key, value in settings.items()
    ]
    resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=entries)
    admin = librdkafka.admin(hands.kafka(space.target))
    for future in admin.incremental_alter_configs([resource]).values():
        future.result(timeout=20)


def connector(
    space: Workspace, method: str, path: str, body: object = None, kind: str = "sink"
) -> None:
    place = f"/connectors/{space.name}-{kind}{path}"
    hands.ask(space.target.connect, method, place, body).raise_for_status()


def schema(space: Workspace, **attributes: object) -> None:
    """Edits attributes of the schema's record in its file."""
    file = space.root / f"schemas/{space.name}.avsc"
    space.write(f"schemas/{file.name}", {**json.loads(file.read_text()), **attributes})


def topics(space: Workspace, **spec: object) -> None:
    declare(space, {space.name: spec})


def declare(space: Workspace, topics: Mapping[str, Mapping[str, object]]) -> None:
    space.write("topics.yaml", {"defaults": DEFAULTS, "topics": dict(topics)})


def another_sink(space: Workspace) -> None:
    """A second sink of the workspace's topic, with a table of its own."""
    name = space.name
    sink = {"name": f"{name}-twin", "template": "jdbc-sink", "topics": [name], "key": ["id"]}
    space.write("connectors/sinks/twin.yaml", {**sink, "table": f"{name}_twin"})


def another_entity(space: Workspace, **defaults: object) -> None:
    """One more topic, with a schema, a sink and a table."""
    name = space.name
    topics: dict[str, object] = {name: {}, f"{name}_more": {}}
    space.write("topics.yaml", {"defaults": {**DEFAULTS, **defaults}, "topics": topics})
    space.write(f"schemas/{name}_more.avsc", {**widget_schema(), "name": "More"})
    sink = {"name": f"{name}-more-sink", "template": "jdbc-sink", "topics": [f"{name}_more"]}
    space.write("connectors/sinks/more.yaml", {**sink, "table": f"{name}_more", "key": ["id"]})


def shown(space: Workspace, *options: str) -> dict[str, Edits]:
    """The edits of a plan by what changes. The workspace's name is W."""
    name = space.name
    return {
        f"{change['kind']} {change['name'].replace(name, 'W')}": {
            edit["key"]: (edit["before"], edit["after"]) for edit in change["edits"]
        }
        for change in space.plan(*options)["changes"]
    }
