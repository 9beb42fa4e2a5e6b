"""Alerts: abnormal patterns in what has landed, told once, and once more when they are over."""

from datetime import datetime, timedelta

from airflow.sdk import dag, task
from hospital import alerts
from hospital.patterns import queries

# By kind: each is a task, so that one that cannot be asked does not hide the others.
QUERIES = queries(silent_minutes=30, reject_share=0.1)


@task
def look_for(kind: str) -> dict[str, str]:
    """Opens and closes the alerts of a kind; returns those that last."""
    found = alerts.matches(QUERIES[kind])
    alerts.update(kind, found)
    return found


@task(trigger_rule="all_done")
def tell() -> None:
    """Sends what could not be sent before."""
    alerts.tell()


@dag(
    schedule=timedelta(minutes=2),
    start_date=datetime(2025, 1, 1),  # noqa: DTZ001 - Airflow takes it as UTC
    catchup=False,
    max_active_runs=1,
    tags=["hospital"],
    doc_md=__doc__,
)
def alerts_dag() -> None:
    """One task per kind of alert, and the outbox."""
    [look_for.override(task_id=kind)(kind) for kind in QUERIES] >> tell()


alerts_dag()
