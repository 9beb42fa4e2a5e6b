"""The status that the cleansing writes."""

import time
from pathlib import Path

from spark import status
from spark.status import Status


def test_what_is_written_is_read(tmp_path: Path) -> None:
    file = status.file_of(tmp_path)
    assert status.read(file) is None
    written = Status("running", clean=10, rejected=2)
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
    line = Status("running", clean=12345, rejected=6).text
    counts = "up to its last checkpoint: clean 12,345, rejected 6"
    assert line(8901) == f"cleansing: running, lag 8,901; {counts}"
    assert line(None) == f"cleansing: running; {counts}"
