"""Each drift by itself: plan shows exactly it, deploy settles it, and the next plan is empty.

All are planted on one deployed workspace. In a plan, W stands for the workspace's name.
"""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from pipeline.clients import librdkafka
from pipeline.wait import until
from tests.support import byhand, hands
from tests.support.byhand import SINK, SOURCE, Edits
from tests.support.workspace import Workspace, widget_schema

# By change: its edits, or only their keys.
Expected = dict[str, Edits | set[str]]
Drift = tuple[Callable[[Workspace], object], Expected]

CREATED_TOPIC = {"partitions", "replication"}
COLOUR = {"name": "colour", "type": ["null", "string"], "default": None}


def _put(kind: str, key: str, value: str | None) -> Callable[[Workspace], None]:
    """Changes a property of a connector on the worker; None removes it."""

    def plant(space: Workspace) -> None:
        config = space.connectors()[f"{space.name}-{kind}"]["info"]["config"]
        wanted = {name: kept for name, kept in config.items() if name != key}
        if value is not None:
            wanted[key] = value
        byhand.connector(space, "PUT", "/config", wanted, kind)

    return plant


def _told(kind: str, method: str, path: str) -> Callable[[Workspace], None]:
    return lambda space: byhand.connector(space, method, path, kind=kind)


def _stop(kind: str) -> Callable[[Workspace], None]:
    def plant(space: Workspace) -> None:
        byhand.connector(space, "PUT", "/stop", kind=kind)
        until(
            lambda: space.connectors()[f"{space.name}-{kind}"]["status"]["connector"],
            seconds=30,
            done=lambda connector: connector["state"] == "STOPPED",
            describe=str,
        )

    return plant


def _topic(suffix: str = "", **settings: str) -> Callable[[Workspace], None]:
    return lambda space: byhand.set_topic(space, space.name + suffix, **settings)


def _without_queue(space: Workspace) -> None:
    name = f"{space.name}-sink_dlq"
    admin = librdkafka.admin(hands.kafka(space.target))
    for future in admin.delete_topics([name]).values():
        future.result(timeout=20)
    until(
        lambda: name not in admin.list_topics(timeout=10).topics,
        seconds=30,
        describe=lambda _: f"{name} is still there",
    )


def _without_subject(space: Workspace) -> None:
    subject = f"/subjects/{space.name}-value"
    byhand.registry(space, "DELETE", subject)


def _edit(file: str, **changes: object) -> Callable[[Workspace], None]:
    return lambda space: space.edit(file, **changes)


def _schema(**attributes: object) -> Callable[[Workspace], None]:
    return lambda space: byhand.schema(space, **attributes)


def _topics(**spec: object) -> Callable[[Workspace], None]:
    return lambda space: byhand.topics(space, **spec)


def _defaults(**changes: object) -> Callable[[Workspace], None]:
    def plant(space: Workspace) -> None:
        topics = {"defaults": {**byhand.DEFAULTS, **changes}, "topics": {space.name: {}}}
        space.write("topics.yaml", topics)

    return plant


def _generator(space: Workspace) -> None:
    space.edit(SOURCE, generator={"size": {"range": {"min": 5, "max": 50}}})


LIVE: dict[str, Drift] = {
    "a level": (
        lambda space: byhand.level(space, "FULL"),
        {"subject W-value": {"compatibility": ("FULL", "BACKWARD")}},
    ),
    "no level at all": (
        lambda space: byhand.level(space, "NONE"),
        {"subject W-value": {"compatibility": ("NONE", "BACKWARD")}},
    ),
    "a level of all versions": (
        lambda space: byhand.level(space, "FORWARD_TRANSITIVE"),
        {"subject W-value": {"compatibility": ("FORWARD_TRANSITIVE", "BACKWARD")}},
    ),
    "no subject": (_without_subject, {"subject W-value": {"compatibility", "field id"}}),
    "a topic's retention": (
        _topic(retention_ms="777000"),
        {"topic W": {"retention.ms": ("777000", None)}},
    ),
    "a topic's policy": (
        _topic(cleanup_policy="compact"),
        {"topic W": {"cleanup.policy": ("compact", None)}},
    ),
    "a topic's largest record": (
        _topic(max_message_bytes="5000000"),
        {"topic W": {"max.message.bytes": ("5000000", None)}},
    ),
    "two settings of a topic": (
        _topic(segment_ms="900000", compression_type="lz4"),
        {"topic W": {"segment.ms": ("900000", None), "compression.type": ("lz4", None)}},
    ),
    "a dead letter queue's retention": (
        _topic("-sink_dlq", retention_ms="1000"),
        {"topic W-sink_dlq": {"retention.ms": ("1000", None)}},
    ),
    "no dead letter queue": (_without_queue, {"topic W-sink_dlq": CREATED_TOPIC}),
    "a property of a sink": (
        _put("sink", "batch.size", "9"),
        {"sink W-sink": {"batch.size": ("9", "2000")}},
    ),
    "one property more": (
        _put("sink", "consumer.override.fetch.min.bytes", "1"),
        {"sink W-sink": {"consumer.override.fetch.min.bytes": ("1", None)}},
    ),
    "one property less": (
        _put("sink", "connection.pool.max_size", None),
        {"sink W-sink": {"connection.pool.max_size": (None, "2")}},
    ),
    "fewer tasks": (_put("sink", "tasks.max", "1"), {"sink W-sink": {"tasks.max": ("1", "2")}}),
    "errors that stop a sink": (
        _put("sink", "errors.tolerance", "none"),
        {"sink W-sink": {"errors.tolerance": ("none", "all")}},
    ),
    "a password in clear text": (
        _put("sink", "connection.password", "by hand"),
        {"sink W-sink": {"connection.password"}},
    ),
    "a property of a source": (
        _put("source", "max.interval", "50"),
        {"source W-source": {"max.interval": ("50", "0")}},
    ),
    "one property less of a source": (
        _put("source", "random.seed", None),
        {"source W-source": {"random.seed": (None, "1")}},
    ),
    "a paused sink": (
        _told("sink", "PUT", "/pause"),
        {"sink W-sink": {"state": ("PAUSED", "RUNNING")}},
    ),
    "a stopped sink": (_stop("sink"), {"sink W-sink": {"state": ("STOPPED", "RUNNING")}}),
    "a stopped source": (_stop("source"), {"source W-source": {"state": ("STOPPED", "RUNNING")}}),
    "no sink": (_told("sink", "DELETE", ""), {"sink W-sink": {"connector.class", "topics"}}),
    "no source": (_told("source", "DELETE", ""), {"source W-source": {"kafka.topic"}}),
}
EDITED: dict[str, Drift] = {
    "only documentation": (
        _schema(doc="Widgets."),
        {
            "subject W-value": {"doc": (None, "Widgets.")},
            "table W": {"comment": (None, "Widgets.")},
        },
    ),
    "only aliases and an attribute": (
        _schema(aliases=["Gadget"], owner="the ward"),
        {"subject W-value": {"aliases": (None, '["test.Gadget"]'), "owner": (None, "the ward")}},
    ),
    "only the order of the fields": (
        _schema(fields=widget_schema()["fields"][::-1]),
        {"subject W-value": {"order of fields": ("id, size", "size, id")}},
    ),
    "a field more": (
        _schema(fields=[*widget_schema()["fields"][::-1], COLOUR]),
        {"subject W-value": {"field colour"}, "table W": {"column colour"}},
    ),
    "a field's documentation": (
        _schema(fields=[*widget_schema()["fields"][::-1], {**COLOUR, "doc": "Of its skin."}]),
        {"subject W-value": {"doc of field colour"}, "table W": {"comment on colour"}},
    ),
    "another level": (
        _topics(compatibility="FULL"),
        {"subject W-value": {"compatibility": ("BACKWARD", "FULL")}},
    ),
    "the level of the defaults again": (
        _topics(),
        {"subject W-value": {"compatibility": ("FULL", "BACKWARD")}},
    ),
    "settings that Kafka writes in another way": (
        _topics(config={"segment.ms": " 500000 ", "cleanup.policy": "compact, delete"}),
        {"topic W": {"cleanup.policy": (None, "compact,delete"), "segment.ms": (None, "500000")}},
    ),
    "a setting less": (
        _topics(config={"segment.ms": 500000}),
        {"topic W": {"cleanup.policy": ("compact,delete", None)}},
    ),
    "another setting for every topic": (
        _defaults(config={"max.message.bytes": 2_000_000}),
        {
            "topic W": {"max.message.bytes": (None, "2000000"), "segment.ms": ("500000", None)},
            "topic W-sink_dlq": {"max.message.bytes": (None, "2000000")},
        },
    ),
    "the settings of the broker again": (
        _defaults(),
        {
            "topic W": {"max.message.bytes": ("2000000", None)},
            "topic W-sink_dlq": {"max.message.bytes": ("2000000", None)},
        },
    ),
    "another size of batches": (
        _edit(SINK, config={"batch.size": 55}),
        {"sink W-sink": {"batch.size": ("2000", "55")}},
    ),
    "a property more": (
        _edit(SINK, config={"batch.size": 55, "consumer.override.fetch.min.bytes": 2}),
        {"sink W-sink": {"consumer.override.fetch.min.bytes": (None, "2")}},
    ),
    "a property less": (
        _edit(SINK, config={"batch.size": 55}),
        {"sink W-sink": {"consumer.override.fetch.min.bytes": ("2", None)}},
    ),
    "the template's value again": (
        _edit(SINK, config={}),
        {"sink W-sink": {"batch.size": ("55", "2000")}},
    ),
    "more records": (
        _edit(SOURCE, iterations=30),
        {"source W-source": {"iterations": ("20", "30")}},
    ),
    "another pace": (
        _edit(SOURCE, max_interval_ms=5),
        {"source W-source": {"max.interval": ("0", "5")}},
    ),
    "other values": (_generator, {"source W-source": {"schema.string"}}),
    "another sink": (
        byhand.another_sink,
        {
            "topic W-twin_dlq": CREATED_TOPIC,
            "table W_twin": {"column id", "primary key"},
            "sink W-twin": {"connector.class", "topics"},
        },
    ),
    "more partitions": (_topics(partitions=3), {"topic W": {"partitions": ("1", "3")}}),
}


@pytest.mark.parametrize("drift", [*LIVE, *EDITED])
def test_a_drift_is_shown_and_settled(space: Workspace, drift: str) -> None:
    plant, expected = {**LIVE, **EDITED}[drift]
    plant(space)
    shown = byhand.shown(space)
    if any(change.startswith("subject") for change in expected) and drift in EDITED:
        # The source's configuration has the schema, with the generator's annotations.
        shown.pop("source W-source", None)
    assert shown.keys() == expected.keys()
    for change, edits in expected.items():
        _assert_edits(shown[change], edits)
    done = space.run("deploy")
    assert done.returncode == 0, done.stderr
    assert re.search(r"(\d) of \1 changes? made\.$", done.stderr.strip()), done.stderr
    assert byhand.shown(space) == {}
    declared = json.loads((space.root / f"schemas/{space.name}.avsc").read_text())
    assert byhand.latest(space).get("doc") == declared.get("doc")


def _assert_edits(shown: dict[str, Any], expected: Edits | set[str]) -> None:
    if isinstance(expected, set):
        assert expected <= shown.keys()
    else:
        assert shown == expected
