"""Alerts: abnormal patterns in what has landed, statements that fail, records that none can read.

Told once, and once more when they are over.
"""

from datetime import datetime, timedelta

from airflow.sdk import dag, task
from airflow.sdk.exceptions import AirflowFailException
from hospital import alerts
from hospital.hooks import PipelineHook, failing_at_once
from hospital.patterns import queries

# By kind: each is a task, so that one that cannot be asked does not hide the others.
QUERIES = queries(silent_minutes=30, reject_share=0.1)
STATEMENTS = ("failing", "unread")


@task
def look_for(kind: str) -> None:
    """Opens and closes the alerts of a kind.

    Raises:
        AirflowFailException: some last: the task is red as long as they do.
    """
    _tell_of(kind, alerts.matches(QUERIES[kind]))


@task
def look_at_statements(kind: str) -> None:
    """The same, of the statements of ksql/: those that fail, and what they could not read.

    Raises:
        AirflowFailException: some last, or the engine cannot be asked.
    """
    hook = PipelineHook()
    with failing_at_once():
        found = hook.failing() if kind == "failing" else hook.unread()
    _tell_of(kind, found)


def _tell_of(kind: str, found: dict[str, str]) -> None:
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
    patterns = [look_for.override(task_id=kind)(kind) for kind in QUERIES]
    statements = [look_at_statements.override(task_id=kind)(kind) for kind in STATEMENTS]
    [*patterns, *statements] >> tell()


alerts_dag()
