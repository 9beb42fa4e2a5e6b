"""What the machine lacks is told before anything starts."""

import socket
from pathlib import Path

import pytest

from pipeline.errors import PipelineError, UsageError
from pipeline.repository import envfile
from pipeline.repository.target import Target
from scripts import passwords
from stack import requirements
from stack.layout import layout_of


def _script(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def test_a_port_in_use_is_named_with_its_service() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(PipelineError, match=rf"127.0.0.1:{port} \(kafka\).*another port in"):
            requirements.check_ports({"kafka": ("127.0.0.1", port)})


def test_a_missing_jdk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(PipelineError, match=r"no Java: .*install JDK 17"):
        requirements.java()


def test_an_old_jdk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _script(tmp_path / "bin" / "java", "echo 'openjdk version \"11.0.2\"' >&2")
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(PipelineError, match=r"too old: openjdk version \"11.0.2\""):
        requirements.java()


def test_a_missing_maven(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PipelineError, match=r"no Maven: install it"):
        requirements.maven()


def test_a_full_disk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(requirements, "FREE_DISK_GB", 10**9)
    with pytest.raises(PipelineError, match=rf"{tmp_path}: .* GB free, .* needed"):
        requirements.check_disk(tmp_path / "not" / "there")


def test_an_ordinary_user_needs_no_namespace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert requirements.unprivileged() == ()


def test_root_without_user_namespaces_is_told_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    _script(tmp_path / "unshare", "exit 1")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr("os.geteuid", lambda: 0)
    with pytest.raises(PipelineError, match=r"refuses to run as root.*useradd"):
        requirements.unprivileged()


def test_secrets_are_private_and_stay(tmp_path: Path) -> None:
    path = tmp_path / "state" / "secrets.env"
    passwords.ensure(path)
    first = path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600
    values = envfile.read(path)
    assert values.keys() == passwords.NAMES.keys()
    assert len(set(values.values())) == len(values)
    assert min(map(len, values.values())) >= 32
    passwords.ensure(path)
    assert path.read_text() == first


def test_a_secret_that_an_older_file_lacks_is_added(tmp_path: Path) -> None:
    path = tmp_path / "secrets.env"
    path.write_text("POSTGRES_PASSWORD=kept\n")
    passwords.ensure(path)
    assert path.read_text().startswith("POSTGRES_PASSWORD=kept\n")
    assert "REGISTRY_PASSWORD=" in path.read_text()


def test_a_path_too_long_for_a_socket(tmp_path: Path) -> None:
    target = Target.model_validate(
        {
            "pipeline": "p",
            "kafka": "127.0.0.1:1",
            "registry": "http://127.0.0.1:2",
            "connect": "http://127.0.0.1:3",
            "postgres": {"host": "127.0.0.1", "port": 4, "database": "d"},
            "secrets": "s.env",
            "state": "x" * 120,
            "embedded": {"controller_port": 5},
        }
    )
    with pytest.raises(UsageError, match="longer than a Unix socket allows"):
        layout_of(tmp_path, target)
