"""The Makefile: `make help` tells all of it, and each target gives its words a meaning."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from pipeline.paths import REPOSITORY

MAKEFILE = (REPOSITORY / "Makefile").read_text()
TARGETS = REPOSITORY / "targets"
# What people's commands need, and nobody calls.
INTERNAL = {"engine", "install"}
# For a target without a .mk of its own.
ELSEWHERE = "elsewhere"


def _make(*arguments: str, where: Path = REPOSITORY) -> subprocess.CompletedProcess[str]:
    # Without the variables of the make that may run these tests.
    environment = {"PATH": os.environ["PATH"]}
    return subprocess.run(
        ["make", *arguments],
        cwd=where,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def _names(suffix: str) -> set[str]:
    return {file.stem for file in TARGETS.glob(f"*{suffix}")}


def _phony() -> set[str]:
    (said,) = re.findall(r"^\.PHONY: ((?:.*\\\n)*.*)", MAKEFILE, re.MULTILINE)
    return set(said.replace("\\\n", " ").split())


def test_help_lists_what_a_person_runs() -> None:
    done = _make("help")
    listed = re.findall(r"^  make (\S+) +\S", done.stdout, re.MULTILINE)
    assert sorted(listed) == sorted(_phony() - INTERNAL)


def test_a_command_is_not_taken_for_a_file() -> None:
    commands = re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE)
    assert set(commands) == _phony()


@pytest.mark.parametrize("command", ["plan", "up", "lint"])
def test_an_unknown_target_is_one_line_and_runs_nothing(command: str) -> None:
    done = _make(command, "TARGET=nowhere")
    assert (done.returncode, done.stdout) == (2, "")
    (said,) = done.stderr.splitlines()
    known = " ".join(sorted(_names(".yaml")))
    assert f"unknown target nowhere: TARGET is one of {known}." in said


@pytest.mark.parametrize("arguments", [(), ("help",)])
def test_help_works_with_an_unknown_target(arguments: tuple[str, ...]) -> None:
    done = _make(*arguments, "TARGET=nowhere")
    assert (done.returncode, done.stderr) == (0, "")
    assert "make deploy" in done.stdout


def test_each_target_of_ours_has_its_commands() -> None:
    ours = {"embedded", "compose"}
    assert _names(".mk") == {*ours, ELSEWHERE}
    assert ours <= _names(".yaml")


@pytest.mark.parametrize("file", sorted(TARGETS.glob("*.mk")), ids=lambda file: file.name)
def test_each_command_has_its_meaning_on_each_target(file: Path) -> None:
    def variables(path: Path) -> set[str]:
        return set(re.findall(r"^([A-Z_]+) :?=", path.read_text(), re.MULTILINE))

    text = file.read_text()
    used = set(re.findall(r"\$\(([A-Z_]+)\)", MAKEFILE))
    needed = variables(TARGETS / "embedded.mk")
    assert needed <= used
    own = variables(file) - needed
    assert needed <= variables(file)
    # OUTPUT is nothing but on compose; the others are words of the file itself.
    assert {name for name in own if f"$({name})" not in text} <= {"OUTPUT"}


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """The Makefile, with a target that somebody else's services are behind."""
    shutil.copy(REPOSITORY / "Makefile", tmp_path)
    shutil.copytree(TARGETS, tmp_path / "targets")
    embedded = (TARGETS / "embedded.yaml").read_text()
    (tmp_path / "targets" / "second.yaml").write_text(embedded)
    (tmp_path / "targets" / "mine.yaml").write_text(embedded.partition("embedded:")[0])
    return tmp_path


@pytest.mark.parametrize("target", ["second", "targets/second.yaml"])
def test_a_second_embedded_stack_is_started_here(mine: Path, target: str) -> None:
    done = _make("--dry-run", "--assume-old=setup", "up", f"TARGET={target}", where=mine)
    assert done.stdout == f".venv/bin/python -m stack up --target {target}\n"


@pytest.mark.parametrize("command", ["plan", "deploy", "status", "validate", "destroy", "cases"])
def test_what_works_on_any_target_works_on_a_persons_own(mine: Path, command: str) -> None:
    arguments = ("--dry-run", "--assume-old=.venv/.synced", command, "TARGET=mine")
    done = _make(*arguments, where=mine)
    name = {"cases": "test"}.get(command, command)
    run = f".venv/bin/python render.py {name} --target mine"
    both = f"failed=0; true || failed=1; {run} || failed=1; exit $failed"
    assert done.stdout.splitlines()[-1].split() == (both if command == "status" else run).split()


@pytest.mark.parametrize(("command", "old"), [("up", "setup"), ("down", ".venv/.synced")])
def test_nothing_is_started_or_stopped_that_runs_elsewhere(
    mine: Path, command: str, old: str
) -> None:
    done = _make(f"--assume-old={old}", command, "TARGET=mine", where=mine)
    assert done.returncode == 0
    assert "the services of target mine run elsewhere" in done.stderr


@pytest.mark.parametrize("command", ["logs", "clean", "ksql", "airflow-cli"])
def test_what_needs_our_services_says_so(mine: Path, command: str) -> None:
    done = _make("--assume-old=.venv/.synced", command, "TARGET=mine", where=mine)
    assert done.returncode == 2
    said = f"error: make {command}: the services of target mine run elsewhere"
    assert done.stderr.splitlines()[0] == said
