"""The cleansing job as a person runs it."""

import json
from collections import Counter
from pathlib import Path

from stack.layout import Layout
from stack.throwaway import peak_mb
from tests.support import golden, records
from tests.support.delivery import FED, REDELIVERED, feed
from tests.support.workspace import Workspace, cleanse_once


def _broken() -> Counter[str]:
    """How often each rule is broken, by the rejects that were looked at once."""
    counts: Counter[str] = Counter()
    for line in (golden.FOLDER / "rejects.txt").read_text().splitlines():
        _, rules, count = line.split()
        counts.update(dict.fromkeys(rules.split(","), int(count)))
    return counts


def test_a_second_job_on_one_checkpoint_is_refused(hospital: Workspace, stack: Layout) -> None:
    done = cleanse_once(hospital, stack.data / "cleanse")
    assert done.returncode == 1
    assert "works on this checkpoint already" in done.stderr
    assert done.stdout == ""


def test_once_catches_up_says_what_became_of_each_record_and_then_finds_nothing(
    hospital: Workspace, stack: Layout, tmp_path: Path
) -> None:
    feed(hospital)
    done = cleanse_once(hospital, tmp_path / "checkpoint")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    raw = sum(len(records.read(hospital.target, topic)) for topic in FED)
    assert said["raw"] == raw
    assert said["clean"] + said["rejected"] + said["duplicates"] == raw
    assert said["duplicates"] == REDELIVERED
    assert said["rules"] == _broken()
    assert 200 < peak_mb(stack, "cleanse") < 1500
    again = json.loads(cleanse_once(hospital, tmp_path / "checkpoint").stdout)
    assert (again["raw"], again["clean"], again["rejected"]) == (0, 0, 0)
