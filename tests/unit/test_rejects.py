"""Which rejects go through the pipeline again."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from pipeline.paths import REPOSITORY
from pipeline.rejects import report
from pipeline.rejects.reject import Choice, Raw, Reject, Sent, choose, digests, starts
from pipeline.repository import loader

OLD, NEW = "old", "new"


def _reject(offset: int, key: bytes | None = b"L1", topic: str = "labs") -> Reject:
    return Reject(f"{topic}-0-{offset}", topic, 0, offset, 1000, ("bounds",), key, b"", 2)


def _choose(rejects: list[Reject], raw: Raw | None = None, rules: str = NEW) -> Choice:
    return choose(rejects, raw or Raw(), dict.fromkeys(("labs", "patients"), rules))


def _raw(*records: tuple[int, Sent | None, bytes]) -> Raw:
    """What `store.raw` makes of records, given as offset, headers and key."""
    found = Raw()
    for offset, sent, key in records:
        if sent:
            found.sent[("labs", 0), offset] = sent
        newest = found.last.get((("labs", 0), key), -1)
        found.last[("labs", 0), key] = max(newest, sent.offset if sent else offset)
    return found


def test_a_reject_is_sent_once_with_its_first_coordinates() -> None:
    choice = _choose([_reject(7)])
    (replay,) = choice.replays
    assert (replay.reject.offset, replay.sent) == (7, Sent("labs-0-7", NEW))
    assert not choice.tried + choice.superseded + choice.sent


def test_what_breaks_the_same_rules_again_is_not_sent_for_them_another_time() -> None:
    raw = Raw(sent={(("labs", 0), 90): Sent("labs-0-7", OLD)})
    assert _choose([_reject(90)], raw, rules=OLD).tried == (_reject(90),)
    # For other rules it is, and has its first coordinates still.
    (replay,) = _choose([_reject(90)], raw, rules=NEW).replays
    assert replay.sent == Sent("labs-0-7", NEW)


def test_what_a_killed_run_has_sent_is_only_taken_from_the_rejects() -> None:
    raw = _raw((90, Sent("labs-0-7", NEW), b"L1"))
    choice = _choose([_reject(7)], raw)
    assert (choice.sent, choice.replays) == ((_reject(7),), ())


def test_a_newer_record_of_the_key_is_not_taken_back() -> None:
    raw = _raw((9, None, b"L1"))
    assert _choose([_reject(7), _reject(8, b"L2")], raw).superseded == (_reject(7),)


def test_a_reject_is_not_older_than_an_older_one_that_was_sent_again() -> None:
    # 7 was sent again as 90. 8 is of the same key, and newer than 7.
    raw = _raw((90, Sent("labs-0-7", OLD), b"L1"))
    (replay,) = _choose([_reject(8)], raw).replays
    assert replay.reject.offset == 8


def test_rejects_go_in_the_order_in_which_their_records_first_came() -> None:
    raw = Raw(sent={(("labs", 0), 90): Sent("labs-0-7", OLD)})
    choice = _choose([_reject(90), _reject(8)], raw)
    assert [replay.reject.offset for replay in choice.replays] == [90, 8]


def test_a_letter_goes_by_the_coordinates_that_it_came_from() -> None:
    # In its queue, it has others.
    letter = replace(_reject(7), id="labs-sink_dlq-3-2")
    (replay,) = _choose([letter]).replays
    assert replay.sent.of == "labs-0-7"
    again = replace(_reject(90), id="labs-sink_dlq-3-3")
    raw = Raw(sent={(("labs", 0), 90): replay.sent})
    choice = _choose([letter, again], raw)
    assert (choice.sent, choice.tried) == ((letter,), (again,))
    # Mended since: only the newest of both is sent.
    choice = _choose([letter, again], raw, rules="newer")
    assert [one.reject for one in choice.replays] == [again]


def test_records_without_a_key_supersede_nothing() -> None:
    assert len(_choose([_reject(7, None), _reject(8, None)], _raw((9, None, b"L1"))).replays) == 2


@given(st.sets(st.integers(0, 50)), st.sets(st.integers(0, 50)), st.sampled_from([OLD, NEW]))
def test_each_reject_has_one_fate(rejected: set[int], again: set[int], rules: str) -> None:
    rejects = [_reject(offset, str(offset % 3).encode()) for offset in sorted(rejected)]
    sent = {offset: Sent(f"labs-0-{offset // 2}", OLD) for offset in again}
    raw = _raw(*((offset, sent.get(offset), b"0") for offset in range(50)))
    choice = _choose(rejects, raw, rules)
    fates = (*(one.reject for one in choice.replays), *choice.sent, *choice.tried)
    assert sorted((*fates, *choice.superseded), key=lambda one: one.offset) == rejects


def test_the_digest_is_of_what_a_topic_is_cleansed_by() -> None:
    project = loader.load(REPOSITORY)
    assert project.rules
    before = digests(project.rules, project.schemas)
    assert before == digests(project.rules, project.schemas)
    own = project.rules.topics["patient_labs"]
    edited = own.model_copy(update={"valid": {**own.valid, "new": "true"}})
    topics = {**project.rules.topics, "patient_labs": edited}
    after = digests(project.rules.model_copy(update={"topics": topics}), project.schemas)
    assert {topic for topic in before if before[topic] != after[topic]} == {"patient_labs"}


def test_reading_starts_at_the_first_reject_of_each_partition() -> None:
    rejects = [_reject(7), _reject(3), replace(_reject(5), partition=1)]
    assert starts(rejects) == {("labs", 0): 3, ("labs", 1): 5}


def test_the_outcome_says_what_was_not_sent_and_why() -> None:
    one = (_reject(1),)
    assert report.outcome(Choice((), (), (), ()), 0) == "nothing is sent again"
    assert report.outcome(Choice((), one, one, one), 0) == (
        "nothing is sent again; 1 had been sent by a run that was killed; 1 were before, and"
        " they broke these very rules again; 1 stay: a newer record of the key has come since"
    )
