"""Servers that are away, silent, or another program than the one that is meant."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from pipeline import deploy
from pipeline.cli import app
from pipeline.clients import http
from pipeline.clients.connect import Connect
from pipeline.clients.flink import Flink
from pipeline.clients.ksqldb import KsqlDb
from pipeline.clients.registry import Registry
from pipeline.engines.ksqldb import KsqlDbEngine
from pipeline.errors import PipelineError, ServiceError, UnreachableError, WrongAnswerError
from pipeline.live import LiveSubject
from pipeline.paths import REPOSITORY
from pipeline.plan import Live, compare
from pipeline.repository.connections import Http, at
from pipeline.resources.desired import Desired
from pipeline.services import Services
from tests.support.plans import DESIRED, LIVE, target_file
from tests.support.serving import Page, hanging_up, serving, silent

HTML = (
    "<!DOCTYPE html><html><head><style>p { color: red }</style><title>Welcome</title></head>"
    f"<body><p>Welcome to\nnginx!</p>{'<p>more</p>' * 100}</body></html>"
)
# What `plan` asks each service first.
CLIENTS: dict[str, Callable[[str], Any]] = {
    "registry": lambda url: Registry(at(url)).subjects(),
    "connect": lambda url: Connect(at(url)).connectors(),
    "flink.cluster": lambda url: Flink(at(url), at(url)).jobs(),
    "flink.gateway": lambda url: Flink(at(url), at(url)).session().__enter__(),
    "ksqldb": lambda url: KsqlDbEngine(KsqlDb(at(url)), ()).running(),
}
ANSWERS = {
    "HTML": (200, Page(HTML), "gave 200 and HTML (Welcome Welcome to nginx! more more"),
    "no HTML page": (404, Page(HTML), "gave 404 and HTML (Welcome Welcome to nginx! more more"),
    "an object": (200, {}, "gave 200 and JSON of another kind ({})"),
    "another object": (200, {"a": [{}]}, 'gave 200 and JSON of another kind ({"a":[{}]})'),
    "a list": (200, [{"a": 1}], 'gave 200 and JSON of another kind ([{"a":1}])'),
    "a number": (200, 1, "gave 200 and text (1)"),
    "an error without a message": (400, {"oops": 1}, "gave 400 and JSON of another kind"),
    "nothing": (200, None, "gave 200 and nothing else"),
    "a circle": (302, Page("", {"Location": "/"}), "failed: Exceeded 30 redirects."),
    "escapes": (200, Page("\x1b[31mred"), "gave 200 and text ([31mred)"),
    "a deep list": (200, Page("[" * 100_000), "gave 200 and JSON of another kind ([[["),
}


@pytest.mark.parametrize("setting", CLIENTS)
@pytest.mark.parametrize("answer", ANSWERS)
def test_another_server_is_told_from_the_service(setting: str, answer: str) -> None:
    status, body, said = ANSWERS[answer]
    with serving(lambda *_: (status, body)) as url, pytest.raises(WrongAnswerError) as caught:
        CLIENTS[setting](url)
    message = str(caught.value)
    assert f" at {url}: " in message
    assert said in message
    assert f": is this the right address? See `{setting}:` in the target's file" in message
    assert "\n" not in message
    assert len(message) < 350


def test_a_command_says_where_a_wrong_address_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(services: Services, _: Desired) -> Live:
        return {"subject": services.registry.subjects()}  # type: ignore[dict-item]

    monkeypatch.setattr(deploy, "read", read)
    monkeypatch.setenv("POSTGRES_PASSWORD", "of a test")
    monkeypatch.chdir(REPOSITORY)
    with serving(lambda *_: (200, Page(HTML))) as url:
        file = target_file(tmp_path, registry=url)
        result = CliRunner().invoke(app, ["plan", "--target", str(file)])
    assert isinstance(result.exception, PipelineError)
    said = str(result.exception)
    assert said.startswith(f"Schema Registry at {url}: GET /subjects gave 200 and HTML (Welcome")
    assert said.endswith(f"is this the right address? See `registry:` in {file}:3")


@pytest.mark.parametrize("greeting", [b"", b"SSH-2.0-OpenSSH_9.2\r\n"])
def test_a_server_of_another_protocol_is_told_from_the_service(greeting: bytes) -> None:
    with hanging_up(greeting) as port, pytest.raises(WrongAnswerError, match="no answer in HTTP"):
        Registry(at(f"http://127.0.0.1:{port}")).subjects()
    with (
        serving(lambda *_: (200, [])) as url,
        pytest.raises(WrongAnswerError, match="it speaks no TLS at this port: write http://"),
    ):
        Registry(at(url.replace("http:", "https:"))).subjects()


@pytest.mark.parametrize(
    "host", ["127.0.0.1:abc", "a b", "127.0.0.1:99999", f"{'x' * 70}.org", "["]
)
def test_an_address_that_is_none_is_an_error_of_one_line(host: str) -> None:
    with pytest.raises(ServiceError) as caught:
        Registry(Http.model_construct(url=f"http://{host}/")).subjects()
    assert "\n" not in str(caught.value)


def test_a_service_that_fails_is_not_taken_for_another() -> None:
    def said(status: int, body: Any) -> str:
        with serving(lambda *_: (status, body)) as url, pytest.raises(ServiceError) as caught:
            Registry(at(url)).subjects()
        assert not isinstance(caught.value, WrongAnswerError)
        return str(caught.value)

    begin = "Schema Registry: GET /subjects"
    assert said(503, Page("<p>Not\nyet</p>")) == f"{begin} gave 503 and HTML (Not yet)"
    assert said(500, {"message": "full"}) == f"{begin}: 500: full"
    assert said(400, {"errors": ["a", "b"]}) == f"{begin}: 400: a b"
    asked = "is the log-in of `registry:` right, in the target's file?"
    assert said(401, Page(HTML)) == f"{begin}: 401: Unauthorized: {asked}"


def test_a_worker_that_is_starting_is_not_taken_for_another_server() -> None:
    page = Page(
        "<html><head><title>Error 404 Not Found</title></head><body><h2>HTTP ERROR 404</h2>"
        '<hr/><a href="https://jetty.org/">Powered by Jetty:// 12.0.25</a><hr/></body></html>'
    )
    with serving(lambda *_: (404, page)) as url, pytest.raises(ServiceError) as caught:
        Connect(at(url)).connectors()
    assert not isinstance(caught.value, WrongAnswerError)
    begin = f"Kafka Connect at {url} is starting: try again in a moment."
    assert str(caught.value).startswith(begin)


def test_a_worker_without_connectors_is_one() -> None:
    def answer(_: str, path: str, __: Any) -> tuple[int, Any]:
        return 200, {"version": "4.2.0", "kafka_cluster_id": "c"} if path == "/" else {}

    with serving(answer) as url:
        assert Connect(at(url)).connectors() == {}


@pytest.mark.parametrize(
    ("info", "is_sink"),
    [
        ({"type": "source", "config": {"topics": "t"}}, False),
        ({"type": "sink", "config": {}}, True),
        ({"type": "unknown", "config": {"topics": "t"}}, True),
    ],
)
def test_the_worker_says_what_is_a_sink(info: dict[str, Any], *, is_sink: bool) -> None:
    status = {"connector": {"state": "RUNNING"}, "tasks": []}
    with serving(lambda *_: (200, {"c": {"info": info, "status": status}})) as url:
        assert Connect(at(url)).connectors()["c"].is_sink is is_sink


@contextmanager
def _paths(status: int, body: Any) -> Iterator[tuple[str, list[str]]]:
    seen: list[str] = []

    def answer(method: str, path: str, _: Any) -> tuple[int, Any]:
        seen.append(f"{method} {path}")
        return status, body

    with serving(answer) as url:
        yield url, seen


def test_a_name_is_quoted_in_every_path() -> None:
    with _paths(200, None) as (url, seen):
        connect, registry = Connect(at(url)), Registry(at(url))
        for name in ("stray?z=1", "a/b #c"):
            connect.put(name, {})
            connect.stop(name)
            connect.resume(name)
            connect.restart_failed(name)
            connect.forget_offsets(name)
            connect.delete(name)
            registry.set_compatibility(name, "NONE")
            registry.delete(name)
    with _paths(404, {"message": "none"}) as (url, more):
        for ask in (Registry(at(url)).latest, Registry(at(url)).versions):
            with pytest.raises(ServiceError, match="404: none"):
                ask("stray?z=1")
    assert len(seen) == 18
    assert {path.split("/")[2].split("?")[0] for path in [*seen, *more]} == {
        "stray%3Fz%3D1",
        "a%2Fb%20%23c",
    }


def test_a_silent_service_is_named_and_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "READ_TIMEOUT_S", 0.5)
    with silent() as port:
        connect = Connect(at(f"http://127.0.0.1:{port}"))
        begun = time.monotonic()
        for _ in range(5):
            with pytest.raises(ServiceError) as caught:
                connect.connectors()
        assert time.monotonic() - begun < 1
    assert not isinstance(caught.value, UnreachableError)
    assert str(caught.value).startswith(
        f"Kafka Connect at http://127.0.0.1:{port} accepts connections, but said nothing for 0.5 s"
        " (GET /connectors?expand=info&expand=status)"
    )


def _subject(**version: Any) -> Any:
    def answer(_: str, path: str, __: Any) -> tuple[int, Any]:
        if path.startswith("/config"):
            return 200, {"compatibilityLevel": "NONE"}
        return 200, {"subject": "s", "version": 2, "id": 7, **version}

    with serving(answer) as url:
        return Registry(at(url)).latest("s")


@pytest.mark.parametrize(
    ("version", "what"),
    [
        ({"schema": '"string"'}, 'Avro\'s "string"'),
        ({"schema": '{"type": "enum", "name": "E"}'}, 'Avro\'s {"type": "enum", "name": "E"}'),
        ({"schema": "not JSON", "schemaType": "AVRO"}, "Avro's not JSON"),
        ({"schema": 'syntax = "proto3";', "schemaType": "PROTOBUF"}, "Protobuf"),
        ({"schema": "{}", "schemaType": "JSON"}, "JSON Schema"),
        ({"schema": '{"type": "record", "name": "R", "fields": []}', "schemaType": None}, ""),
    ],
)
def test_a_version_that_is_no_avro_record_is_named(version: dict[str, Any], what: str) -> None:
    assert _subject(**version).foreign == what


def test_what_somebody_else_registered_is_said_and_not_replaced() -> None:
    live = LiveSubject("t-value", 3, 7, {}, "NONE", foreign="Protobuf")
    plan = compare(DESIRED, {**LIVE, "subject": {"t-value": live}})
    assert plan.changes == ()
    assert tuple(problem.message for problem in plan.problems) == (
        "t.avsc: t-value is registered, but its latest version (3) is Protobuf, no Avro record:"
        " delete the subject if nobody needs it, or give your topic another name",
    )
