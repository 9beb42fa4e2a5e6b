"""The cleansing: run once, or, where it runs continuously, watched."""

import json
import subprocess
import sys
from datetime import datetime, timedelta
from typing import Any

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import Asset, dag, get_current_context, task
from airflow.sdk.exceptions import AirflowFailException
from hospital.alerts import ALERTED
from hospital.hooks import ROOT, PipelineHook, database
from hospital.sensors import CleansingSensor, RawSensor

from pipeline.clients import locks
from spark import status

MAX_REJECT_SHARE = 0.1
COUNTS = ("clean", "rejected")
NOTE = """
INSERT INTO cleansing_runs (run_id, clean, rejected) VALUES (%s, %s, %s)
ON CONFLICT (run_id) DO NOTHING
"""


@task.branch
def once_or_continuous() -> str:
    """Whether a job holds the checkpoint already: two would be refused."""
    target = PipelineHook().target
    with database() as connection:
        runs = locks.held(connection, status.lock_of(target))
    return "cleansing_progresses" if runs else "cleanse_once"


@task
def cleanse_once() -> dict[str, Any]:
    """Runs the cleansing until it has caught up, and returns its counts.

    Raises:
        AirflowFailException: the job failed; the message is the last line of its output.
    """
    command = [sys.executable, "-m", "spark.job", "--once", "--target", PipelineHook().target_file]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise AirflowFailException(done.stderr.strip().splitlines()[-1])
    counts: dict[str, Any] = json.loads(done.stdout)
    return counts


@task(trigger_rule="none_failed_min_one_success")
def record_counts(once: dict[str, Any] | None) -> dict[str, int]:
    """Writes the counts to the table cleansing_runs."""
    if once is None:
        written = status.read(status.file_of(PipelineHook().state))
        assert written is not None  # noqa: S101 - the sensor has read it
        counts = {name: getattr(written, name) for name in COUNTS}
    else:
        counts = {name: once[name] for name in COUNTS}
    run_id = get_current_context()["run_id"]
    with database() as connection:
        connection.execute(NOTE, (run_id, *counts.values()))
    return counts


@task
def check_reject_share(counts: dict[str, int]) -> float:
    """The share of rejects.

    Raises:
        AirflowFailException: it is above MAX_REJECT_SHARE.
    """
    total = counts["clean"] + counts["rejected"]
    share = counts["rejected"] / total if total else 0.0
    if share > MAX_REJECT_SHARE:
        raise AirflowFailException(f"{share:.1%} rejected, {MAX_REJECT_SHARE:.0%} is the limit")
    return share


@dag(
    schedule=timedelta(minutes=10),
    start_date=datetime(2025, 1, 1),  # noqa: DTZ001 - Airflow takes it as UTC
    catchup=False,
    max_active_runs=1,
    default_args=ALERTED,
    tags=["hospital"],
    doc_md=__doc__,
)
def spark_processing_dag() -> None:
    """Raw records, the cleansing, its counts, its rejects; an Asset for the clean topics."""
    raw = RawSensor(task_id="raw_records")
    branch = once_or_continuous()
    once = cleanse_once()
    watched = CleansingSensor(task_id="cleansing_progresses", max_lag=50_000, timeout=30)
    # Airflow passes on what a task returns; mypy does not know.
    counts = record_counts(once)  # type: ignore[arg-type]
    clean_topics_updated = EmptyOperator(
        task_id="clean_topics_updated", outlets=[Asset("kafka://hospital/clean_topics")]
    )
    raw >> branch >> [once, watched]
    watched >> counts
    check_reject_share(counts) >> clean_topics_updated  # type: ignore[arg-type]


spark_processing_dag()
