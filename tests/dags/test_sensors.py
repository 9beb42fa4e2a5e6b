"""The sensors and hooks of the DAGs, against a worker that answers over HTTP."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from airflow.sdk.exceptions import AirflowFailException, AirflowSensorTimeout
from hospital.hooks import PipelineHook, database
from hospital.sensors import CleansingSensor, ConnectorsSensor, PipelineSensor, WorkerSensor

from pipeline.clients.connect import Connect
from pipeline.repository.connections import at
from spark import status
from spark.status import Status
from tests.support.plans import DESIRED
from tests.support.serving import serving

DONE = "Stopping connector: generated the configured 100 number of messages"


class Worker:
    """Answers like Connect: with the states that a test gives, or with an error."""

    def __init__(self) -> None:
        self.status = 200
        self.tasks: dict[str, dict[str, str]] = {}

    def answer(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        del method, body
        if self.status != 200:
            return self.status, {"message": "no"}
        return 200, self.connectors() if path.startswith("/connectors") else []

    def connectors(self) -> dict[str, Any]:
        return {
            name: {
                "info": {"config": {}},
                "status": {
                    "connector": {"state": task.get("connector", "RUNNING")},
                    "tasks": [{"id": 0, **task}] if "state" in task else [],
                },
            }
            for name, task in self.tasks.items()
        }


@pytest.fixture
def worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Worker]:
    started = Worker()
    with serving(started.answer) as url:
        target = {
            "pipeline": "test",
            "kafka": "127.0.0.1:1",
            "registry": "http://127.0.0.1:1",
            "connect": url,
            "postgres": {"host": "127.0.0.1", "port": 1, "database": "d"},
            "state": str(tmp_path / "state"),
        }
        file = tmp_path / "target.yaml"
        file.write_text(yaml.safe_dump(target))
        monkeypatch.setenv("AIRFLOW_CONN_HOSPITAL", f"generic:///?target={file}")
        monkeypatch.setattr(PipelineHook, "declared", lambda _: DESIRED)
        yield started


def _problem(sensor: PipelineSensor) -> str:
    return sensor.problem(PipelineHook())


def test_running_and_completed_connectors_are_as_they_should_be(worker: Worker) -> None:
    worker.tasks = {"s": {"state": "RUNNING"}, "d": {"state": "FAILED", "trace": DONE}}
    assert _problem(ConnectorsSensor(task_id="t")) == ""


def test_a_stopped_or_absent_connector_is_waited_for_and_named(worker: Worker) -> None:
    worker.tasks = {"s": {"connector": "STOPPED"}}
    sensor = ConnectorsSensor(task_id="t", mode="poke", timeout=0)
    with pytest.raises(AirflowSensorTimeout) as caught:
        sensor.execute({})
    assert str(caught.value) == (
        "waited 0 s for: every declared connector and task is RUNNING;"
        " last seen: d is ABSENT, s is STOPPED"
    )


def test_a_failed_task_is_not_waited_for(worker: Worker) -> None:
    worker.tasks = {"s": {"state": "FAILED", "trace": "java.lang.Error: boom"}, "d": {}}
    with pytest.raises(AirflowFailException, match=r"s: task 0 FAILED: .*boom"):
        ConnectorsSensor(task_id="t").poke({})


def test_a_worker_that_is_down_is_waited_for(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PipelineHook, "connect", property(lambda _: _connect_to_nobody()))
    del worker
    with pytest.raises(AirflowSensorTimeout, match="last seen: Kafka Connect cannot be reached"):
        WorkerSensor(task_id="t", mode="poke", timeout=0).execute({})


def _connect_to_nobody() -> Any:
    return Connect(at("http://127.0.0.1:1"))


def test_a_worker_that_does_not_know_us_is_not_waited_for(worker: Worker) -> None:
    worker.status = 401
    with pytest.raises(AirflowFailException, match="Kafka Connect: GET /connector-plugins: 401"):
        WorkerSensor(task_id="t").poke({})


def test_a_cleansing_that_is_silent_or_has_not_begun_is_named(
    worker: Worker, tmp_path: Path
) -> None:
    del worker
    sensor = CleansingSensor(task_id="t", max_lag=10)
    assert _problem(sensor) == "the cleansing has written no status yet"
    file = status.file_of(tmp_path / "state")
    status.write(file, Status("starting"))
    assert _problem(sensor) == "the cleansing is starting; its lag is not known"
    status.write(file, Status("running", at=time.time() - 100))
    assert _problem(sensor) == "the cleansing has been silent for 100 s"


def test_a_wrong_connection_id_is_one_clear_line(worker: Worker) -> None:
    del worker
    for use in (lambda: PipelineHook("nothing").target, lambda: database("nothing").__enter__()):
        with pytest.raises(AirflowFailException) as caught:
            use()
        assert str(caught.value).startswith("there is no connection nothing: `make airflow`")


def test_a_database_that_is_down_is_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_HOSPITAL_DB", "postgresql://u:secret@127.0.0.1:1/d")
    with pytest.raises(AirflowFailException) as caught, database():
        pass
    said = str(caught.value)
    assert said.startswith("connection hospital_db: ")
    assert "\n" not in said
    assert "secret" not in said
