"""The targets as the end-to-end tests see them: one interface for both."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import pytest
import yaml
from pytest_docker.plugin import DockerComposeExecutor, Services
from rich.console import Console

from pipeline.errors import PipelineError
from pipeline.paths import REPOSITORY
from scripts import passwords
from stack import backup, lifecycle, requirements, throwaway
from stack.layout import Layout
from stack.supervisor import Supervisor
from tests.support.embedded import TARGET, await_restart, pid_of

COMPOSE_FILE = REPOSITORY / "compose.yaml"
CONSOLE = Console(stderr=True)
# The services of the parts that a test kills, if they have other names.
EMBEDDED = {"trends": "flink", "other connect": "connect"}
COMPOSE = {"registry": "schema-registry", "trends": "ksqldb-server", "other connect": "connect"}


class Stack(Protocol):
    """A running target."""

    @property
    def target_file(self) -> Path:
        """Its target's file, with addresses that this machine reaches."""

    def kill(self, part: str) -> None:
        """Ends a part at once, without notice, and returns when it is started again."""

    @property
    def has_backup(self) -> bool:
        """Whether `make backup` is of this target."""

    def back_up(self, folder: Path) -> Path:
        """Copies what it stores to a new folder in one, while it runs."""

    def lose_and_restore(self, backup_folder: Path) -> None:
        """Ends all at once, deletes what is stored, and starts it again from a backup."""

    def logs(self) -> str:
        """The logs of all services."""

    def answered(self, questions: Path) -> int:
        """How many of a file's questions `make ksql` answers with rows."""


class Embedded:
    """The embedded stack of the test run."""

    parts = EMBEDDED

    def __init__(self, layout: Layout) -> None:
        self.layout = layout

    @property
    def target_file(self) -> Path:
        return TARGET

    def kill(self, part: str) -> None:
        service = self.parts.get(part, part)
        pid = pid_of(self.layout, service)
        # The group: the cleansing is a Python program and the JVM that it drives.
        os.killpg(pid, signal.SIGKILL)
        await_restart(self.layout, service, pid)

    has_backup = True

    def back_up(self, folder: Path) -> Path:
        return backup.take(self.layout, folder, CONSOLE)

    def lose_and_restore(self, backup_folder: Path) -> None:
        Supervisor(self.layout.socket).end(gently=())
        shutil.rmtree(self.layout.data)
        backup.restore(self.layout, backup_folder, CONSOLE)
        lifecycle.up(self.layout, CONSOLE)

    def logs(self) -> str:
        return "".join(file.read_text() for file in self.layout.logs.glob("*.log*"))

    def answered(self, questions: Path) -> int:
        command = [
            sys.executable,
            "-m",
            "stack",
            "ksql",
            str(questions),
            "--target",
            str(self.target_file),
        ]
        done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return len(re.findall(r"Received a total of [1-9]", done.stdout))


# The parts of the cluster that a test kills. There is another one of each, but of the cleansing.
CLUSTER = {
    "kafka": "kafka-2",
    "connect": "connect-1",
    "other connect": "connect-2",
    "spark": "spark-1",
    "trends": "flink-1",
}


class Cluster(Embedded):
    """The embedded stack as a cluster."""

    parts = CLUSTER

    @property
    def target_file(self) -> Path:
        return self.layout.state.parent / TARGET.name


@contextmanager
def cluster(folder: Path) -> Iterator[Layout]:
    """A cluster in a folder, on free ports; skips the test where there is no nginx."""
    try:
        requirements.nginx()
    except PipelineError as error:
        pytest.skip(str(error))
    with throwaway.running(REPOSITORY, folder, cluster=True) as layout:
        yield layout


class Compose:
    """compose.yaml under pytest-docker, on free ports."""

    def __init__(self, command: str, project: str, services: Services, folder: Path) -> None:
        self._docker = DockerComposeExecutor(command, str(COMPOSE_FILE), project)
        self._docker.execute("up --build --detach --wait")
        self._file = folder / "target.yaml"
        self._file.write_text(yaml.safe_dump(_reached(services, folder)))

    @property
    def target_file(self) -> Path:
        return self._file

    def kill(self, part: str) -> None:
        service = COMPOSE.get(part, part)
        self._docker.execute(f"kill --signal KILL {service}")
        self._docker.execute(f"up --detach --wait --no-recreate {service}")

    has_backup = False

    def back_up(self, folder: Path) -> Path:
        raise NotImplementedError

    def lose_and_restore(self, backup_folder: Path) -> None:
        raise NotImplementedError

    def logs(self) -> str:
        return str(self._docker.execute("logs --no-color").decode())

    def answered(self, questions: Path) -> int:
        mount = f"--volume {questions}:/questions.sql:ro"
        output = self.run(f"{mount} ksqldb-cli --file /questions.sql http://ksqldb-server:8088")
        # An answer's head is between two lines; a row follows, or else another answer.
        return len(re.findall(r"^\+-[-+]*\s*\n(?:\|.*\n)+\+-[-+]*\s*\n\|", output, re.MULTILINE))

    def run(self, command: str) -> str:
        """The output of a service of the profile `tools` that is run once."""
        return str(self._docker.execute(f"--profile tools run --rm --no-TTY {command}").decode())


def environment(folder: Path) -> Path:
    """A .env for the tests: passwords of their own, and free ports."""
    file = folder / ".env"
    passwords.ensure(file)
    names = ("POSTGRES", "KAFKA", "REGISTRY", "CONNECT", "KSQLDB", "REST", "KAFDROP", "AIRFLOW")
    with file.open("a") as lines:
        for name, port in zip(names, throwaway.free_ports(len(names)), strict=True):
            lines.write(f"{name}_PORT={port}\n")
    return file


def no_engine() -> str | None:
    """Why compose.yaml cannot be run here; None, if it can."""
    docker = shutil.which("docker")
    if docker is None:
        return "no Docker engine: there is no docker command"
    for question in (["info"], ["compose", "version"]):
        done = subprocess.run([docker, *question], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            return f"no Docker engine: docker {' '.join(question)}: {done.stderr.strip()[-200:]}"
    return None


def _reached(services: Services, folder: Path) -> Mapping[str, Any]:
    """targets/compose.yaml, as this machine reaches its services."""

    def at(service: str, port: int) -> str:
        return f"127.0.0.1:{services.port_for(service, port)}"

    target: dict[str, Any] = yaml.safe_load((REPOSITORY / "targets" / "compose.yaml").read_text())
    host, port = at("postgres", 5432).split(":")
    return {
        **target,
        "kafka": at("kafka", 9092),
        "registry": f"http://{at('schema-registry', 8081)}",
        "connect": f"http://{at('connect', 8083)}",
        "ksqldb": f"http://{at('ksqldb-server', 8088)}",
        "rest": f"http://{at('rest-proxy', 8082)}",
        "airflow": f"http://{at('airflow-api', 8080)}",
        "postgres": {"host": host, "port": int(port), "database": target["postgres"]["database"]},
        "secrets": str(folder / ".env"),
    }
