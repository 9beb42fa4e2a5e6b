"""What a backup refuses, and how files are copied that change meanwhile."""

import json
from pathlib import Path

import pytest
import yaml
from rich.console import Console

from pipeline.errors import DeadlineError, PipelineError, UsageError
from pipeline.paths import REPOSITORY
from pipeline.repository import target as targets
from stack import backup, copies, requirements
from stack.layout import Layout, layout_of

CONSOLE = Console(quiet=True)


@pytest.fixture
def layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Layout:
    text = (REPOSITORY / "targets" / "embedded.yaml").read_text()
    file = tmp_path / "target.yaml"
    file.write_text(yaml.safe_dump({**yaml.safe_load(text), "state": str(tmp_path / "state")}))
    monkeypatch.setattr(requirements, "postgres_version", lambda: "17")
    return layout_of(REPOSITORY, targets.load(REPOSITORY, str(file)))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A backup with one file."""
    made = tmp_path / "made"
    (made / "data" / "kafka").mkdir(parents=True)
    (made / "data" / "kafka" / "meta.properties").write_text("x")
    _manifest(made)
    return made


def _manifest(folder: Path, **changes: object) -> None:
    manifest = {"pipeline": "p", "brokers": ["kafka"], "postgres": "17"}
    manifest["at"] = "2026-11-28T16:10:01Z"
    (folder / backup.MANIFEST).write_text(json.dumps({**manifest, **changes}))


def test_what_was_copied_is_put_back(layout: Layout, folder: Path) -> None:
    backup.restore(layout, folder, CONSOLE)
    assert (layout.data / "kafka" / "meta.properties").read_text() == "x"


def test_a_stack_that_is_down_has_nothing_to_copy(layout: Layout, tmp_path: Path) -> None:
    with pytest.raises(PipelineError, match="the stack is not up: make up"):
        backup.take(layout, tmp_path / "to", CONSOLE)
    assert not (tmp_path / "to").exists()


def test_a_folder_that_was_not_finished_is_no_backup(layout: Layout, folder: Path) -> None:
    (folder / backup.MANIFEST).unlink()
    with pytest.raises(
        UsageError, match=r"no backup, or one that has not ended: it has no backup\."
    ):
        backup.restore(layout, folder, CONSOLE)


def test_data_is_not_written_over(layout: Layout, folder: Path) -> None:
    (layout.data / "kafka").mkdir(parents=True)
    with pytest.raises(PipelineError, match="is not empty: move it away"):
        backup.restore(layout, folder, CONSOLE)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"brokers": ["kafka-1", "kafka-2"]}, "is of a stack with kafka-1, kafka-2; this one has"),
        ({"postgres": "16"}, "was written by PostgreSQL 16, and this is 17"),
        ({"other": 1}, "backup.json: Extra inputs"),
    ],
)
def test_what_does_not_fit_is_refused(
    layout: Layout, folder: Path, changes: dict[str, object], said: str
) -> None:
    _manifest(folder, **changes)
    with pytest.raises(PipelineError, match=said):
        backup.restore(layout, folder, CONSOLE)
    assert not layout.data.exists()


def test_a_folder_that_changes_is_copied_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "offsets").write_text("1")
    copy = copies.copy
    copied: list[str] = []

    def and_change(of: Path, to: Path) -> None:
        copy(of, to)
        copied.append((to / "offsets").read_text())
        if len(copied) < 3:
            (source / "offsets").write_text("1" * (len(copied) + 1))

    monkeypatch.setattr(copies, "copy", and_change)
    monkeypatch.setattr(copies, "SETTLE_S", 2)
    copies.copy_settled(source, tmp_path / "to")
    assert copied == ["1", "11", "111"]
    assert (tmp_path / "to" / "offsets").read_text() == "111"


def test_a_folder_that_changes_all_the_time_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "source"
    source.mkdir()
    copy = copies.copy

    def and_change(of: Path, to: Path) -> None:
        copy(of, to)
        with (source / "offsets").open("a") as file:
            file.write("1")

    monkeypatch.setattr(copies, "copy", and_change)
    monkeypatch.setattr(copies, "SETTLE_S", 0.2)
    with pytest.raises(DeadlineError, match="changes all the time"):
        copies.copy_settled(source, tmp_path / "to")


def test_some_content_is_left_out(tmp_path: Path) -> None:
    for name in ("base/1", "pg_wal/1", "pg_wal/archive/2", "postmaster.pid", "sub/pg_wal/1"):
        (tmp_path / "source" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "source" / name).touch()
    copies.copy(tmp_path / "source", tmp_path / "to", without=("pg_wal", "postmaster.pid"))
    found = {str(path.relative_to(tmp_path / "to")) for path in (tmp_path / "to").rglob("*")}
    assert found == {"base", "base/1", "pg_wal", "sub", "sub/pg_wal", "sub/pg_wal/1"}
