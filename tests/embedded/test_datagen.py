"""The Datagen plugin of the embedded worker."""

import json
from typing import Any

import pytest
import requests

from pipeline.wait import until
from tests.support import records
from tests.support.workspace import Workspace, widget_schema

CLASS = "DatagenConnector"
ITERATIONS = 50


def _validate(space: Workspace, **config: str) -> dict[str, list[str]]:
    body = {"name": "check", "connector.class": CLASS, "kafka.topic": "t"}
    body |= {key.replace("_", "."): value for key, value in config.items()}
    url = f"{space.target.connect}/connector-plugins/{CLASS}/config/validate"
    answer = requests.put(url, json=body, timeout=20).json()
    values = [item["value"] for item in answer["configs"]]
    return {value["name"]: value["errors"] for value in values if value["errors"]}


GOOD = json.dumps(widget_schema())


def _options(*options: Any) -> str:
    field = {"name": "a", "type": {"type": "int", "arg.properties": {"options": list(options)}}}
    return json.dumps({"type": "record", "name": "R", "fields": [field]})


@pytest.mark.parametrize(
    ("config", "key", "message"),
    [
        ({}, "schema.string", "set exactly one of"),
        ({"schema_string": GOOD, "schema_filename": "/x"}, "schema.filename", "exactly one of"),
        ({"schema_string": "{"}, "schema.string", "not an Avro schema"),
        ({"schema_string": '"string"'}, "schema.string", "must be a record, is a string"),
        ({"schema_filename": "/no/such.avsc"}, "schema.filename", "no Avro schema can be read"),
        ({"schema_string": GOOD, "schema_keyfield": "idd"}, "schema.keyfield", "no field idd"),
        ({"schema_string": GOOD, "max_interval": "-1"}, "max.interval", "at least 0"),
        ({"schema_string": _options("a")}, "schema.string", "the generator refuses it"),
        ({"schema_string": _options(1, 2, 3, 4, 5, "a")}, "schema.string", "refuses it"),
    ],
)
def test_a_mistake_is_an_error_on_its_key(
    widgets: Workspace, config: dict[str, str], key: str, message: str
) -> None:
    errors = _validate(widgets, **config)
    assert key in errors, errors
    assert message in errors[key][0]


def test_a_good_configuration_has_no_error(widgets: Workspace) -> None:
    assert _validate(widgets, schema_string=GOOD, schema_keyfield="id") == {}


def test_the_same_seed_gives_the_same_records_and_another_seed_others(widgets: Workspace) -> None:
    name = next((widgets.root / "schemas").glob("*.avsc")).stem
    spec = "connectors/sources/widgets.yaml"
    source = {"template": "datagen", "topic": name, "key": "id", "iterations": ITERATIONS}
    widgets.write(spec, {**source, "name": f"{name}-a-source", "seed": 7})
    widgets.write(spec.replace("widgets", "b"), {**source, "name": f"{name}-b-source", "seed": 7})
    widgets.write(spec.replace("widgets", "c"), {**source, "name": f"{name}-c-source", "seed": 8})
    widgets.ok("deploy")
    _until_completed(widgets, 3)
    values: dict[int, list[int]] = {}
    for record in records.read(widgets.target, name):
        values.setdefault(record.iteration, []).append(record.value["size"])
    assert sorted(values) == list(range(ITERATIONS))
    assert all(len(sizes) == 3 for sizes in values.values())
    same = [sizes for sizes in values.values() if len(set(sizes)) < 3]
    # Of each three, two are from one seed; the third is equal by chance in 1 of 100.
    assert len(same) == ITERATIONS
    assert any(len(set(sizes)) == 2 for sizes in values.values())


def test_a_completed_source_shows_as_completed_and_goes_on_when_asked_for_more(
    widgets: Workspace,
) -> None:
    name = next((widgets.root / "schemas").glob("*.avsc")).stem
    widgets.ok("deploy")
    _until_completed(widgets, 1)
    assert widgets.plan()["changes"] == []
    widgets.edit("connectors/sources/widgets.yaml", iterations=150)
    widgets.ok("deploy")
    _until_completed(widgets, 1)
    found = records.read(widgets.target, name)
    assert [record.key for record in found] == [f"W{i}" for i in range(150)]
    assert [record.iteration for record in found] == list(range(150))
    assert {record.generation for record in found} == {0, 1}


def _until_completed(space: Workspace, count: int) -> None:
    until(
        lambda: space.run("status").stdout,
        seconds=30,
        done=lambda shown: shown.count(" COMPLETED ") >= 2 * count,
        describe=str,
    )
