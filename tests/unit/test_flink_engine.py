"""Which jobs of a Flink are this repository's: those that have a folder."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from pipeline.change import Action
from pipeline.clients.flink import Flink
from pipeline.engines.flink import FlinkEngine
from pipeline.engines.store import Deployed, Store
from pipeline.plan import compare
from pipeline.repository.connections import at
from pipeline.resources.query import Query
from pipeline.sql.flink.tables import Addresses
from tests.support.plans import DESIRED, LIVE
from tests.support.serving import serving


class Cluster:
    """Jobs by name, with their states."""

    def __init__(self) -> None:
        self.jobs = {"ksql OURS": "RUNNING", "ksql THEIRS": "RUNNING"}
        self.url = ""

    def answer(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        del body
        if path == "/overview":
            return 200, {"flink-version": "2.3.0"}
        if path == "/v1/info":
            return 200, {"productName": "Apache Flink"}
        if path == "/jobs/overview":
            described = [
                {"jid": name, "name": name, "state": state, "start-time": 0}
                for name, state in self.jobs.items()
            ]
            return 200, {"jobs": described}
        if method == "PATCH":
            name = path.removeprefix("/jobs/").removesuffix("?mode=cancel")
            self.jobs[unquote(name)] = "SUSPENDED"
            return 202, {}
        return 200, {"exceptionHistory": {"entries": []}}


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    started = Cluster()
    with serving(started.answer) as started.url:
        yield started


@pytest.fixture
def engine(cluster: Cluster, tmp_path: Path) -> FlinkEngine:
    store = Store(tmp_path)
    store.stage(Deployed("OURS", "SELECT 1", "1"))
    store.commit("OURS")
    flink = Flink(at(cluster.url), at(cluster.url))
    return FlinkEngine(
        flink, Addresses({"bootstrap.servers": "k:1"}, {"url": "http://r"}, "g"), (), store
    )


def test_what_others_named_like_ours_is_told_and_not_pruned(engine: FlinkEngine) -> None:
    live = {**LIVE, "query": {**LIVE["query"], **engine.running()}}
    plan = compare(DESIRED, live, prune=True)
    assert [change.name for change in plan.changes] == ["OURS"]
    (remark,) = plan.remarks
    assert remark.startswith("query THEIRS, which is not declared")


def test_what_others_named_like_a_statement_is_replaced_only_if_asked(engine: FlinkEngine) -> None:
    declared = (*DESIRED.queries, Query("THEIRS", "2", (), origin="ksql/a.sql:3"))
    desired = replace(DESIRED, queries=declared)
    live = {**LIVE, "query": {**LIVE["query"], **engine.running()}}
    (problem,) = compare(desired, live).problems
    assert problem.message.startswith("ksql/a.sql:3: a job of the name THEIRS runs, but was not")
    adopted = compare(desired, live, adopt=True)
    assert adopted.problems == ()
    assert [(change.name, change.action) for change in adopted.changes] == [
        ("THEIRS", Action.UPDATE)
    ]


def test_what_others_named_like_ours_is_not_removed(engine: FlinkEngine, cluster: Cluster) -> None:
    # Suspended is ended, too.
    assert engine.remove(deadline_s=2) == ["OURS"]
    assert cluster.jobs == {"ksql OURS": "SUSPENDED", "ksql THEIRS": "RUNNING"}
    assert list(engine.running()) == ["THEIRS"]
