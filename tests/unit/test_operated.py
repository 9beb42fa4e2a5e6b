"""A target on which topics and connectors are of Strimzi's operators."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pipeline import operated
from pipeline.change import Action, Change
from pipeline.plan import Plan, compare
from pipeline.resources.desired import Desired
from pipeline.resources.query import Query
from pipeline.resources.topic import Topic
from tests.support.plans import DESIRED, LIVE, SELECT

READS = Query("q", "1", (SELECT,), reads=("t",))
NEEDING: Desired = replace(DESIRED, queries=(READS,))


def _ours(desired: Desired, **live: Mapping[str, Any]) -> Plan:
    return operated.ours(compare(desired, {**LIVE, **live}))


def _told(plan: Plan) -> list[str]:
    return [problem.message for problem in plan.problems]


def test_kafka_connect_is_not_asked() -> None:
    assert [r.kind for r in operated.asked(NEEDING)] == ["topic", "subject", "table", "query"]


def test_connectors_are_nobodys_change_and_nobodys_problem() -> None:
    live = {k: v for k, v in LIVE.items() if k not in {"sink", "source"}}
    assert {c.kind for c in compare(DESIRED, live).changes} == {"sink", "source"}
    plan = operated.ours(compare(DESIRED, live))
    assert (plan.changes, plan.problems) == ((), ())


def test_a_topic_that_a_statement_needs_is_waited_for() -> None:
    plan = _ours(NEEDING, topic={}, query={})
    assert [change.key for change in plan.changes] == [("query", "q")]
    assert _told(plan) == [
        "t is not there yet: Strimzi makes it of the KafkaTopic that `render.py render --format"
        " strimzi` writes"
    ]
    assert plan.blocked(plan.broken()) == {("query", "q"): ("topic", "t")}


def test_a_topic_that_nothing_of_ours_needs_is_not_waited_for() -> None:
    more = replace(NEEDING, topics=(*NEEDING.topics, Topic("alone", 1, 1, {})))
    assert _told(_ours(more, query={})) == []
    # A topic that is there and differs is for the operator to change.
    plan = _ours(replace(NEEDING, topics=(Topic("t", 8, 3, {}),)), query={})
    assert _told(plan) == []
    assert [change.key for change in plan.changes] == [("query", "q")]


def test_a_topic_is_not_made_anew() -> None:
    own = Change("query", "q", Action.RECREATE, declared=READS)
    anew = Change("topic", "t", Action.RECREATE)
    needs = {("query", "q"): frozenset({("topic", "t")}), ("topic", "t"): frozenset[Any]()}
    plan = operated.ours(Plan((anew, own), needs=needs))
    assert _told(plan) == [
        "t would be made anew with its records, and it is Strimzi's: use a target without `strimzi`"
    ]
    assert plan.blocked(plan.broken()) == {("query", "q"): ("topic", "t")}


def test_what_is_left_over_of_ours_is_told_and_of_topics_is_not() -> None:
    plan = replace(compare(DESIRED, LIVE), leftovers=("topic old", "subject old-value"))
    assert operated.ours(plan).leftovers == ("subject old-value",)


def test_destroy_leaves_what_the_operators_make() -> None:
    kept = DESIRED.without_operated()
    assert (kept.topics, kept.connectors) == ((), ())
    assert (kept.subjects, kept.queries) == (DESIRED.subjects, DESIRED.queries)
