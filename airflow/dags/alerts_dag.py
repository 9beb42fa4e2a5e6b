"""Alerts: abnormal patterns in the tables, statements that fail, records that none can read.

There is a notice when an alert opens, and one when it is over.
"""

from datetime import datetime, timedelta

from airflow.sdk import dag, task
from airflow.sdk.exceptions import AirflowFailException
from hospital import alerts
from hospital.hooks import PipelineHook, failing_at_once
from hospital.patterns import queries

# By kind. Each is a task of its own, so that one that cannot be asked does not hide the others.
QUERIES = queries(silent_minutes=30, reject_share=0.1)
STATEMENTS = ("failing", "unread")


@task
def match_pattern(kind: str) -> None:
    """Opens and closes the alerts of an abnormal pattern.

    Raises:
        AirflowFailException: some are open; the task is red as long as they are.
    """
    _update(kind, alerts.matches(QUERIES[kind]))


@task
def ask_statements(kind: str) -> None:
    """The same for the statements of ksql/: those that fail, and records that they could not read.

    Raises:
        AirflowFailException: some alerts are open, or the engine cannot be asked.
    """
    hook = PipelineHook()
    with failing_at_once():
        problems = hook.failing() if kind == "failing" else hook.unread()
    _update(kind, problems)


def _update(kind: str, problems: dict[str, str]) -> None:
    alerts.update(kind, problems)
    if problems:
        lines = [f"{subject}: {message}" for subject, message in problems.items()]
        raise AirflowFailException("; ".join(lines))


@task(trigger_rule="all_done")
def send_notices() -> None:
    """Sends the notices that could not be sent before."""
    alerts.send_notices()


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
    patterns = [match_pattern.override(task_id=kind)(kind) for kind in QUERIES]
    statements = [ask_statements.override(task_id=kind)(kind) for kind in STATEMENTS]
    [*patterns, *statements] >> send_notices()


alerts_dag()
