"""From Kafka to PostgreSQL: is everything that is declared running, near its end, and right?"""

from datetime import datetime, timedelta

from airflow.providers.common.sql.operators.sql import SQLTableCheckOperator
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import Asset, dag, task
from hospital.alerts import task_failed, task_succeeded
from hospital.hooks import PipelineHook, failing_at_once
from hospital.quality import CHECKS
from hospital.sensors import ConnectorsSensor, LagSensor, RowsSensor, WorkerSensor

from pipeline.wait import until

ALERTED = {"on_failure_callback": task_failed, "on_success_callback": task_succeeded}


@task
def restart_failed_tasks() -> list[str]:
    """Restarts each FAILED connector or task once; what fails again fails the next sensor."""
    hook = PipelineHook()
    with failing_at_once():
        connect = hook.connect
        live = connect.connectors()
        names = [
            c.name for c in hook.declared().connectors if c.name in live and live[c.name].failed
        ]
        for name in names:
            connect.restart_failed(name)
        # The worker shows the old state for a moment.
        until(
            lambda: None if any(connect.connectors()[name].failed for name in names) else True,
            seconds=20,
            describe=lambda: f"failed again: {', '.join(names)}",
        )
    return names


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
    """Worker, connectors, lag, freshness, quality; an Asset per table that passed."""
    worker = WorkerSensor(task_id="worker_reachable", timeout=60)
    running = ConnectorsSensor(task_id="connectors_running")
    caught_up = LagSensor(task_id="sinks_caught_up", max_lag=10_000)
    fresh = RowsSensor(
        task_id="rows_fresh", table="admissions", order="admission_date", max_age_s=1800
    )
    worker >> restart_failed_tasks() >> running >> caught_up >> fresh
    for table, checks in CHECKS.items():
        quality = SQLTableCheckOperator(
            task_id=f"check_{table}", conn_id="hospital_db", table=table, checks=checks
        )
        # The Asset is on a task of its own: on the check, it would be updated by a failure too.
        updated = EmptyOperator(
            task_id=f"{table}_updated",
            outlets=[Asset(f"postgres://hospital/healthcare_pipeline_db/public/{table}")],
        )
        fresh >> quality >> updated


kafka_to_postgres_dag()
