"""Where the bench deploys: a copy of what the repository declares, and its stack's services."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import psycopg
import yaml

from pipeline import codec
from pipeline.clients import records
from pipeline.clients.database import connect
from pipeline.clients.registry import Registry
from pipeline.paths import REPOSITORY
from pipeline.repository import target as targets
from pipeline.repository.loader import load
from pipeline.schemas import subject_of

# The sinks of the clean topics and of the rejects: postgres/db_setup.sql builds on their tables.
SINKS = ("patients", "admissions", "diagnoses", "labs", "rejects")
DECLARED = ("connectors", "ksql", "postgres", "schemas", "spark", "topics.yaml")


@dataclass(frozen=True)
class Space:
    """A folder that render.py runs in."""

    root: Path
    target_file: Path

    @cached_property
    def target(self) -> targets.Target:
        """Where its services are."""
        return targets.load(REPOSITORY, str(self.target_file))

    def run(self, command: str, *options: str) -> str:
        """What a command of render.py prints; it has to succeed."""
        program = [sys.executable, str(REPOSITORY / "render.py"), command]
        done = subprocess.run(
            [*program, "--target", str(self.target_file), *options],
            cwd=self.root,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def declare(self, *specs: str) -> None:
        """Has SINKS and these specs of the repository and no other, as in sources/patients."""
        for file in (self.root / "connectors").glob("*/*.yaml"):
            file.unlink()
        for spec in (*(f"sinks/{name}" for name in SINKS), *specs):
            path = f"connectors/{spec}.yaml"
            shutil.copy(REPOSITORY / path, self.root / path)

    def edit(self, path: str, **changes: object) -> None:
        """Sets top-level keys of a YAML file."""
        file = self.root / path
        file.write_text(yaml.safe_dump({**yaml.safe_load(file.read_text()), **changes}))

    def database(self) -> psycopg.Connection:
        """A connection as the database's administrator, each statement committed at once."""
        postgres = self.target.postgres
        password = targets.secrets(REPOSITORY, self.target)["POSTGRES_PASSWORD"]
        return connect(postgres, postgres.admin, password, autocommit=True)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        with self.database() as connection:
            return connection.execute(query.encode()).fetchall()

    def count(self, table: str) -> int:
        """How many rows a table has."""
        return int(self.rows(f"SELECT count(*) FROM {table}")[0][0])

    def encoder(self, topic: str) -> Callable[[Mapping[str, Any]], bytes]:
        """Makes values under the topic's registered schema."""
        registered = Registry(self.target.registry).latest(subject_of(topic))
        return codec.encoder(load(self.root).schemas[topic], registered.id)

    def write(self, topic: str, values: Iterable[tuple[str, Mapping[str, Any]]]) -> None:
        """Writes records, key and value each."""
        encode = self.encoder(topic)
        encoded = ((key.encode(), encode(value)) for key, value in values)
        records.write(self.target.kafka, topic, encoded)


def copy(root: Path, target_file: Path) -> Space:
    """A space with a copy of all that the repository declares."""
    for name in DECLARED:
        source = REPOSITORY / name
        if source.is_dir():
            shutil.copytree(source, root / name)
        else:
            shutil.copy(source, root / name)
    space = Space(root, target_file)
    topics = yaml.safe_load((root / "topics.yaml").read_text())["topics"]
    outside = {"written_by": "the bench", "read_by": "the bench"}
    # A part of the bench writes and reads what the repository's connectors do not there.
    space.edit("topics.yaml", topics={name: {**spec, **outside} for name, spec in topics.items()})
    return space


def without_trends(root: Path, target_file: Path) -> Space:
    """The same without ksql/, the sinks of what it makes, and the views over their tables."""
    space = copy(root, target_file)
    shutil.rmtree(root / "ksql")
    declared = yaml.safe_load((root / "topics.yaml").read_text())["topics"]
    for file in (root / "connectors" / "sinks").glob("*.yaml"):
        if not set(yaml.safe_load(file.read_text())["topics"]) <= declared.keys():
            file.unlink()
    script = root / "postgres" / "db_setup.sql"
    script.write_text(script.read_text().partition("-- Views for BI")[0])
    return space
