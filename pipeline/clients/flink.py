"""The REST APIs of Flink's SQL gateway (v1) and of its cluster.

Reference: "SQL Gateway, REST Endpoint" and "REST API" in Flink's documentation.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from pipeline.clients.http import Service
from pipeline.errors import NotRestoredError, PipelineError, ServiceError
from pipeline.wait import until

PATIENCE_S = 120
# Short, because most statements take a few milliseconds.
POLL_S = 0.02
ENDED = {"CANCELED", "FAILED", "FINISHED", "SUSPENDED"}
# The counters of the formats in stack/flink. Their scope has the name of the source's table.
SKIPPED = re.compile(r"^\d+\.Source__.*default_database_(.+)\.deserializer\.skipped(Records|Keys)$")
CAUSE = re.compile(r"^(?:Caused by: )?[\w.$]+(?:Exception|Error): (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Job:
    """A job of the cluster. `started_ms` is in milliseconds since the epoch."""

    id: str
    name: str
    state: str
    started_ms: int


class Flink:
    """One Flink: its SQL gateway and its cluster."""

    def __init__(self, gateway: str, cluster: str) -> None:
        self._gateway = Service("Flink's SQL gateway", gateway)
        self._cluster = Service("Flink", cluster)

    def jobs(self) -> tuple[Job, ...]:
        """All jobs that the cluster remembers, the newest last.

        Raises:
            ServiceError: as in every method, Flink is unreachable or answers with an error.
        """
        items = self._cluster.json("GET", "/jobs/overview")["jobs"]
        jobs = [Job(j["jid"], j["name"], j["state"], j["start-time"]) for j in items]
        return tuple(sorted(jobs, key=lambda job: job.started_ms))

    def check_ready(self) -> None:
        """Checks that Flink has resumed all deployed jobs. It starts its gateway only then.

        Raises:
            ServiceError: Flink still resumes jobs, or is not up.
        """
        self._cluster.json("GET", "/overview")
        try:
            self._gateway.json("GET", "/v1/info")
        except ServiceError:
            raise ServiceError(
                "Flink is starting, and resumes its jobs: try again in a moment"
                " (`make logs S=flink` shows what it does)"
            ) from None

    def is_running(self, job_id: str) -> bool:
        """Whether every vertex of a job runs or is finished.

        Raises:
            NotRestoredError: a vertex could not restore its state from the checkpoint.
            PipelineError: a vertex has failed; the message has the cause.
        """
        job = self._cluster.json("GET", f"/jobs/{job_id}")
        failure = self._last_failure(job_id)
        if failure:
            cause = innermost(failure["stacktrace"])
            if "Could not restore" in failure["stacktrace"]:
                raise NotRestoredError(f"its checkpoint could not be restored ({cause})")
            raise PipelineError(f"Flink's job fails: {cause}")
        return {vertex["status"] for vertex in job["vertices"]} <= {"RUNNING", "FINISHED"}

    def failing(self, job: Job) -> str:
        """The cause of a job's last failure; "" if there was none.

        Also "" if the job still runs and has completed a checkpoint after the failure.
        """
        failure = self._last_failure(job.id)
        if failure is None:
            return ""
        checkpoints = self._cluster.json("GET", f"/jobs/{job.id}/checkpoints")
        completed = (checkpoints.get("latest") or {}).get("completed") or {}
        if job.state not in ENDED and completed.get("trigger_timestamp", 0) > failure["timestamp"]:
            return ""
        return innermost(failure["stacktrace"])

    def skipped(self, job: Job) -> Mapping[str, int]:
        """The number of records that the job could not read since it started, by source table."""
        counts: Counter[str] = Counter()
        for vertex in self._cluster.json("GET", f"/jobs/{job.id}")["vertices"]:
            if vertex["name"].startswith("Source: "):
                path = f"/jobs/{job.id}/vertices/{vertex['id']}/metrics"
                names = [metric["id"] for metric in self._cluster.json("GET", path)]
                tables = {name: match[1] for name in names if (match := SKIPPED.match(name))}
                ids = quote(",".join(tables))
                for metric in self._cluster.json("GET", f"{path}?get={ids}") if tables else ():
                    counts[tables[metric["id"]]] += int(metric["value"])
        return counts

    def _last_failure(self, job_id: str) -> Mapping[str, Any] | None:
        exceptions = self._cluster.json("GET", f"/jobs/{job_id}/exceptions?maxExceptions=1")
        entries = exceptions["exceptionHistory"]["entries"]
        return entries[0] if entries else None

    def cancel(self, job: Job, deadline_s: float) -> None:
        """Cancels a job and waits until it has ended.

        Raises:
            DeadlineError: the job has not ended after `deadline_s` seconds.
        """
        self._cluster.json("PATCH", f"/jobs/{job.id}?mode=cancel")

        def probe() -> bool | None:
            state = next((j.state for j in self.jobs() if j.id == job.id), "CANCELED")
            return state in {"CANCELED", "FAILED", "FINISHED"}

        until(probe, seconds=deadline_s, describe=lambda _: f"Flink's job {job.name} did not end")

    @contextmanager
    def session(self) -> Iterator["Session"]:
        """Opens a session of the gateway, and closes it at the end of the block."""
        handle = self._gateway.json("POST", "/v1/sessions", {})["sessionHandle"]
        try:
            yield Session(self._gateway, f"/v1/sessions/{handle}")
        finally:
            self._gateway.call("DELETE", f"/v1/sessions/{handle}")


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
        handle = self._ask("POST", "/statements", body)["operationHandle"]
        operation = f"/operations/{handle}"

        def probe() -> bool | None:
            state = self._ask("GET", f"{operation}/status")["status"]
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

        def probe() -> Any:
            page = self._ask("GET", path)
            return None if page["resultType"] == "NOT_READY" else page

        page = until(
            probe, seconds=PATIENCE_S, describe=lambda _: "Flink gave no result", every=POLL_S
        )
        names = [column["name"] for column in page["results"]["columns"]]
        return [dict(zip(names, row["fields"], strict=True)) for row in page["results"]["data"]]

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        response = self._gateway.call(method, self._path + path, body)
        if response.ok:
            return response.json()
        raise ServiceError(f"Flink: {innermost(' '.join(response.json().get('errors', [])))}")


def innermost(trace: str) -> str:
    """The message of the last cause in a stack trace; without causes, the start of the text."""
    causes = CAUSE.findall(trace)
    return causes[-1].strip() if causes else trace.strip()[:300]
