"""The status that the cleansing writes, and the lock that it holds."""

import time
from pathlib import Path

import pytest

from pipeline.errors import PipelineError
from spark import status
from spark.status import Status


def test_what_is_written_is_read(tmp_path: Path) -> None:
    file = status.file_of(tmp_path)
    assert status.read(file) is None
    offsets = {"patients": {0: 5, 1: 7}}
    written = Status("running", clean=10, rejected=2, duplicates=1, batch=3, offsets=offsets)
    status.write(file, written)
    assert status.read(file) == written
    assert [child.name for child in file.parent.iterdir()] == [file.name]


def test_a_status_grows_old(tmp_path: Path) -> None:
    file = status.file_of(tmp_path)
    status.write(file, Status("running", at=time.time() - 100))
    read = status.read(file)
    assert read is not None
    assert 100 <= read.age_s < 110


def test_the_line_for_people() -> None:
    line = Status("running", clean=12345, rejected=6, duplicates=7).text
    counts = "cleansing: running; since its start: clean 12,345, rejected 6, duplicates 7"
    assert line(8901) == f"{counts}, lag 8,901"
    assert line(None) == counts


def test_a_checkpoint_has_one_job_which_others_see(tmp_path: Path) -> None:
    checkpoint = status.checkpoint_of(tmp_path)
    assert not status.runs(checkpoint)
    with status.only_job(checkpoint):
        assert status.runs(checkpoint)
        with (
            pytest.raises(PipelineError, match=r"pid \d+\) works on this checkpoint already"),
            status.only_job(checkpoint),
        ):
            pass
    assert not status.runs(checkpoint)
