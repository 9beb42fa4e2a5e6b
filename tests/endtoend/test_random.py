"""A hundred legal specs, drawn at random: after a deployment, no plan finds a difference."""

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.support import byhand, workspace
from tests.support.workspace import Workspace

# Each has a schema, a topic and a subject; some a source, or a sink and its table.
ENTITIES = 40
SOURCES, SINKS = 10, 10
SEED = 14
TYPES: list[tuple[Any, Any]] = [
    ("string", "x"), ("int", 1), ("long", 2), ("double", 0.5), ("float", 1.5), ("boolean", True),
    ({"type": "int", "logicalType": "date"}, 3),
    ({"type": "long", "logicalType": "timestamp-millis"}, 4),
    ({"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}, "\x00"),
    ({"type": "array", "items": "string"}, []),
    ({"type": "map", "values": "long"}, {}),
    ({"type": "enum", "name": "Ward", "symbols": ["A", "B"]}, "A"),
]  # fmt: skip
FLAT = 9
SETTINGS: dict[str, list[object]] = {
    "retention.ms": [600_000, "86400000", -1],
    "cleanup.policy": ["delete", "compact", "compact, delete", "delete,compact"],
    "segment.ms": [900_000, " 900000 "],
    "compression.type": ["lz4", "producer", "zstd"],
    "max.message.bytes": [2_000_000],
    "preallocate": [True, "false"],
    "min.cleanable.dirty.ratio": [0.25, "0.5"],
}
SINKS_SETTINGS: dict[str, list[object]] = {
    "batch.size": [100, "200"],
    "errors.log.enable": [False, "true"],
    "consumer.override.fetch.min.bytes": [1, 10],
    "errors.deadletterqueue.context.headers.enable": [True, False],
}


def _some(chance: random.Random, settings: dict[str, list[object]]) -> dict[str, object]:
    keys = chance.sample(sorted(settings), chance.randrange(3))
    return {key: chance.choice(settings[key]) for key in keys}


def _field(chance: random.Random, number: int, types: list[tuple[Any, Any]]) -> dict[str, Any]:
    type_, default = chance.choice(types)
    field: dict[str, Any] = {"name": f"field_{number}", "type": type_}
    style = chance.randrange(4)
    if style == 0:
        field |= {"type": ["null", type_], "default": None}
    elif style == 1:
        field["default"] = default
    if chance.random() < 0.4:
        field["doc"] = chance.choice(["In mg/dL.", "It's “quoted” — 👩‍⚕️", 'A "b" \\ c'])
    if chance.random() < 0.2:
        field["aliases"] = [f"old_{number}"]
    items = list(field.items())
    chance.shuffle(items)
    return dict(items)


def _schema(chance: random.Random, name: str, types: list[tuple[Any, Any]]) -> dict[str, Any]:
    # A named type can be defined once in a schema.
    enum = [pair for pair in types if isinstance(pair[0], dict) and pair[0]["type"] == "enum"]
    fields = [{"name": "id", "type": "string"}]
    for number in range(chance.randrange(1, 8)):
        once = types if number == 0 else [pair for pair in types if pair not in enum]
        fields.append(_field(chance, number, once))
    schema: dict[str, Any] = {"type": "record", "name": name.title().replace("_", "")}
    if chance.random() < 0.7:
        schema["namespace"] = "test.random"
    if chance.random() < 0.5:
        schema["doc"] = "Made at random."
    return {**schema, "fields": fields}


@pytest.fixture
def space(tmp_path: Path, target_file: Path) -> Iterator[Workspace]:
    """A repository of random specs, not deployed yet."""
    name = f"random{uuid4().hex[:4]}"
    made = workspace.small(tmp_path, target_file, name)
    chance = random.Random(SEED)  # noqa: S311 - any specs, the same every time
    topics: dict[str, dict[str, Any]] = {name: {}}
    for number in range(ENTITIES):
        topic = f"{name}_{number}"
        topics[topic] = {"written_by": "the test", "read_by": "the test"}
        topics[topic]["config"] = _some(chance, SETTINGS)
        if chance.random() < 0.5:
            topics[topic]["partitions"] = chance.randrange(1, 4)
        if chance.random() < 0.5:
            level = chance.choice(["NONE", "FULL", "FORWARD", "BACKWARD_TRANSITIVE"])
            topics[topic]["compatibility"] = level
        is_read = number < SINKS
        # Datagen's converter takes no enum, and a table no nested type.
        kinds = TYPES[:FLAT] if number < SINKS + SOURCES else TYPES
        schema = _schema(chance, topic, kinds)
        made.write(f"schemas/{topic}.avsc", json.dumps(schema, ensure_ascii=False, indent=1))
        if is_read:
            sink = {"name": f"{topic}-sink".replace("_", "-"), "template": "jdbc-sink"}
            of_table = {"topics": [topic], "table": topic, "key": ["id"]}
            config = {"config": {**_some(chance, SINKS_SETTINGS), "tasks.max": 1}}
            made.write(f"connectors/sinks/{topic}.yaml", {**sink, **of_table, **config})
        elif number < SINKS + SOURCES:
            source = {"name": f"{topic}-source".replace("_", "-"), "template": "datagen"}
            drawn = {"iterations": chance.randrange(1, 9), "seed": chance.randrange(1000)}
            made.write(
                f"connectors/sources/{topic}.yaml", {**source, "topic": topic, "key": "id", **drawn}
            )
    made.write("topics.yaml", {"defaults": byhand.DEFAULTS, "topics": topics})
    yield made
    workspace.destroy(made)


def test_no_difference_is_left_after_a_deployment(space: Workspace) -> None:
    declared = len(space.plan()["changes"])
    # Topics and their queues, subjects, tables, connectors.
    assert declared >= 100
    space.ok("deploy")
    assert space.plan()["changes"] == []
