"""Alerts: a row each while they last, with a notice when one opens and one when it is over.

Notices go as JSON to the Airflow connection `alerts_webhook`, whose host is the webhook's whole URL
(`https://hooks.example.com/services/T1/B2`); its login, its headers and `verify` (in its extra) are
those of Airflow's HTTP connections. The table is the outbox: what a webhook or a mail server did
not take, the next run sends again.
"""

import logging
import re
from collections.abc import Mapping
from typing import Any

from airflow.providers.http.hooks.http import HttpHook
from airflow.providers.smtp.hooks.smtp import SmtpHook
from airflow.sdk import BaseHook, Context, Variable
from airflow.sdk.exceptions import AirflowException, AirflowNotFoundException

from hospital.hooks import database

WEBHOOK = "alerts_webhook"
WEBHOOK_TIMEOUT_S = 10
# An Airflow Variable with an address: mail goes there, by the connection smtp_default.
MAIL = "alerts_mail"
# How SQLTableCheckOperator names a check, after the whole query.
CHECK = re.compile(r"Check: (\w+)")
OPEN = """
INSERT INTO alerts (key, message) VALUES (%s, %s)
ON CONFLICT (key) WHERE closed_at IS NULL
DO UPDATE SET message = excluded.message, seen_at = now()
"""
CLOSE = "UPDATE alerts SET closed_at = now() WHERE key = %s AND closed_at IS NULL"
OPENED = "SELECT key FROM alerts WHERE closed_at IS NULL AND starts_with(key, %s)"
UNSENT = """
SELECT alert_id, key, message, opened_at, closed_at, closed_at IS NOT NULL FROM alerts
WHERE NOT opening_told OR (closed_at IS NOT NULL AND NOT closing_told)
ORDER BY alert_id FOR UPDATE SKIP LOCKED
"""
SENT = (
    "UPDATE alerts SET opening_told = true, closing_told = closing_told OR %s WHERE alert_id = %s"
)
log = logging.getLogger(__name__)


def update(kind: str, problems: Mapping[str, str]) -> None:
    """Opens alerts for a kind's problems (messages by subject), and closes its other alerts."""
    messages = {f"{kind}:{subject}": message for subject, message in problems.items()}
    with database() as connection:
        for key, message in messages.items():
            connection.execute(OPEN, (key, message))
        for (key,) in connection.execute(OPENED, (f"{kind}:",)).fetchall():
            if key not in messages:
                connection.execute(CLOSE, (key,))
    send_notices()


def send_notices() -> None:
    """Sends every notice that has not been sent; those that nobody takes wait for the next time."""
    with database() as connection:
        for row in connection.execute(UNSENT).fetchall():
            alert_id, key, message, opened_at, closed_at, is_over = row
            status = "recovered" if is_over else "open"
            notice = {
                "key": key,
                "status": status,
                "message": message,
                # What chat programs show of a webhook's JSON.
                "text": f"{status}: {key}: {message}",
                "opened_at": opened_at.isoformat(),
                "closed_at": closed_at.isoformat() if closed_at else None,
            }
            if _send(notice):
                connection.execute(SENT, (is_over, alert_id))


def _send(notice: Mapping[str, Any]) -> bool:
    log.warning("%(text)s", notice)
    try:
        post(notice)
        _mail(notice)
    except (AirflowException, OSError) as error:
        log.error("the notice was not taken, and will be sent again: %s", error)  # noqa: TRY400
        return False
    return True


def post(notice: Mapping[str, Any]) -> None:
    """Sends a notice to the webhook, if there is one.

    Raises:
        AirflowException: the webhook answers with an error.
        OSError: it cannot be reached, or its certificate is not trusted.
    """
    try:
        BaseHook.get_connection(WEBHOOK)
    except AirflowNotFoundException:
        return
    HttpHook(http_conn_id=WEBHOOK).run(
        json=dict(notice), extra_options={"timeout": WEBHOOK_TIMEOUT_S}
    )


def _mail(notice: Mapping[str, Any]) -> None:
    address = Variable.get(MAIL, default=None)
    if not address:
        return
    with SmtpHook() as smtp:
        subject = f"{notice['status']}: {notice['key']}"
        smtp.send_email_smtp(to=address, subject=subject, html_content=str(notice["message"]))


def task_failed(context: Context) -> None:
    """A task's on_failure_callback."""
    error = str(context.get("exception") or "failed")
    checks = CHECK.findall(error)
    message = f"these checks failed: {', '.join(checks)}" if checks else error.partition("\n")[0]
    _update_task(context, message)


def task_succeeded(context: Context) -> None:
    """A task's on_success_callback: the alert of an earlier failure is over."""
    _update_task(context, None)


def _update_task(context: Context, message: str | None) -> None:
    task = context["task_instance"]
    update(f"task:{task.dag_id}.{task.task_id}", {"failed": message} if message else {})


# Default arguments of a DAG: each of its tasks opens an alert when it fails.
ALERTED = {"on_failure_callback": task_failed, "on_success_callback": task_succeeded}


def matches(query: str) -> dict[str, str]:
    """The messages by subject that a query for an abnormal pattern yields."""
    with database() as connection:
        return {
            str(subject): str(message) for subject, message in connection.execute(query.encode())
        }
