"""The command line itself: where it runs, how it ends, and what it says of itself."""

import shutil
import sys
from pathlib import Path

import pytest

from pipeline import command
from pipeline.cli import app
from pipeline.paths import REPOSITORY
from tests.support import planted


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    planted.repository(tmp_path)
    shutil.copytree(REPOSITORY / "targets", tmp_path / "targets")
    monkeypatch.chdir(tmp_path)
    # Rich's width, so that no line is cut.
    monkeypatch.setenv("COLUMNS", "200")
    return tmp_path


def _run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["render.py", *arguments])
    with pytest.raises(SystemExit) as caught:
        command.run(app)
    return int(caught.value.code or 0)


Capture = pytest.CaptureFixture[str]


def test_what_is_right_is_rendered(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    assert _run(monkeypatch, "render") == 0
    assert (root / "build/rendered/connectors/widgets-sink.json").is_file()
    capsys.readouterr()


@pytest.mark.parametrize(
    ("path", "content", "message"),
    [
        (planted.SINK, "name: &a [*a]\n", "error: connectors/sinks/widgets.yaml:1: *a stands"),
        ("topics.yaml", b"\xff", "error: topics.yaml:1: byte 1 is not UTF-8"),
        ("build/rendered", "", "error: build/rendered cannot be written: Not a directory"),
    ],
)
def test_a_mistake_ends_with_2_and_its_place(
    root: Path,
    path: str,
    content: str | bytes,
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Capture,
) -> None:
    planted.plant(root, path, content)
    assert _run(monkeypatch, "render") == 2
    assert capsys.readouterr().err.startswith(message)


def test_in_a_folder_of_the_repository_the_right_one_is_named(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    for name in ("render", "graph", "plan", "test"):
        monkeypatch.chdir(root / "connectors")
        assert _run(monkeypatch, name) == 2
        assert capsys.readouterr().err == (
            f"error: no topics.yaml and no connectors/ are here: run this in {root}\n"
        )
    monkeypatch.chdir("/")
    assert _run(monkeypatch, "graph") == 2
    assert "are here, nor in a folder above" in capsys.readouterr().err


def test_it_tells_its_version_and_how_it_is_used(
    monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    assert _run(monkeypatch, "--version") == 0
    assert capsys.readouterr().out == f"{command.version()}\n"
    assert _run(monkeypatch, "-h") == _run(monkeypatch, "plan", "-h") == 0
    assert "Exit codes: 0 done" in capsys.readouterr().out


def test_a_shell_can_complete_it(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    monkeypatch.setenv("_RENDER.PY_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", "./render.py plan --o")
    monkeypatch.setenv("COMP_CWORD", "2")
    _run(monkeypatch)
    assert capsys.readouterr().out == "--only\n"
    assert (REPOSITORY / "render.py").stat().st_mode & 0o111
