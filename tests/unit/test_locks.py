"""requirements/ pins what pyproject.toml asks for, and names no index."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.specifiers import SpecifierSet

from pipeline.paths import REPOSITORY
from tests.support import locks
from tests.support.locks import Pin

FILES = sorted((REPOSITORY / "requirements").glob("*.txt"))
# Those that `make` installs together.
TOGETHER = ("pipeline", "embedded", "dev")
SHA = "--hash=sha256:" + "0" * 64


def _project() -> dict[str, Any]:
    return tomllib.loads((REPOSITORY / "pyproject.toml").read_text())


def _pythons() -> list[str]:
    """The Python versions that the project supports."""
    supported = SpecifierSet(_project()["project"]["requires-python"])
    return [python for python in (f"3.{minor}" for minor in range(30)) if python in supported]


def _wanted() -> dict[str, list[str]]:
    """What pyproject.toml asks for, by the name of the lock."""
    project = _project()
    return {"pipeline": project["project"]["dependencies"], **project["dependency-groups"]}


def _pins(name: str) -> list[Pin]:
    text = (REPOSITORY / "requirements" / f"{name}.txt").read_text()
    return [locks.parse(line) for line in locks.lines(text)]


def test_each_group_has_its_lock() -> None:
    assert {file.stem for file in FILES} == set(_wanted())


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_lock_has_exact_versions_and_hashes_and_no_address(file: Path) -> None:
    text = file.read_text()
    assert list(locks.lines(text))
    assert list(locks.problems(text)) == []


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        ("--index-url https://mirror/simple\n", "it has a URL"),
        ("--find-links wheels\n", "--find-links wheels: is no requirement"),
        (f"rich @ https://mirror/rich.whl {SHA}\n", "it has a URL"),
        (f"rich>=15 \\\n    {SHA}\n", f"rich>=15      {SHA}: has no exact version"),
        (f"rich==15.* \\\n    {SHA}\n", f"rich==15.*      {SHA}: has no exact version"),
        ("rich==15.0.0\n    # via typer\n", "rich==15.0.0: has no hash of SHA-256"),
        ("rich==15.0.0 --hash=md5:0\n", "rich==15.0.0 --hash=md5:0: has no hash of SHA-256"),
    ],
)
def test_a_mistake_in_a_lock_is_found(text: str, finding: str) -> None:
    assert finding in list(locks.problems(text))


@pytest.mark.parametrize("name", _wanted())
def test_a_lock_pins_what_its_group_asks_for(name: str) -> None:
    assert list(locks.unpinned(_wanted()[name], _pins(name))) == []


def test_what_is_not_pinned_is_found() -> None:
    pins = [locks.parse(f"rich==15.0.0 {SHA}")]
    assert list(locks.unpinned(["rich>=15", "rich<15", "typer"], pins)) == [
        "rich<15: is pinned to 15.0.0",
        "typer: is not pinned",
    ]


@pytest.mark.parametrize("python", _pythons())
def test_the_locks_can_be_installed_together(python: str) -> None:
    pins = [pin for name in TOGETHER for pin in _pins(name)]
    environment = {"python_version": python, "python_full_version": f"{python}.0"}
    assert list(locks.clashes(pins, environment)) == []


def test_two_versions_of_a_package_are_found() -> None:
    texts = ("rich==15.0.0", "rich==15.0.1 ; python_full_version < '3.12'")
    pins = [locks.parse(f"{text} {SHA}") for text in texts]
    assert list(locks.clashes(pins, {"python_full_version": "3.11.0"})) == [
        "rich: 15.0.0 and 15.0.1"
    ]
    assert list(locks.clashes(pins, {"python_full_version": "3.12.0"})) == []
