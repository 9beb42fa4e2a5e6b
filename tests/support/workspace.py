"""A repository for one test: specs in a temporary folder, deployed to the test's stack."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import yaml

from pipeline.clients.database import connect
from pipeline.paths import REPOSITORY
from pipeline.repository import target as targets
from pipeline.wait import until
from tests.support import hands
from tests.support.program import SHORT, Running, Watch
from tests.support.tags import tagged

DETAILS = ("patients", "admissions", "diagnoses", "labs", "rejects")
VIEWS_OF_TRENDS = ("department_census", "top_diagnoses")
DECLARED = (
    "connectors", "schemas", "postgres", "ksql", "topics.yaml", "spark/rules.yaml",
    "spark/cases", "scripts/requests",
)  # fmt: skip


@dataclass(frozen=True)
class Workspace:
    """A folder that render.py runs in."""

    root: Path
    target_file: Path
    target: targets.Target
    watch: Watch = SHORT

    @property
    def name(self) -> str:
        """The pipeline's, and that of all in a small one."""
        return self.target.pipeline

    @property
    def secrets(self) -> dict[str, str]:
        return dict(targets.secrets(REPOSITORY, self.target))

    def start(self, command: str, *options: str) -> Running:
        """Starts render.py. On the cluster, its programs first get the rights for what is here."""
        hands.grant(self.root, self.target)
        arguments = [command, "--target", str(self.target_file), *options]
        return Running(arguments, self.root, self.watch)

    def run(self, command: str, *options: str) -> subprocess.CompletedProcess[str]:
        """Runs render.py to its end."""
        return self.start(command, *options).ended()

    def ok(self, command: str, *options: str) -> str:
        """The standard output of a command that succeeds."""
        done = self.run(command, *options)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def plan(self, *options: str) -> dict[str, Any]:
        plan: dict[str, Any] = json.loads(self.ok("plan", "--json", *options))
        return plan

    def await_changes(self, wanted: list[tuple[str, str]]) -> dict[str, Any]:
        """The plan, once it has these changes, by name and action.

        Of what somebody did by hand at one worker, another one hears a moment later.
        """
        return until(
            self.plan,
            seconds=20,
            done=lambda plan: [(c["name"], c["action"]) for c in plan["changes"]] == wanted,
            describe=lambda plan: f"plan has {plan and plan['changes']}",
        )

    def write(self, path: str, content: object) -> Path:
        """A file of the workspace: YAML, JSON for .avsc, or text."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, str):
            file.write_text(content)
        elif file.suffix == ".avsc":
            file.write_text(json.dumps(tagged(content), indent=2))
        else:
            file.write_text(yaml.safe_dump(content, sort_keys=False))
        return file

    def edit(self, path: str, **changes: object) -> None:
        """Top-level keys of a YAML file."""
        file = self.root / path
        self.write(path, {**yaml.safe_load(file.read_text()), **changes})

    def await_well(self, seconds: float = 60) -> None:
        """Waits until `status` finds nothing wrong."""
        until(
            lambda: self.run("status"),
            seconds=seconds,
            done=lambda status: status.returncode == 0,
            describe=lambda status: status.stdout + status.stderr if status else "",
            every=1,
        )

    def connectors(self) -> dict[str, Any]:
        """Every connector with its configuration and state, as the worker has them."""
        path = "/connectors?expand=info&expand=status"
        answer: dict[str, Any] = hands.ask(self.target.connect, "GET", path).json()
        return answer

    def database(self) -> psycopg.Connection:
        postgres = self.target.postgres
        password = self.secrets["POSTGRES_PASSWORD"]
        return connect(postgres, postgres.admin, password, autocommit=True)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with self.database() as connection:
            return connection.execute(query.encode()).fetchall()


def copy(root: Path) -> None:
    """Copies what this repository declares."""
    for name in DECLARED:
        source = REPOSITORY / name
        if source.is_dir():
            shutil.copytree(source, root / name)
        else:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, root / name)


def full(root: Path, target_file: Path, *, trends: bool = False) -> Workspace:
    """A copy of what this repository declares; without its trends where they are not looked at."""
    copy(root)
    space = workspace_of(root, target_file)
    if not trends:
        without_trends(space)
    return space


def without_trends(space: Workspace) -> None:
    """Drops ksql/, the sinks of what it makes, and the views over their tables."""
    shutil.rmtree(space.root / "ksql")
    for file in (space.root / "connectors" / "sinks").glob("*.yaml"):
        if file.stem not in DETAILS:
            file.unlink()
    script = (space.root / "postgres" / "db_setup.sql").read_text()
    for view in VIEWS_OF_TRENDS:
        script = re.sub(rf"CREATE OR REPLACE VIEW {view} .*?;\n", "", script, flags=re.DOTALL)
        script = re.sub(rf"COMMENT ON VIEW {view} .*?;\n", "", script, flags=re.DOTALL)
        script = script.replace(f"{view}, ", "")
    reporting = r"-- Reporting -.*(?=-- Privileges on )"
    script = re.sub(reporting, "", script, flags=re.DOTALL)
    space.write("postgres/db_setup.sql", script)


def without_sources(space: Workspace) -> None:
    """Drops the sources: the test writes their topics."""
    shutil.rmtree(space.root / "connectors" / "sources")
    topics = yaml.safe_load((space.root / "topics.yaml").read_text())
    for topic in topics["topics"].values():
        topic["written_by"] = "the test"
    space.write("topics.yaml", topics)


def small(root: Path, target_file: Path, name: str) -> Workspace:
    """One source, one topic, one sink and one table: a pipeline of its own, called `name`."""
    own = root / "target.yaml"
    own.write_text(re.sub(r"(?m)^pipeline: .*$", f"pipeline: {name}", target_file.read_text()))
    space = workspace_of(root, own)
    shutil.copytree(REPOSITORY / "connectors" / "templates", root / "connectors" / "templates")
    defaults = {"partitions": 1, "replication": 1, "compatibility": "BACKWARD"}
    space.write("topics.yaml", {"defaults": defaults, "topics": {name: {}}})
    space.write(f"schemas/{name}.avsc", widget_schema())
    space.write("postgres/db_setup.sql", widget_script())
    source = {"name": f"{name}-source", "template": "datagen", "topic": name, "key": "id"}
    space.write("connectors/sources/widgets.yaml", {**source, "iterations": 100, "seed": 1})
    sink = {"name": f"{name}-sink", "template": "jdbc-sink", "topics": [name]}
    space.write("connectors/sinks/widgets.yaml", {**sink, "table": name, "key": ["id"]})
    return space


def workspace_of(root: Path, target_file: Path) -> Workspace:
    """A folder with specs, and the target that they are for."""
    return Workspace(root, target_file, targets.load(REPOSITORY, str(target_file)))


def widget_schema(*more: dict[str, Any]) -> dict[str, Any]:
    identifier = {"type": "string", "arg.properties": {"prefix": "W", "iteration": {"start": 0}}}
    size = {"type": "int", "arg.properties": {"range": {"min": 0, "max": 100}}}
    fields = [{"name": "id", "type": identifier}, {"name": "size", "type": size}, *more]
    return {"type": "record", "name": "Widget", "namespace": "test", "fields": fields}


def widget_script() -> str:
    """The roles, and nothing else."""
    script = (REPOSITORY / "postgres" / "db_setup.sql").read_text()
    return script.split("-- Tables of the sinks")[0]


def counts(space: Workspace, tables: Iterator[str] | tuple[str, ...]) -> dict[str, int]:
    """Rows per table."""
    return {table: space.rows(f"SELECT count(*) FROM {table}")[0][0] for table in tables}


def cleanse_once(
    space: Workspace, checkpoint: Path, root: Path = REPOSITORY
) -> subprocess.CompletedProcess[str]:
    """Runs the cleansing until it has caught up, with the rules and schemas of a folder."""
    command = [sys.executable, "-m", "spark.job", "--once", "--target", str(space.target_file)]
    return subprocess.run(
        [*command, "--checkpoint", str(checkpoint)],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=False,
    )


def wipe(space: Workspace) -> None:
    """Destroys what was deployed, and drops the tables."""
    destroy(space)
    with space.database() as connection:
        connection.execute("DROP SCHEMA IF EXISTS bi CASCADE")
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
        connection.execute("DROP SCHEMA IF EXISTS pipeline CASCADE")


def destroy(space: Workspace) -> None:
    """Destroys what was deployed."""
    done = space.run("destroy", "--yes")
    # A workspace that the test left with a mistake in it cannot be read; its names are its own.
    assert done.returncode in {0, 2}, done.stderr
