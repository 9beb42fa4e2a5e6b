"""Flink's SQL gateway and its cluster, over REST.

Reference: Flink's documentation, "REST Endpoint" of the SQL gateway (v1) and "REST API".
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
# Most statements take a few milliseconds.
POLL_S = 0.02
ENDED = {"CANCELED", "FAILED", "FINISHED", "SUSPENDED"}
# A counter of the formats in stack/flink, in the scope of a source, which bears its table's name.
SKIPPED = re.compile(r"^\d+\.Source__.*default_database_(.+)\.deserializer\.skipped(Records|Keys)$")
CAUSE = re.compile(r"^(?:Caused by: )?[\w.$]+(?:Exception|Error): (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Job:
    """A job of the cluster; `started_ms` since the epoch."""

    id: str
    name: str
    state: str
    started_ms: int


class Flink:
    """Both addresses of one Flink."""

    def __init__(self, gateway: str, cluster: str) -> None:
        self._gateway = Service("Flink's SQL gateway", gateway)
        self._cluster = Service("Flink", cluster)

    def jobs(self) -> tuple[Job, ...]:
        """Every job that the cluster remembers, the newest last.

        Raises:
            ServiceError: here and in every method, Flink is unreachable or refuses.
        """
        listed = self._cluster.json("GET", "/jobs/overview")["jobs"]
        jobs = [Job(j["jid"], j["name"], j["state"], j["start-time"]) for j in listed]
        return tuple(sorted(jobs, key=lambda job: job.started_ms))

    def check_ready(self) -> None:
        """Returns if Flink has resumed all that was deployed: the gateway is started last.

        Raises:
            ServiceError: it has not, or is not up.
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
        """Whether every part of a job runs.

        Raises:
            NotRestoredError: a part of the job could not restore its state.
            PipelineError: a part of the job has failed; with the cause.
        """
        found = self._cluster.json("GET", f"/jobs/{job_id}")
        last = self._last_failure(job_id)
        if last:
            cause = innermost(last["stacktrace"])
            if "Could not restore" in last["stacktrace"]:
                raise NotRestoredError(f"its checkpoint could not be restored ({cause})")
            raise PipelineError(f"Flink's job fails: {cause}")
        return {vertex["status"] for vertex in found["vertices"]} <= {"RUNNING", "FINISHED"}

    def failing(self, job: Job) -> str:
        """The cause, of a job that has had no whole checkpoint since; "" of one that is well."""
        last = self._last_failure(job.id)
        if last is None:
            return ""
        found = self._cluster.json("GET", f"/jobs/{job.id}/checkpoints")
        whole = (found.get("latest") or {}).get("completed") or {}
        if job.state not in ENDED and whole.get("trigger_timestamp", 0) > last["timestamp"]:
            return ""
        return innermost(last["stacktrace"])

    def skipped(self, job: Job) -> Mapping[str, int]:
        """Records that the job's sources could not read since it started, by the source's table."""
        found: Counter[str] = Counter()
        for vertex in self._cluster.json("GET", f"/jobs/{job.id}")["vertices"]:
            if vertex["name"].startswith("Source: "):
                path = f"/jobs/{job.id}/vertices/{vertex['id']}/metrics"
                names = [metric["id"] for metric in self._cluster.json("GET", path)]
                tables = {name: match[1] for name in names if (match := SKIPPED.match(name))}
                asked = quote(",".join(tables))
                for metric in self._cluster.json("GET", f"{path}?get={asked}") if tables else ():
                    found[tables[metric["id"]]] += int(metric["value"])
        return found

    def _last_failure(self, job_id: str) -> Mapping[str, Any] | None:
        found = self._cluster.json("GET", f"/jobs/{job_id}/exceptions?maxExceptions=1")
        entries = found["exceptionHistory"]["entries"]
        return entries[0] if entries else None

    def cancel(self, job: Job, deadline_s: float) -> None:
        """Ends a job; returns when it has ended."""
        self._cluster.json("PATCH", f"/jobs/{job.id}?mode=cancel")

        def probe() -> bool | None:
            state = next((j.state for j in self.jobs() if j.id == job.id), "CANCELED")
            return state in {"CANCELED", "FAILED", "FINISHED"}

        until(probe, seconds=deadline_s, describe=lambda _: f"Flink's job {job.name} does not end")

    @contextmanager
    def session(self) -> Iterator["Session"]:
        """A session of the gateway, closed at the end."""
        handle = self._gateway.json("POST", "/v1/sessions", {})["sessionHandle"]
        try:
            yield Session(self._gateway, f"/v1/sessions/{handle}")
        finally:
            self._gateway.call("DELETE", f"/v1/sessions/{handle}")


class Session:
    """Statements of one session see each other's tables and views."""

    def __init__(self, gateway: Service, path: str) -> None:
        self._gateway = gateway
        self._path = path

    def execute(self, statement: str, patience_s: float = PATIENCE_S) -> list[Mapping[str, Any]]:
        """The first rows of a statement's result, by column.

        Raises:
            ServiceError: Flink refuses the statement; the message has the cause.
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
            describe=lambda _: f"Flink is not done with {statement}",
            every=POLL_S,
        )
        return self._rows(operation)

    def _rows(self, operation: str) -> list[Mapping[str, Any]]:
        path = f"{operation}/result/0?rowFormat=JSON"

        def probe() -> Any:
            page = self._ask("GET", path)
            return None if page["resultType"] == "NOT_READY" else page

        page = until(
            probe, seconds=PATIENCE_S, describe=lambda _: "Flink has no result", every=POLL_S
        )
        names = [column["name"] for column in page["results"]["columns"]]
        return [dict(zip(names, row["fields"], strict=True)) for row in page["results"]["data"]]

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        response = self._gateway.call(method, self._path + path, body)
        if response.ok:
            return response.json()
        raise ServiceError(f"Flink: {innermost(' '.join(response.json().get('errors', [])))}")


def innermost(trace: str) -> str:
    """The message of a stack trace's last cause."""
    causes = CAUSE.findall(trace)
    return causes[-1].strip() if causes else trace.strip()[:300]
