"""`make render` writes a script with which psql alone makes everything, from an empty database."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.clients.postgres import Database
from pipeline.repository import desired, loader
from tests.support.workspace import Workspace

NAME = "from_psql"
PSQL = shutil.which("psql")


@pytest.fixture
def empty(whole: Workspace) -> Iterator[str]:
    """A database with nothing in it; yields its address."""
    postgres = whole.target.postgres
    with whole.database() as connection:
        connection.execute(f"CREATE DATABASE {NAME}")
    yield f"postgresql://{postgres.admin}@{postgres.host}:{postgres.port}/{NAME}"
    with whole.database() as connection:
        connection.execute(f"DROP DATABASE {NAME}")


@pytest.mark.skipif(PSQL is None, reason="no psql: apt-get install postgresql-client")
def test_psql_alone_makes_every_table(whole: Workspace, empty: str, tmp_path: Path) -> None:
    whole.ok("render", "--output", str(tmp_path / "rendered"))
    script = tmp_path / "rendered" / "postgres" / "setup.sql"
    for _ in ("the first time", "again"):
        done = subprocess.run(
            ["psql", "--quiet", "--no-psqlrc", "--file", str(script), empty],
            env={
                "PGPASSWORD": whole.secrets["POSTGRES_PASSWORD"],
                "PGOPTIONS": "--client-min-messages=warning",
                "PATH": "/usr/bin:/bin",
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")
    declared = desired.render(loader.load(whole.root), whole.target.pipeline)
    database = whole.target.postgres.model_copy(update={"database": NAME})
    with Database(database, whole.secrets, whole.target.pipeline).transaction() as transaction:
        live = transaction.tables()
    assert {"alerts", "cleansing_runs"} < live.keys()
    for table in declared.tables:
        assert table.difference(live[table.name]) is None
        assert list(table.unfit(live[table.name])) == []
