"""What is said while a service takes its time, and how long a silent one is waited for."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from pipeline import command
from pipeline.cli import app
from pipeline.clients import database, http, kafka, waiting
from pipeline.clients.connect import Connect
from pipeline.clients.kafka import Kafka
from pipeline.errors import PipelineError, ServiceError, WrongAnswerError
from pipeline.paths import REPOSITORY
from pipeline.repository.connections import at
from pipeline.repository.target import Postgres
from tests.support.plans import target_file
from tests.support.serving import hanging_up, serving, silent


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What is said to a person who is less patient."""
    monkeypatch.setattr(waiting, "QUIET_S", 0.1)
    lines: list[str] = []
    command.listen(lines.append)
    yield lines
    command.listen(lambda _: None)


@pytest.fixture
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "READ_TIMEOUT_S", 0.5)
    monkeypatch.setattr(kafka, "METADATA_S", 0.5)
    monkeypatch.setattr(kafka, "READ_S", 0.5)
    monkeypatch.setattr(kafka, "CHANGE_S", 0.5)


def _said(act: Callable[[], Any]) -> str:
    with pytest.raises(ServiceError) as caught:
        act()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_who_is_waited_for_is_said_once_and_not_if_it_is_quick(told: list[str]) -> None:
    for _ in range(2):
        with waiting.told("Kafka"):
            time.sleep(0.3)
    with waiting.told("Flink"):
        pass
    time.sleep(0.2)
    assert told == ["waiting for Kafka"]


@pytest.mark.parametrize(
    "message",
    [
        "Cannot complete request because of a conflicting operation: rebalance",
        "Cannot complete request momentarily due to stale configuration (typically caused by a"
        " concurrent config change)",
    ],
)
def test_a_rebalance_is_waited_for_and_said(
    told: list[str], monkeypatch: pytest.MonkeyPatch, message: str
) -> None:
    monkeypatch.setattr(waiting, "QUIET_S", 60)
    answers = [(409, {"message": message}), (200, [{"class": "a.B"}])]
    with serving(lambda *_: answers.pop(0)) as url:
        assert Connect(at(url)).plugins() == ["a.B"]
    assert told == ["Kafka Connect is rebalancing: it is asked again, for up to 30 s"]


@pytest.mark.usefixtures("hurry")
def test_a_silent_broker_is_given_up(told: list[str]) -> None:
    with silent() as port:
        broker = Kafka({"bootstrap.servers": f"127.0.0.1:{port}"})
        assert "Kafka cannot be reached at 127.0.0.1" in _said(lambda: broker.topics(["t"]))
        for ask in (
            lambda: broker.topic_ids(["t"]),
            lambda: broker.committed("g"),
            lambda: broker.create("t", 1, 1, {}),
            lambda: broker.delete(["t"]),
        ):
            assert f"Kafka at 127.0.0.1:{port} said nothing for 0.5 s: is" in _said(ask)
    assert told == [f"waiting for Kafka at 127.0.0.1:{port}"]


def _connect(port: int) -> Callable[[], Any]:
    server = Postgres.model_validate({"host": "127.0.0.1", "port": port, "database": "d"})
    return lambda: database.connect(server, "postgres", "hidden")


def test_a_postgresql_that_is_none_is_told_in_one_line(
    told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # libpq waits for 2 s at least.
    monkeypatch.setattr(database, "TIMEOUT_S", 2)
    with silent() as port:
        assert _said(_connect(port)) == (
            f"PostgreSQL at 127.0.0.1:{port}: it said nothing for 2 s;"
            " `make status` shows if it is up"
        )
        assert told == [f"waiting for PostgreSQL at 127.0.0.1:{port}"]
    with hanging_up() as port:
        assert _said(_connect(port)) == (
            f"PostgreSQL at 127.0.0.1:{port}: server closed the connection unexpectedly;"
            " `make status` shows if it is up"
        )
    assert ": Connection refused; `make status`" in _said(_connect(1))
    with (
        hanging_up(b"HTTP/1.1 400 Bad Request\r\n\r\n") as port,
        pytest.raises(WrongAnswerError, match=r"right address\? See `postgres.port:` in"),
    ):
        _connect(port)()


@pytest.mark.usefixtures("hurry")
@pytest.mark.parametrize("name", ["plan", "status"])
def test_a_command_is_patient_once_when_all_services_are_silent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(http, "CHANGE_TIMEOUT_S", 60)
    monkeypatch.setattr(database, "TIMEOUT_S", 2)
    monkeypatch.setenv("POSTGRES_PASSWORD", "of a test")
    monkeypatch.chdir(REPOSITORY)
    with silent() as port:
        url = f"http://127.0.0.1:{port}"
        services = {"registry": url, "connect": url, "ksqldb": url, "kafka": f"127.0.0.1:{port}"}
        postgres = {"host": "127.0.0.1", "port": port, "database": "d"}
        file = target_file(tmp_path, **services, postgres=postgres)
        begun = time.monotonic()
        result = CliRunner().invoke(app, [name, "--target", str(file)])
    assert time.monotonic() - begun < 15
    assert isinstance(result.exception, PipelineError)
    said = str(result.exception)
    for service in ("Kafka", "Schema Registry", "PostgreSQL", "ksqlDB", "Kafka Connect"):
        assert any(line.startswith(service) for line in said.splitlines()), said


def test_status_tells_each_service_that_is_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POSTGRES_PASSWORD", "of a test")
    monkeypatch.chdir(REPOSITORY)
    monkeypatch.setattr(kafka, "METADATA_S", 0.1)
    result = CliRunner().invoke(app, ["status", "--target", str(target_file(tmp_path))])
    assert isinstance(result.exception, PipelineError)
    lines = str(result.exception).splitlines()
    assert [line.split(" at ")[0].removesuffix(" cannot be reached") for line in lines] == [
        "Schema Registry",
        "PostgreSQL",
        "ksqlDB",
        "Kafka Connect",
    ]
