"""The REST Proxy's requests against the schemas, and the client and curl.sh over HTTP.

The server answers as the REST API documents; it keeps the records as Avro, as the proxy does.
"""

import base64
import io
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fastavro
import pytest
import yaml

from pipeline import codec
from pipeline.paths import REPOSITORY
from pipeline.repository import facts, loader
from pipeline.schemas import compact, contract
from tests.support.serving import serving

REQUESTS = REPOSITORY / "scripts" / "requests"
DECLARED = loader.load(REPOSITORY)
KEYS = facts.raw_topics(DECLARED)
SCHEMAS = {topic: contract(DECLARED.schemas[topic]) for topic in KEYS}


def _encoded(topic: str, data: Any) -> bytes:
    """Avro in Confluent's wire format from Avro's JSON encoding, as the proxy makes it."""
    schema = fastavro.parse_schema(dict(SCHEMAS[topic]))
    (record,) = fastavro.json_reader(io.StringIO(json.dumps(data)), schema)
    assert isinstance(record, dict)
    return codec.encoder(SCHEMAS[topic], 7)(record)


@pytest.mark.parametrize("topic", KEYS)
def test_a_request_has_the_topics_subject_schema_and_key(topic: str) -> None:
    request = json.loads((REQUESTS / f"{topic}.json").read_text())
    value = request["value"]
    assert set(request) == {"key", "value"}
    assert request["key"] == {"type": "STRING", "data": value["data"][KEYS[topic]]}
    # Without a `type` or a schema of its own, the proxy takes the subject's latest one.
    assert set(value) == {"subject", "data"}
    assert value["subject"] == f"{topic}-value"
    schema = SCHEMAS[topic]
    record = codec.decoder(schema)(_encoded(topic, value["data"]))
    assert codec.to_json(schema, record) == value["data"]
    # The API's JSON decoder knows no defaults: each field is there.
    assert list(value["data"]) == [field["name"] for field in SCHEMAS[topic]["fields"]]


def test_there_is_a_request_for_each_raw_topic_and_a_mistake_in_one_is_found() -> None:
    assert {file.stem for file in REQUESTS.glob("*.json")} == set(KEYS)
    data = json.loads((REQUESTS / "patient_labs.json").read_text())["value"]["data"]
    with pytest.raises((ValueError, TypeError, KeyError)):
        _encoded("patient_labs", {**data, "collected_at": "yesterday"})


class Proxy:
    """A REST Proxy and a registry under one address."""

    def __init__(self) -> None:
        self.topics: dict[str, list[tuple[str, bytes]]] = {topic: [] for topic in KEYS}
        self.consumers: dict[str, dict[str, int]] = {}
        self.record_error: int | None = None
        self.garbles = False
        self.names: list[str] = []
        self.is_fed = False
        self.url = ""

    def answer(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        if method == "GET":
            return self.get(path)
        if method == "POST":
            return self.post(path, body)
        gone = self.consumers.pop(path.rsplit("/", 1)[1], None)
        return (404 if gone is None else 204), None

    def get(self, path: str) -> tuple[int, Any]:
        if path == "/v3/clusters":
            return 200, {"kind": "KafkaClusterList", "data": [{"cluster_id": "c1"}]}
        subject = re.fullmatch(r"/subjects/(\w+)-value/versions/latest", path)
        if subject:
            schema = compact(SCHEMAS[subject[1]])
            return 200, {"version": 1, "id": 7, "schema": schema, "subject": subject[1]}
        if path.startswith("/config"):
            return 200, {"compatibilityLevel": "BACKWARD"}
        consumer = self.consumers[path.split("/")[4]]
        topic = next(topic for topic in consumer if topic in self.topics)
        found = self.topics[topic][consumer[topic] :]
        return 200, [
            {
                "topic": topic,
                "key": base64.b64encode(key.encode()).decode(),
                "value": base64.b64encode(value).decode(),
                "partition": 0,
                "offset": consumer[topic] + number,
            }
            for number, (key, value) in enumerate(found)
        ]

    def post(self, path: str, body: Any) -> tuple[int, Any]:
        sent = re.fullmatch(r"/v3/clusters/c1/topics/(\w+)/records", path)
        if sent and sent[1] not in self.topics:
            return 404, {"error_code": 40403, "message": "This server does not host this topic."}
        if sent:
            return self.produced(sent[1], body)
        parts = path.split("/")
        if len(parts) == 3:
            self.consumers[body["name"]] = {}
            self.names.append(body["name"])
            return 200, {"instance_id": body["name"], "base_uri": f"{self.url}{path}"}
        if parts[-1] == "positions":
            (place,) = body["offsets"]
            self.consumers[parts[4]][place["topic"]] = place["offset"]
        return 204, None

    def produced(self, topic: str, body: Any) -> tuple[int, Any]:
        if self.record_error:
            return 200, {"error_code": self.record_error, "message": "cannot serialize"}
        value = _encoded(topic, body["value"]["data"])
        key = "other" if self.garbles else body["key"]["data"]
        self.topics[topic].append((key, value))
        offset = len(self.topics[topic]) - 1
        if self.is_fed:
            self.topics[topic] += [("later", b"later")] * 3
        return 200, {
            "error_code": 200,
            "cluster_id": "c1",
            "topic_name": topic,
            "partition_id": 0,
            "offset": offset,
            "timestamp": "2026-01-01T00:00:00Z",
        }


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    started = Proxy()
    with serving(started.answer) as started.url:
        yield started


@pytest.fixture
def place(proxy: Proxy, tmp_path: Path) -> Path:
    target = yaml.safe_load((REPOSITORY / "targets" / "compose.yaml").read_text())
    path = tmp_path / "target.yaml"
    path.write_text(yaml.safe_dump({**target, "rest": proxy.url, "registry": proxy.url}))
    return path


def _run(topic: str, target: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "scripts.rest_proxy", topic, "--target", target]
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("topic", KEYS)
def test_a_record_comes_back_as_it_was_sent(proxy: Proxy, place: Path, topic: str) -> None:
    proxy.topics[topic].append(("earlier", b""))
    done = _run(topic, str(place))
    assert done.returncode == 0, done.stderr
    assert f"delivered to {topic}, partition 0, offset 1" in done.stderr
    request = json.loads((REQUESTS / f"{topic}.json").read_text())
    assert json.loads(done.stdout) == {
        "key": request["key"]["data"],
        "value": request["value"]["data"],
    }
    assert proxy.consumers == {}


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_curl_does_the_same(proxy: Proxy) -> None:
    command = [str(REQUESTS / "curl.sh"), "patient_labs", proxy.url]
    proxy.is_fed = True
    for _ in range(2):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    (key, value), *_ = proxy.topics["patient_labs"]
    assert key == "L9000001"
    assert base64.b64encode(value).decode() in done.stdout
    assert base64.b64encode(b"later").decode() not in done.stdout
    assert len(set(proxy.names)) == 2
    assert proxy.consumers == {}
    proxy.record_error = 42206
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "cannot serialize" in done.stdout


def test_what_was_not_delivered_is_no_success(proxy: Proxy, place: Path) -> None:
    proxy.record_error = 42206
    done = _run("patient_labs", str(place))
    assert done.returncode == 1
    assert "REST Proxy: patient_labs: 42206: cannot serialize" in done.stderr
    proxy.record_error = None
    proxy.garbles = True
    done = _run("patient_labs", str(place))
    assert done.returncode == 1
    assert "another record came back: other" in done.stderr
    del proxy.topics["patient_labs"]
    done = _run("patient_labs", str(place))
    assert done.returncode == 1
    assert "404: This server does not host this topic." in done.stderr


def test_usage_is_explained(place: Path) -> None:
    done = _run("patient_lab", str(place))
    assert done.returncode == 2
    assert "unknown topic patient_lab; did you mean patient_labs?" in done.stderr
    done = _run("patient_labs", "embedded")
    assert done.returncode == 2
    assert "make produce-http TARGET=compose" in done.stderr
