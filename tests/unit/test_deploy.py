"""What is left alone when something before it fails."""

from collections.abc import Mapping
from dataclasses import replace
from typing import cast

from pipeline import deploy
from pipeline.desired import Query
from pipeline.engines.engine import LiveQuery
from pipeline.errors import PipelineError
from pipeline.live import Services
from pipeline.plan import Action, Change, Kind, Plan
from tests.unit.test_plan import DESIRED, LIVE


class Refusing:
    """An engine that refuses one statement."""

    concurrency = 2

    def __init__(self, refused: str) -> None:
        self.refused = refused
        self.made: list[str] = []

    def running(self) -> Mapping[str, LiveQuery]:
        return {}

    def make(self, query: Query, live: LiveQuery | None, deadline_s: float) -> str:
        del live, deadline_s
        if query.name == self.refused:
            raise PipelineError("no")
        self.made.append(query.name)
        return f"{query.name} is made"


def test_what_builds_on_a_statement_that_failed_is_left_alone_and_the_others_are_made() -> None:
    sources = {"a": (), "b": ("a",), "c": ("b",), "d": ()}
    queries = tuple(Query(name, name, (), of) for name, of in sources.items())
    changes = tuple(Change(Kind.QUERY, name, Action.CREATE) for name in sources)
    engine = Refusing("a")
    told: list[str] = []
    services = cast("Services", type("Clients", (), {"engine": engine})())
    outcome = deploy.apply(
        Plan(changes),
        replace(DESIRED, queries=queries),
        replace(LIVE, queries={}),
        services,
        deadline_s=1,
        report=lambda *_: None,
        tell=told.append,
    )
    assert engine.made == ["d"]
    assert told == ["query d: d is made"]
    assert outcome.failures == (
        "query a: no",
        "query b: not done: a failed before it",
        "query c: not done: b failed before it",
    )
