"""The DAGs in the real Airflow, against the real pipeline: green, red for the reason, green."""

import json
import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from hospital import quality
from rich.console import Console

from pipeline.wait import until
from spark import status
from stack import beside
from stack.layout import Layout
from stack.supervisor import Supervisor
from tests.support import records, workspace
from tests.support.airflow import Airflow
from tests.support.delivery import feed
from tests.support.embedded import pid_of, rotate
from tests.support.serving import serving
from tests.support.trends import BEGIN, admission, lab, write_clean
from tests.support.workspace import Workspace

DAGS = ("kafka_to_postgres_dag", "spark_processing_dag", "alerts_dag")
# Of airflow/hospital/sensors.py, which needs Airflow's own environment to be imported.
SILENCE_S = 45


def _failed(states: dict[str, str]) -> set[str]:
    return {task for task, state in states.items() if state == "failed"}


@pytest.fixture(scope="module")
def airflow(stack: Layout) -> Iterator[Airflow]:
    password = beside.airflow(stack, Console(stderr=True))
    client = Airflow(str(stack.target.airflow), password)
    for dag in DAGS:
        path = f"/dags/{dag}/dagRuns"
        runs = until(
            lambda path=path: _runs(client, path),  # type: ignore[misc]
            seconds=60,
            describe=lambda _: "the scheduler makes no run",
        )
        # There is no pipeline yet that they could find well.
        for run in runs:
            client.ask("PATCH", f"{path}/{run['dag_run_id']}", {"state": "failed"})
    yield client
    _stop(stack, [f"airflow-{name}" for name in ("triggerer", "dags", "scheduler", "api")])


def _stop(stack: Layout, daemons: list[str]) -> None:
    """Stops daemons, and does not wait until they end of themselves."""
    pids = [pid_of(stack, name) for name in daemons]
    with ThreadPoolExecutor(len(daemons)) as pool:
        for name in daemons:
            pool.submit(Supervisor(stack.socket).stop, name)
        until(
            lambda: {Supervisor(stack.socket).processes()[name].state for name in daemons},
            seconds=20,
            done=lambda states: states <= {"STOPPING", "STOPPED"},
            describe=str,
        )
        for pid in pids:
            with suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)


def _runs(client: Airflow, path: str) -> Any:
    try:
        return client.ask("GET", path)["dag_runs"] or None
    except requests.HTTPError:
        # The DAG has not been parsed yet.
        return None


@pytest.fixture(scope="module")
def running(
    tmp_path_factory: pytest.TempPathFactory, target_file: Path, airflow: Airflow
) -> Iterator[Workspace]:
    """The whole pipeline as the repository declares it, but with fewer records."""
    del airflow
    space = workspace.full(tmp_path_factory.mktemp("running"), target_file, trends=True)
    feed(space)
    yield space
    workspace.wipe(space)


def _alerts(space: Workspace, kind: str) -> dict[str, bool]:
    """Whether each alert of a kind lasts, by key."""
    query = f"SELECT key, closed_at IS NULL FROM alerts WHERE key LIKE '{kind}%' ORDER BY alert_id"
    return dict(space.rows(query))


def test_all_three_dags_succeed(running: Workspace, airflow: Airflow, stack: Layout) -> None:
    # It counts at its checkpoints, a minute apart.
    until(
        lambda: status.read(status.file_of(stack.state)),
        seconds=90,
        done=lambda written: written.clean > 0 and written.rejected > 0,
        describe=lambda written: f"the cleansing has counted nothing: {written}",
    )
    runs = {dag: airflow.start(dag) for dag in DAGS}
    for dag, run in runs.items():
        states = airflow.finish(dag, run)
        skipped = {task for task, state in states.items() if state == "skipped"}
        assert skipped == ({"cleanse_once"} if dag == "spark_processing_dag" else set()), states
        assert set(states.values()) <= {"success", "skipped"}, states
    (counts,) = running.rows("SELECT clean > 0, rejected > 0 FROM cleansing_runs")
    assert counts == (True, True)
    assert _alerts(running, "") == {}
    assets = {asset["uri"] for asset in airflow.ask("GET", "/assets")["assets"]}
    # One per table with checks, and that of the clean topics.
    assert len(assets) == len(quality.CONDITIONS) + 1


def test_a_stopped_connector_turns_its_sensor_red_and_recovers(
    running: Workspace, airflow: Airflow
) -> None:
    url = f"{running.target.connect}/connectors/labs-sink"
    requests.put(f"{url}/stop", timeout=10).raise_for_status()
    states = airflow.run("kafka_to_postgres_dag")
    assert _failed(states) == {"connectors_running"}, states
    key = "task:kafka_to_postgres_dag.connectors_running:failed"
    assert _alerts(running, key) == {key: True}
    ((message,),) = running.rows(f"SELECT message FROM alerts WHERE key = '{key}'")
    assert "labs-sink is STOPPED" in message
    requests.put(f"{url}/resume", timeout=10).raise_for_status()
    states = airflow.run("kafka_to_postgres_dag")
    assert set(states.values()) == {"success"}, states
    assert _alerts(running, key) == {key: False}


def test_a_failed_task_is_restarted_once_and_red_only_if_it_fails_again(
    running: Workspace, airflow: Airflow
) -> None:
    with running.database() as connection:
        connection.execute("ALTER TABLE lab_results RENAME COLUMN test_value TO away")
    results = [lab(9_000_000 + number, BEGIN) for number in range(100)]
    write_clean(running, "patient_labs_clean", results)
    until(
        lambda: running.run("status").stdout,
        seconds=60,
        done=lambda shown: "FAILED" in shown,
        describe=str,
        every=1,
    )
    states = airflow.run("kafka_to_postgres_dag")
    assert _failed(states) == {"restart_failed_tasks"}, states
    ((message,),) = running.rows(
        "SELECT message FROM alerts WHERE key LIKE '%restart_failed_tasks:failed'"
    )
    assert "failed again after a restart: labs-sink: task" in message
    with running.database() as connection:
        connection.execute("ALTER TABLE lab_results RENAME COLUMN away TO test_value")
    states = airflow.run("kafka_to_postgres_dag")
    assert set(states.values()) == {"success"}, states
    assert not any(_alerts(running, "task:kafka_to_postgres_dag").values())


def test_a_stalled_cleansing_turns_its_sensor_red_and_recovers(
    running: Workspace, airflow: Airflow, stack: Layout
) -> None:
    group = pid_of(stack, "cleanse")
    os.killpg(group, signal.SIGSTOP)
    file = status.file_of(stack.state)
    try:
        last = status.read(file)
        assert last
        # As if it had been stopped a while ago.
        status.write(file, replace(last, at=last.at - SILENCE_S))
        states = airflow.run("spark_processing_dag")
    finally:
        os.killpg(group, signal.SIGCONT)
    assert _failed(states) == {"cleansing_progresses"}, states
    key = "task:spark_processing_dag.cleansing_progresses:failed"
    assert _alerts(running, key) == {key: True}
    assert not _failed(airflow.run("spark_processing_dag"))
    assert _alerts(running, key) == {key: False}


def test_where_no_job_runs_continuously_the_dag_runs_it_once(
    running: Workspace, airflow: Airflow, stack: Layout
) -> None:
    ((known,),) = running.rows("SELECT count(*) FROM cleansing_runs")
    supervisor = Supervisor(stack.socket)
    supervisor.stop("cleanse")
    try:
        states = airflow.run("spark_processing_dag")
    finally:
        supervisor.start("cleanse")
    assert states.pop("cleansing_progresses") == "skipped"
    assert set(states.values()) == {"success"}, states
    # It has gone on where the job had written its last checkpoint: less than a minute before.
    assert running.rows("SELECT count(*) FROM cleansing_runs") == [(known + 1,)]


class Webhook:
    """Takes notices, or refuses them."""

    def __init__(self) -> None:
        self.notices: list[dict[str, Any]] = []

    def answer(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        del method, path
        self.notices.append(body)
        return 200, None


@pytest.fixture
def webhook(airflow: Airflow) -> Iterator[Webhook]:
    hook = Webhook()
    with serving(hook.answer) as url:
        connection = {
            "connection_id": "alerts_webhook",
            "conn_type": "http",
            "host": "127.0.0.1",
            "port": int(url.rsplit(":", 1)[1]),
        }
        airflow.ask("POST", "/connections", connection)
        yield hook
        airflow.ask("DELETE", "/connections/alerts_webhook")


def test_abnormal_data_is_told_once_and_once_more_when_it_is_over(
    running: Workspace, airflow: Airflow, webhook: Webhook
) -> None:
    airflow.run("alerts_dag")
    webhook.notices.clear()
    # A hundred admissions in one hour, through Kafka, where two or so are usual.
    ((newest,),) = running.rows("SELECT max(window_start) FROM admissions_hourly")
    hour = newest + timedelta(hours=1)
    crowd = [admission(9_000_000 + n * 3, 1, hour + timedelta(seconds=n)) for n in range(100)]
    after = [admission(9_900_000, 1, hour + timedelta(hours=1))]
    write_clean(running, "patient_admissions_clean", [*crowd, *after])
    crowd_size = f"SELECT sum(admissions) FROM admissions_hourly WHERE window_start = '{hour}'"
    until(
        lambda: running.rows(crowd_size)[0][0],
        seconds=60,
        done=lambda counted: counted >= 100,
        describe=lambda counted: f"{counted} of the crowd have been counted",
    )
    for _ in range(2):
        assert _failed(airflow.run("alerts_dag")) == {"admissions"}
    assert [notice["status"] for notice in webhook.notices] == ["open"]
    assert webhook.notices[0]["key"] == "admissions:Cardiology"
    # An hour later all is as usual.
    write_clean(
        running,
        "patient_admissions_clean",
        [admission(9_900_003, 1, hour + timedelta(hours=2))],
    )
    time_passed = "SELECT max(window_start) FROM admissions_hourly"
    until(
        lambda: running.rows(time_passed)[0][0],
        seconds=60,
        done=lambda newest: newest == hour + timedelta(hours=2),
        describe=lambda newest: f"the newest hour is {newest}",
    )
    assert set(airflow.run("alerts_dag").values()) == {"success"}
    assert [notice["status"] for notice in webhook.notices] == ["open", "recovered"]
    assert _alerts(running, "admissions:") == {"admissions:Cardiology": False}
    # A record in a clean topic that is no Avro: passed over, and told.
    webhook.notices.clear()
    records.write_raw(running.target, "patient_admissions_clean", [(b"A1", b"no Avro")])

    until(
        lambda: json.loads(running.run("status", "--json").stdout)["skipped"],
        seconds=60,
        done=lambda skipped: skipped.get("patient_admissions_clean") == 1,
        describe=lambda skipped: f"passed over are {skipped}",
    )
    assert _failed(airflow.run("alerts_dag")) == {"unread"}
    assert [notice["key"] for notice in webhook.notices] == ["unread:patient_admissions_clean"]


def test_without_a_log_in_airflow_says_nothing(airflow: Airflow) -> None:
    assert requests.get(f"{airflow.url}/api/v2/dags", timeout=10).status_code == 401


def test_passwords_are_kept_from_others(stack: Layout, airflow: Airflow) -> None:
    del airflow
    assert Path(stack.state / "airflow" / "passwords.json").stat().st_mode & 0o077 == 0


def test_a_new_password_of_airflow_is_asked_for_at_once(stack: Layout, airflow: Airflow) -> None:
    before = rotate(stack, "AIRFLOW_ADMIN_PASSWORD")["AIRFLOW_ADMIN_PASSWORD"]
    Airflow(airflow.url, beside.airflow(stack, Console(stderr=True)))
    with pytest.raises(requests.HTTPError, match="401"):
        Airflow(airflow.url, before)
