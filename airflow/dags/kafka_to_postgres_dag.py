"""From Kafka to PostgreSQL: is everything that is declared running, near its end, and right?"""

from datetime import datetime, timedelta

from airflow.providers.common.sql.operators.sql import SQLTableCheckOperator
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import Asset, dag, task
from hospital.alerts import ALERTED
from hospital.hooks import PipelineHook, failing_at_once
from hospital.patterns import STREAMS
from hospital.quality import checks
from hospital.sensors import ConnectorsSensor, LagSensor, RowsSensor, WorkerSensor

from pipeline.clients.connect import Connect
from pipeline.errors import DeadlineError, PipelineError
from pipeline.wait import until

HOLD_S = 15


@task
def restart_failed_tasks() -> list[str]:
    """Restarts, once, each connector that is FAILED or has a task that is.

    Raises:
        AirflowFailException: one fails again; the message has its cause.
    """
    hook = PipelineHook()
    with failing_at_once():
        live = hook.connect.connectors()
        names = [
            c.name for c in hook.declared().connectors if c.name in live and live[c.name].failed
        ]
        for name in names:
            hook.connect.restart_failed(name)
        if names:
            _wait_until_they_hold(hook.connect, names)
    return names


def _wait_until_they_hold(connect: Connect, names: list[str]) -> None:
    # Right after the restart, the worker shows the old state.
    until(
        lambda: _failures(connect, names),
        seconds=HOLD_S,
        done=lambda failures: not failures,
        describe=lambda failures: f"still FAILED after a restart: {'; '.join(failures or [])}",
        every=1,
    )
    # A task that cannot do its work is RUNNING for a while before it fails again.
    try:
        failures = until(lambda: _failures(connect, names), seconds=HOLD_S, describe=str, every=1)
    except DeadlineError:
        return
    raise PipelineError(f"failed again after a restart: {'; '.join(failures)}")


def _failures(connect: Connect, names: list[str]) -> list[str]:
    live = connect.connectors()
    return [f"{name}: {cause}" for name in names for cause in live[name].failed]


@dag(
    schedule=timedelta(minutes=10),
    start_date=datetime(2025, 1, 1),  # noqa: DTZ001 - Airflow takes it as UTC
    catchup=False,
    max_active_runs=1,
    default_args=ALERTED,
    tags=["hospital"],
    doc_md=__doc__,
)
def kafka_to_postgres_dag() -> None:
    """Worker, connectors, lag, freshness, quality; an Asset per table whose checks passed."""
    worker = WorkerSensor(task_id="worker_reachable", timeout=30)
    running = ConnectorsSensor(task_id="connectors_running", timeout=30)
    caught_up = LagSensor(task_id="sinks_caught_up", max_lag=10_000)
    fresh = RowsSensor(
        task_id="rows_fresh", table="admissions", order=STREAMS["admissions"], max_age_s=1800
    )
    worker >> restart_failed_tasks() >> running >> caught_up >> fresh
    for table, conditions in checks().items():
        quality = SQLTableCheckOperator(
            task_id=f"check_{table}", conn_id="hospital_db", table=table, checks=conditions
        )
        # The Asset is on a task of its own: on the check, it would be updated by a failure too.
        updated = EmptyOperator(
            task_id=f"{table}_updated",
            outlets=[Asset(f"postgres://hospital/healthcare_pipeline_db/public/{table}")],
        )
        fresh >> quality >> updated


kafka_to_postgres_dag()
