"""A target's secrets: a file that only its owner reads, or the environment."""

from pathlib import Path

import pytest

from pipeline.errors import PipelineError
from pipeline.repository.target import Target, secrets


def _target(**more: str) -> Target:
    target = {
        "pipeline": "p",
        "kafka": "127.0.0.1:1",
        "registry": "http://127.0.0.1:2",
        "connect": "http://127.0.0.1:3",
        "postgres": {"host": "127.0.0.1", "port": 4, "database": "d"},
        "state": "s",
    }
    return Target.model_validate({**target, **more})


def _file(folder: Path, text: str, mode: int = 0o600) -> None:
    file = folder / "secrets.env"
    file.write_text(text)
    file.chmod(mode)


def test_values_are_taken_as_they_are_and_the_environment_goes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _file(
        tmp_path,
        '# A comment\nA=x_-=+/\nexport B="two words"\n\nC=$A${A}\nD=of the file\n'
        "POSTGRES_PASSWORD=x_-=+/\n",
    )
    monkeypatch.setenv("D", "environment")
    assert secrets(tmp_path, _target(secrets="secrets.env")) == {
        "A": "x_-=+/",
        "B": "two words",
        "C": "$A${A}",
        "D": "environment",
        "POSTGRES_PASSWORD": "x_-=+/",
    }


def test_a_file_that_others_can_read_or_that_is_missing_is_refused(tmp_path: Path) -> None:
    target = _target(secrets="secrets.env")
    with pytest.raises(PipelineError, match=r"secrets\.env is missing: `make up` generates it"):
        secrets(tmp_path, target)
    _file(tmp_path, "A=1\n", 0o640)
    with pytest.raises(PipelineError, match=r"other users can read .*: chmod 600"):
        secrets(tmp_path, target)


def test_without_a_file_the_passwords_are_in_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("POSTGRES_PASSWORD", raising=False)
    with pytest.raises(PipelineError, match="make deploy TARGET=compose"):
        secrets(tmp_path, _target())
    monkeypatch.setenv("POSTGRES_PASSWORD", "secret")
    assert secrets(tmp_path, _target())["POSTGRES_PASSWORD"] == "secret"
