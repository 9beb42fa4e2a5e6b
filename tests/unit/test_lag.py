"""How far a reader is behind: only of what is still there."""

from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from dataclasses import replace
from typing import Any, cast

from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from pipeline.clients.kafka import Kafka, lag
from pipeline.resources.connector import sink_lags
from tests.support.plans import SINK, SOURCE

NO_OFFSET = -1001


def test_what_retention_deleted_is_no_lag() -> None:
    bounds = {("t", 0): (90, 100), ("t", 1): (90, 100), ("t", 2): (90, 100), ("t", 3): (0, 100)}
    done = {("t", 0): 95, ("t", 1): 20, ("t", 2): NO_OFFSET}
    assert lag(bounds, done) == 5 + 10 + 10 + 100


def test_a_topic_that_was_created_again_leaves_no_negative_lag() -> None:
    assert lag({("t", 0): (0, 3), ("u", 0): (0, 2)}, {("t", 0): 500}) == 2


class Broker(Kafka):
    """Two topics of one partition, whose records 0 to 89 are gone."""

    def __init__(self) -> None:
        self.address = "nowhere"
        self._admin = cast("AdminClient", self)

    def existing(self, names: Any) -> dict[str, int]:
        return dict.fromkeys(sorted(names), 1)

    def committed(self, group: str) -> dict[tuple[str, int], int]:
        return {("t", 0): 20} if group == "late" else {}

    def list_offsets(
        self, wanted: dict[TopicPartition, OffsetSpec], request_timeout: float
    ) -> dict[TopicPartition, Future[Any]]:
        del request_timeout
        return {partition: _offset(which) for partition, which in wanted.items()}


def _offset(which: OffsetSpec) -> Future[Any]:
    future: Future[Any] = Future()
    offset = 90 if which._value == OffsetSpec.earliest()._value else 100
    future.set_result(type("Info", (), {"offset": offset})())
    return future


class Groups(Kafka):
    """A lag of each group."""

    def __init__(self) -> None:
        pass

    def lags(self, groups: Mapping[str, Iterable[str]]) -> dict[str, int]:
        return {group: len(group) for group in groups}


def test_a_sink_can_have_a_group_of_its_own() -> None:
    own = {**SINK.config, "consumer.override.group.id": "mine"}
    sinks = [SINK, replace(SINK, name="other", config=own), SOURCE]
    assert sink_lags(Groups(), sinks) == {"s": len("connect-s"), "other": len("mine")}


def test_each_group_has_the_lag_of_its_topics() -> None:
    groups = {"late": ["t"], "new": ["t", "u"]}
    assert Broker().lags(groups) == {"late": 10, "new": 20}
    assert Broker().ends(["t"]) == {("t", 0): 100}
