"""What is left alone when something before it fails."""

from typing import cast

from pipeline import deploy
from pipeline.change import Action, Change
from pipeline.errors import PipelineError
from pipeline.plan import Plan
from pipeline.resources.query import Query
from pipeline.resources.resource import Run
from pipeline.services import Services


class Refusing:
    """An engine that refuses one statement."""

    concurrency = 2

    def __init__(self, refused: str) -> None:
        self.refused = refused
        self.made: list[str] = []

    def create(self, name: str, deadline_s: float) -> str:
        del deadline_s
        if name == self.refused:
            raise PipelineError("no")
        self.made.append(name)
        return f"{name} is made"

    replace = restart = drop = create


def test_what_builds_on_a_statement_that_failed_is_left_alone_and_the_others_are_made() -> None:
    sources = {"a": (), "b": ("a",), "c": ("b",), "d": ()}
    changes = tuple(
        Change("query", name, Action.CREATE, declared=Query(name, name, (), of))
        for name, of in sources.items()
    )
    connector = Change("sink", "s", Action.CREATE)
    engine = Refusing("a")
    told: list[str] = []
    services = cast("Services", type("Clients", (), {"engine": engine})())
    run = Run(services, deadline_s=1, report=lambda *_: None, tell=told.append)
    needs = {connector.key: frozenset({("query", "c")})}
    outcome = deploy.apply(Plan((*changes, connector), needs=needs), run)
    assert engine.made == ["d"]
    assert told == ["query d: d is made"]
    assert outcome.failures == (
        "query a: no",
        "query b: not made, because a failed",
        "query c: not made, because b failed",
        "sink s: not made, because query c failed",
    )
