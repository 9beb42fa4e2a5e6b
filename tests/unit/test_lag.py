"""How far a reader is behind: only of what is still there."""

from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from dataclasses import replace
from typing import Any, cast

from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec
from hypothesis import given
from hypothesis import strategies as st

from pipeline.clients.kafka import Kafka
from pipeline.clients.lags import Lag, ages, records, unread
from pipeline.resources.reader import sink_lags
from tests.support.plans import SINK, SOURCE

NO_OFFSET = -1001


def test_what_retention_deleted_is_no_lag() -> None:
    bounds = {("t", 0): (90, 100), ("t", 1): (90, 100), ("t", 2): (90, 100), ("t", 3): (0, 100)}
    done = {("t", 0): 95, ("t", 1): 20, ("t", 2): NO_OFFSET}
    assert records(unread(bounds, done)) == 5 + 10 + 10 + 100


def test_a_topic_that_was_created_again_leaves_no_negative_lag() -> None:
    assert unread({("t", 0): (0, 3), ("u", 0): (0, 2)}, {("t", 0): 500}) == {("u", 0): (0, 2)}


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
    assert sink_lags(Groups().lags, sinks) == {"s": len("connect-s"), "other": len("mine")}


def test_each_group_has_the_lag_of_its_topics() -> None:
    groups = {"late": ["t"], "new": ["t", "u"]}
    assert Broker().lags(groups) == {"late": 10, "new": 20}
    assert Broker().ends(["t"]) == {("t", 0): 100}


NOW_MS = 1_800_000_000_000
times = st.lists(st.integers(0, 40_000_000), min_size=1, max_size=30)


@given(st.lists(st.tuples(times, st.integers(0, 29)), min_size=1, max_size=4))
def test_the_age_is_that_of_the_first_unread_record(
    partitions: list[tuple[list[int], int]],
) -> None:
    # Ages of the records in ms, the oldest first, as a topic has them.
    topics = {("t", n): sorted(ages_ms, reverse=True) for n, (ages_ms, _) in enumerate(partitions)}
    first = {("t", n): min(done, len(ages_ms) - 1) for n, (ages_ms, done) in enumerate(partitions)}

    def offsets_at(times_ms: Mapping[tuple[str, int], int]) -> dict[tuple[str, int], int]:
        return {
            partition: next(
                (n for n, age in enumerate(topics[partition]) if NOW_MS - age >= at), -1
            )
            for partition, at in times_ms.items()
        }

    behind = {partition: (first[partition], len(topics[partition])) for partition in topics}
    found = ages(behind, offsets_at, NOW_MS)
    for partition, seconds in found.items():
        real = topics[partition][first[partition]] / 1000
        assert real <= seconds <= max(1, real * 1.07 + 0.01)
    assert found.keys() == topics.keys()


def test_a_lag_is_said_in_a_unit_that_fits() -> None:
    assert [str(Lag(1234, seconds)) for seconds in (0.4, 119, 121, 7300, 200_000)] == [
        "1,234 (0 s)", "1,234 (119 s)", "1,234 (2 min)", "1,234 (2 h)", "1,234 (2 d)",
    ]  # fmt: skip
    assert str(Lag(0)) == "0 (0 s)"
