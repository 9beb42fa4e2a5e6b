"""The DAGs as Airflow's DAG processor loads them, without a database."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hospital import quality

from pipeline.paths import REPOSITORY

# In a process of its own: Airflow takes its settings from the environment when it is imported.
LOAD = """
import json, socket, sys
def refuse(*a, **k): raise OSError("a DAG connects to something while it is imported")
socket.socket.connect = refuse
from airflow.dag_processing.dagbag import DagBag
bag = DagBag(sys.argv[1])
print("\\n" + json.dumps({
    "errors": bag.import_errors,
    "dags": {
        id: {
            t.task_id: {"after": sorted(t.upstream_task_ids), "mode": getattr(t, "mode", None),
                        "type": t.task_type, "outlets": [o.uri for o in t.outlets]}
            for t in dag.tasks
        }
        for id, dag in bag.dags.items()
    },
}))
"""


def _load(folder: Path, home: Path) -> Any:
    settings = {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "PYTHONPATH": f"{REPOSITORY}:{REPOSITORY / 'airflow'}",
        "PATH": os.environ["PATH"],
    }
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", LOAD, str(folder)],
        env=settings,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return _load(REPOSITORY / "airflow" / "dags", tmp_path_factory.mktemp("airflow"))


def test_all_dags_load_without_errors_and_without_a_connection(loaded: Any) -> None:
    assert loaded["errors"] == {}
    assert set(loaded["dags"]) == {"kafka_to_postgres_dag", "spark_processing_dag", "alerts_dag"}


def test_an_import_error_is_one(tmp_path: Path) -> None:
    (tmp_path / "broken_dag.py").write_text("from airflow.sdk import dag\nimport nothing_like_it\n")
    assert "nothing_like_it" in str(_load(tmp_path, tmp_path)["errors"])


def test_sensors_hold_no_worker_slot_while_they_wait(loaded: Any) -> None:
    modes = {
        task_id: task["mode"]
        for tasks in loaded["dags"].values()
        for task_id, task in tasks.items()
        if task["type"].endswith("Sensor")
    }
    assert set(modes.values()) == {"reschedule"}


def test_an_asset_is_updated_only_after_its_checks(loaded: Any) -> None:
    tasks = loaded["dags"]["kafka_to_postgres_dag"]
    for table in quality.CONDITIONS:
        gate = tasks[f"{table}_updated"]
        assert gate["after"] == [f"check_{table}"]
        assert len(gate["outlets"]) == 1
        assert tasks[f"check_{table}"]["outlets"] == []
