"""Flink's REST API as it is documented: jobs that fail, and a Flink that is not ready."""

from collections.abc import Iterator
from typing import Any

import pytest

from pipeline.clients import http
from pipeline.clients.flink import Flink, LiveJob
from pipeline.errors import PipelineError, ServiceError
from pipeline.repository.connections import at
from tests.support.serving import serving, silent

VERTEX = {"id": "v", "name": "Source: t", "status": "RUNNING"}
JOB = LiveJob("1", "ksql A", "RUNNING", 0)
CAUSE = (
    "java.lang.Exception: outer\n\tat a.b(C.java)\nCaused by: java.net.ConnectException: refused"
)


class Cluster:
    """One job, which failed at `failed` and had a whole checkpoint at `whole`; 0 for never."""

    def __init__(self) -> None:
        self.failed = 0
        self.whole = 0
        self.url = ""

    def answer(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        del method, body
        if "exceptions" in path:
            entry = {"stacktrace": CAUSE, "timestamp": self.failed}
            return 200, {"exceptionHistory": {"entries": [entry] if self.failed else []}}
        if "checkpoints" in path:
            completed = {"trigger_timestamp": self.whole} if self.whole else None
            return 200, {"latest": {"completed": completed}}
        if path == "/overview":
            return 200, {"flink-version": "2.3.0"}
        if path.startswith("/jobs/"):
            return 200, {"state": "RUNNING", "vertices": [VERTEX]}
        return 404, {"errors": ["not found"]}


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    started = Cluster()
    with serving(started.answer) as started.url:
        yield started


def test_a_flink_that_is_too_busy_to_answer_fails_no_job(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "READ_TIMEOUT_S", 0.2)
    monkeypatch.setattr(http, "CHANGE_TIMEOUT_S", 0.2)

    def only_opens(method: str, path: str, _: Any) -> tuple[int, Any]:
        assert (method, path) == ("POST", "/v1/sessions")
        monkeypatch.setattr(flink._gateway, "url", f"http://127.0.0.1:{port}")
        return 200, {"sessionHandle": "s"}

    with silent() as port, serving(only_opens) as url:
        flink = Flink(at(url), at(f"http://127.0.0.1:{port}"))
        assert not flink.is_running("1")
        with flink.session() as session:
            assert session


@pytest.mark.parametrize(
    ("failed", "whole", "cause"),
    [(0, 0, ""), (0, 5, ""), (5, 0, "refused"), (5, 3, "refused"), (5, 7, "")],
)
def test_a_job_fails_as_long_as_no_checkpoint_has_come_since(
    cluster: Cluster, failed: int, whole: int, cause: str
) -> None:
    cluster.failed, cluster.whole = failed, whole
    assert Flink(at(cluster.url), at(cluster.url)).failing(JOB) == cause


def test_a_job_that_fails_as_it_starts_does_not_run(cluster: Cluster) -> None:
    flink = Flink(at(cluster.url), at(cluster.url))
    assert flink.is_running(JOB.id)
    cluster.failed = 5
    with pytest.raises(PipelineError, match="Flink's job fails: refused"):
        flink.is_running(JOB.id)


def test_a_flink_that_resumes_its_jobs_is_not_taken_for_an_empty_one(cluster: Cluster) -> None:
    with pytest.raises(ServiceError, match="Flink is starting, and resumes its jobs"):
        Flink(at("http://127.0.0.1:1"), at(cluster.url)).check_ready()
    with pytest.raises(ServiceError, match=r"Flink cannot be reached at http://127\.0\.0\.1:1"):
        Flink(at("http://127.0.0.1:1"), at("http://127.0.0.1:1")).check_ready()
