"""Alerts: abnormal patterns in what has landed, told once, and once more when they are over."""

from datetime import datetime, timedelta

from airflow.sdk import dag, task
from airflow.sdk.exceptions import AirflowFailException
from hospital import alerts
from hospital.patterns import queries

# By kind: each is a task, so that one that cannot be asked does not hide the others.
QUERIES = queries(silent_minutes=30, reject_share=0.1)


@task
def look_for(kind: str) -> None:
    """Opens and closes the alerts of a kind.

    Raises:
        AirflowFailException: some last: the task is red as long as they do.
    """
    found = alerts.matches(QUERIES[kind])
    alerts.update(kind, found)
    if found:
        lasting = [f"{subject}: {message}" for subject, message in found.items()]
        raise AirflowFailException("; ".join(lasting))


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
