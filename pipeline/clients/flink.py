"""The REST APIs of Flink's SQL gateway (v1) and of its cluster.

Reference: "SQL Gateway, REST Endpoint" and "REST API" in Flink's documentation.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote, unquote, urlsplit

from pipeline.clients import flinkanswers as answers
from pipeline.clients.http import Service, message_of
from pipeline.errors import (
    NotRestoredError,
    PipelineError,
    ServiceError,
    SilentError,
    UnreachableError,
)
from pipeline.repository.connections import Http
from pipeline.wait import until

T = TypeVar("T")
PATIENCE_S = 120
# Short, because most statements take a few milliseconds.
POLL_S = 0.02
ENDED = {"CANCELED", "FAILED", "FINISHED", "SUSPENDED"}
# The counters of the formats in stack/flink. Their scope has the name of the source's table.
SKIPPED = re.compile(r"^\d+\.Source__.*default_database_(.+)\.deserializer\.skipped(Records|Keys)$")
CAUSE = re.compile(r"^(?:Caused by: )?[\w.$]+(?:Exception|Error): (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class LiveJob:
    """A job of the cluster. `started_ms` is in milliseconds since the epoch."""

    id: str
    name: str
    state: str
    started_ms: int


class Flink:
    """One Flink: its SQL gateway and its cluster."""

    def __init__(self, gateway: Http, cluster: Http) -> None:
        self._gateway = Service("Flink's SQL gateway", gateway, "flink.gateway")
        self._cluster = Service("Flink", cluster, "flink.cluster")

    def jobs(self) -> tuple[LiveJob, ...]:
        """All jobs that the cluster remembers, the newest last.

        Raises:
            ServiceError: as in every method, Flink is unreachable or answers with an error.
        """
        items = self._cluster.json(answers.Jobs, "GET", "/jobs/overview").jobs
        jobs = [LiveJob(item.id, item.name, item.state, item.started_ms) for item in items]
        return tuple(sorted(jobs, key=lambda job: job.started_ms))

    def check_ready(self) -> None:
        """Checks that Flink has resumed all deployed jobs. It starts its gateway only then.

        Raises:
            ServiceError: Flink still resumes jobs, or is not up.
        """
        self._cluster.json(answers.Overview, "GET", "/overview")
        try:
            self._gateway.json(answers.Info, "GET", "/v1/info")
        except UnreachableError:
            raise ServiceError(
                "Flink is starting, and resumes its jobs: try again in a moment"
                " (`make logs S=flink` shows what it does)"
            ) from None

    def is_running(self, job_id: str) -> bool:
        """Whether every vertex of a job runs or is finished, as far as Flink says so in time.

        Raises:
            NotRestoredError: a vertex could not restore its state from the checkpoint.
            PipelineError: a vertex has failed; the message has the cause.
        """
        try:
            job = self._cluster.json(answers.Vertices, "GET", f"/jobs/{job_id}")
            failure = self._last_failure(job_id)
        except SilentError:
            # Its machine may be busy: who waits for the job has a deadline.
            return False
        if failure:
            cause = innermost(failure.stacktrace)
            if "Could not restore" in failure.stacktrace:
                raise NotRestoredError(f"its checkpoint could not be restored ({cause})")
            raise PipelineError(f"Flink's job fails: {cause}")
        return {vertex.status for vertex in job.vertices} <= {"RUNNING", "FINISHED"}

    def failing(self, job: LiveJob) -> str:
        """The cause of a job's last failure; "" if there was none.

        Also "" if the job still runs and has completed a checkpoint after the failure.
        """
        failure = self._last_failure(job.id)
        if failure is None:
            return ""
        path = f"/jobs/{job.id}/checkpoints"
        latest = self._cluster.json(answers.Checkpoints, "GET", path).latest
        completed = latest.completed if latest else None
        goes_on = completed and completed.trigger_timestamp > failure.timestamp
        if job.state not in ENDED and goes_on:
            return ""
        return innermost(failure.stacktrace)

    def skipped(self, job: LiveJob) -> Mapping[str, int]:
        """The number of records that the job could not read since it started, by source table."""
        counts: Counter[str] = Counter()
        for vertex in self._cluster.json(answers.Vertices, "GET", f"/jobs/{job.id}").vertices:
            if vertex.name.startswith("Source: "):
                path = f"/jobs/{job.id}/vertices/{vertex.id}/metrics"
                names = [
                    metric.id for metric in self._cluster.json(list[answers.Metric], "GET", path)
                ]
                tables = {name: match[1] for name in names if (match := SKIPPED.match(name))}
                if tables:
                    wanted = f"{path}?get={quote(','.join(tables))}"
                    for metric in self._cluster.json(list[answers.Metric], "GET", wanted):
                        counts[tables[metric.id]] += int(metric.value)
        return counts

    def _last_failure(self, job_id: str) -> answers.Failure | None:
        path = f"/jobs/{job_id}/exceptions?maxExceptions=1"
        entries = self._cluster.json(answers.Exceptions, "GET", path).history.entries
        return entries[0] if entries else None

    def cancel(self, job: LiveJob, deadline_s: float) -> None:
        """Cancels a job and waits until it has ended.

        Raises:
            DeadlineError: the job has not ended after `deadline_s` seconds.
        """
        self._cluster.send("PATCH", f"/jobs/{job.id}?mode=cancel")

        def probe() -> bool | None:
            state = next((j.state for j in self.jobs() if j.id == job.id), "CANCELED")
            return state in ENDED

        until(probe, seconds=deadline_s, describe=lambda _: f"Flink's job {job.name} did not end")

    def savepoint(self, job: LiveJob, folder: Path, deadline_s: float) -> Path:
        """Has a job write its whole state below a folder; returns the savepoint's own folder.

        The job runs on. A savepoint refers to no file outside, and can be moved.

        Raises:
            ServiceError: Flink cannot write it; the message has the cause.
            DeadlineError: it is not complete after `deadline_s` seconds.
        """
        path = f"/jobs/{job.id}/savepoints"
        # Canonical: another version of Flink, and another store of its state, can read it.
        body = {"target-directory": folder.resolve().as_uri(), "formatType": "CANONICAL"}
        request = self._cluster.json(answers.Trigger, "POST", path, body).id

        def probe() -> answers.Saved | None:
            answer = self._cluster.json(answers.Savepoint, "GET", f"{path}/{quote(request)}")
            return answer.operation if answer.status.id == "COMPLETED" else None

        saved = until(
            probe,
            seconds=deadline_s,
            done=lambda _: True,
            describe=lambda _: f"Flink has not written the savepoint of {job.name}",
        )
        if saved.failure:
            cause = innermost(saved.failure.stack_trace)
            raise ServiceError(f"Flink cannot write a savepoint of {job.name}: {cause}")
        return Path(unquote(urlsplit(saved.location).path))

    @contextmanager
    def session(self) -> Iterator["Session"]:
        """Opens a session of the gateway, and closes it at the end of the block."""
        handle = self._gateway.json(answers.Session, "POST", "/v1/sessions", {}).handle
        path = f"/v1/sessions/{quote(handle, safe='')}"
        try:
            yield Session(self._gateway, path)
        finally:
            # Flink closes a session by itself that nobody uses any more.
            with suppress(SilentError):
                self._gateway.call("DELETE", path)


class Session:
    """A session of the gateway. Its statements share tables and views."""

    def __init__(self, gateway: Service, path: str) -> None:
        self._gateway = gateway
        self._path = path

    def execute(self, statement: str, patience_s: float = PATIENCE_S) -> list[Mapping[str, Any]]:
        """Runs a statement; returns the first rows of its result, as mappings by column.

        Raises:
            ServiceError: Flink refuses the statement; the message has the cause.
            DeadlineError: the statement has not ended after `patience_s` seconds.
        """
        body = {"statement": statement}
        handle = self._ask(answers.Operation, "POST", "/statements", body).handle
        operation = f"/operations/{quote(handle, safe='')}"

        def probe() -> bool | None:
            state = self._ask(answers.Status, "GET", f"{operation}/status").status
            return state in {"FINISHED", "ERROR", "CANCELED", "TIMEOUT"}

        until(
            probe,
            seconds=patience_s,
            describe=lambda _: f"Flink has not finished {statement}",
            every=POLL_S,
        )
        return self._rows(operation)

    def _rows(self, operation: str) -> list[Mapping[str, Any]]:
        path = f"{operation}/result/0?rowFormat=JSON"

        def probe() -> answers.Results | None:
            page = self._ask(answers.Page, "GET", path)
            return None if page.kind == "NOT_READY" else page.results

        results = until(
            probe, seconds=PATIENCE_S, describe=lambda _: "Flink gave no result", every=POLL_S
        )
        names = [column.name for column in results.columns]
        return [dict(zip(names, row.fields, strict=True)) for row in results.data]

    def _ask(self, shape: type[T], method: str, path: str, body: Any = None) -> T:
        response = self._gateway.call(method, self._path + path, body)
        if response.ok:
            return self._gateway.read(shape, method, self._path + path, response)
        reason = message_of(response)
        if reason:
            raise ServiceError(f"Flink: {innermost(reason)}")
        raise self._gateway.error(method, self._path + path, response)


def innermost(trace: str) -> str:
    """The message of the last cause in a stack trace; without causes, the start of the text."""
    causes = CAUSE.findall(trace)
    return causes[-1].strip() if causes else trace.strip()[:300]
