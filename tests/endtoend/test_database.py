"""plan and deploy against the real database: what somebody changed there by hand, and locks."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from pipeline.clients.database import connect
from pipeline.errors import DeniedError
from tests.support import workspace
from tests.support.workspace import Workspace

# What a script of NAME makes, beside the roles.
SCRIPT = """
DO $$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'NAME_guest') THEN
    CREATE ROLE NAME_guest LOGIN;
  END IF;
END $$;
CREATE INDEX IF NOT EXISTS NAME_size ON NAME (size);
CREATE INDEX IF NOT EXISTS NAME_by_size ON NAME (size, id);
CREATE TABLE IF NOT EXISTS NAME_notes (
  note_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  body    text NOT NULL DEFAULT '',
  seen    date
);
COMMENT ON TABLE NAME_notes IS 'Notes';
CREATE TABLE IF NOT EXISTS NAME_pages (page int);
CREATE OR REPLACE VIEW NAME_large AS SELECT id FROM NAME WHERE size > 50;
CREATE OR REPLACE VIEW NAME_small AS SELECT id FROM NAME WHERE size < 50;
GRANT SELECT ON NAME_large, NAME_small, NAME_notes TO bi_reader, NAME_guest;
"""
# What somebody does by hand, and what plan shows of it: the key, before, after.
SETTLED = [
    ("DROP INDEX NAME_size", "index NAME_size of NAME", None, "(size)"),
    (
        "DROP INDEX NAME_by_size; CREATE INDEX NAME_by_size ON NAME (id)",
        "index NAME_by_size of NAME",
        "(id)",
        "(size, id)",
    ),
    ("DROP VIEW NAME_small", "view NAME_small", None, "size < 50"),
    (
        "CREATE OR REPLACE VIEW NAME_large AS SELECT id FROM NAME WHERE size > 99",
        "view NAME_large",
        "size > 99",
        "size > 50",
    ),
    ("DROP TABLE NAME_pages", "table NAME_pages", None, "exists"),
    (
        "ALTER TABLE NAME_notes ALTER body DROP NOT NULL, ALTER body DROP DEFAULT",
        "column body of NAME_notes",
        "text",
        "text not null default ''::text",
    ),
    ("ALTER TABLE NAME_notes DROP seen", "column seen of NAME_notes", None, "date"),
    (
        "ALTER TABLE NAME_notes DROP CONSTRAINT NAME_notes_pkey",
        "constraint NAME_notes_pkey of NAME_notes",
        None,
        "PRIMARY KEY (note_id)",
    ),
    ("COMMENT ON TABLE NAME_notes IS 'x'", "comment on table NAME_notes", "x", "Notes"),
    (
        "REVOKE SELECT ON NAME_notes FROM bi_reader",
        "privileges of bi_reader on NAME_notes",
        None,
        "SELECT",
    ),
    ("GRANT SELECT ON NAME TO PUBLIC", "privileges of PUBLIC on NAME", "SELECT", None),
    ("GRANT DELETE ON NAME TO bi_reader", "privileges of bi_reader on NAME", "DELETE", None),
    (
        "GRANT pg_read_all_data TO orchestrator",
        "membership of orchestrator in pg_read_all_data",
        "exists",
        None,
    ),
    ("DROP OWNED BY NAME_guest; DROP ROLE NAME_guest", "role NAME_guest", None, "LOGIN"),
    ("ALTER ROLE bi_reader NOLOGIN", "role bi_reader", "NOLOGIN", "LOGIN"),
    (
        "ALTER ROLE orchestrator PASSWORD 'by hand'",
        "role orchestrator",
        "another password",
        "that of ORCHESTRATOR_PASSWORD",
    ),
]
# What nobody deployed is nobody's drift.
THEIRS = (
    "CREATE INDEX NAME_theirs ON NAME_notes (body)",
    "CREATE TABLE NAME_others (a int)",
    "CREATE VIEW NAME_many AS SELECT count(*) FROM NAME",
)
# What loses data, or what no statement does: what plan says, and what a person runs then.
TOLD = [
    (
        "ALTER TABLE NAME_notes ALTER body TYPE varchar(9)",
        "run ALTER TABLE NAME_notes ALTER COLUMN body TYPE text USING body::text",
        "ALTER TABLE NAME_notes ALTER COLUMN body TYPE text USING body::text",
    ),
    (
        "CREATE OR REPLACE VIEW NAME_large AS SELECT id, size FROM NAME",
        "cannot drop columns from view. If it is a view, DROP it by hand",
        "DROP VIEW NAME_large",
    ),
]


@dataclass(frozen=True)
class Tables:
    """A workspace of which only the tables are deployed."""

    space: Workspace
    name: str

    @property
    def only(self) -> tuple[str, ...]:
        return ("--only", self.name, "--only", "db_setup.sql")

    def deploy(self) -> None:
        self.space.ok("deploy", *self.only)

    def changes(self) -> list[dict[str, Any]]:
        changes: list[dict[str, Any]] = self.space.plan(*self.only)["changes"]
        return changes

    def of(self, text: str) -> str:
        return text.replace("NAME", self.name)

    def run(self, statements: str) -> None:
        """As the administrator, by hand."""
        with self.space.database() as connection:
            connection.execute(self.of(statements).encode())

    def write(self, script: str) -> None:
        text = workspace.widget_script() + self.of(script)
        self.space.write("postgres/db_setup.sql", text)


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory, target_file: Path) -> Iterator[Tables]:
    name = f"database{uuid4().hex[:6]}"
    found = Tables(workspace.small(tmp_path_factory.mktemp("database"), target_file, name), name)
    found.write(SCRIPT)
    found.deploy()
    yield found
    found.run(
        "DROP SCHEMA IF EXISTS pipeline CASCADE; DROP TABLE NAME CASCADE;"
        " DROP TABLE IF EXISTS NAME_notes, NAME_pages, NAME_others; DROP ROLE IF EXISTS NAME_guest"
    )
    workspace.destroy(found.space)


@pytest.mark.parametrize(
    ("by_hand", "key", "before", "after"), SETTLED, ids=[key for _, key, *_ in SETTLED]
)
def test_a_drift_of_the_database_is_shown_and_settled(
    tables: Tables, by_hand: str, key: str, before: str | None, after: str | None
) -> None:
    tables.run(by_hand)
    (change,) = tables.changes()
    assert (change["name"], change["action"]) == ("db_setup.sql", "update")
    (edit,) = change["edits"]
    assert edit["key"] == tables.of(key)
    for said, expected in ((edit["before"], before), (edit["after"], after)):
        assert (said is None) == (expected is None)
        assert (expected or "") in (said or "")
    tables.deploy()
    assert tables.changes() == []


def test_what_nobody_deployed_is_no_drift_and_every_password_is_that_of_the_file(
    tables: Tables,
) -> None:
    for statement in THEIRS:
        tables.run(statement)
    assert tables.changes() == []
    assert "Nothing to change" in tables.space.ok("deploy", *tables.only)
    for role, secret in (("bi_reader", "BI_READER"), ("orchestrator", "ORCHESTRATOR")):
        _login(tables, role, tables.space.secrets[f"{secret}_PASSWORD"]).close()


def _login(tables: Tables, role: str, password: str) -> psycopg.Connection:
    return connect(tables.space.target.postgres, role, password, autocommit=True)


@pytest.mark.parametrize(("by_hand", "told", "remedy"), TOLD, ids=["type", "view"])
def test_what_would_lose_data_is_told_with_what_to_run(
    tables: Tables, by_hand: str, told: str, remedy: str
) -> None:
    tables.run(by_hand)
    tables.run("DROP INDEX NAME_size")
    done = tables.space.run("deploy", *tables.only)
    assert done.returncode == 1
    assert tables.of(told) in done.stderr
    # All or nothing.
    assert tables.space.rows(tables.of("SELECT to_regclass('NAME_size')")) == [(None,)]
    tables.run(remedy)
    tables.deploy()
    assert tables.changes() == []


@pytest.mark.parametrize(
    ("more", "line", "told"),
    [
        ("CREATE TABLE NAME_written (a int);\nCOMMIT;", 2, "COMMIT: the script runs in one"),
        ("CREATE TABLE NAME_written (a int);\nVACUUM;", 2, "VACUUM: PostgreSQL runs it outside"),
        ("\\set a 1", 1, "\\set: a command of psql"),
        ("CREATE TABLE NAME_written (a int);\nSELECT 1,\n  1/0;", 2, "division by zero"),
        ("SELECT 1,\n  nothing;", 2, 'column "nothing" does not exist'),
        ("DO $$\nBEGIN\n  COMMIT;\nEND $$;", 1, "invalid transaction termination"),
    ],
)
def test_a_script_that_cannot_run_is_told_by_its_line_and_writes_nothing(
    tables: Tables, more: str, line: int, told: str
) -> None:
    lines = (workspace.widget_script() + tables.of(SCRIPT)).count("\n")
    tables.write(SCRIPT + more)
    for command in ("plan", "deploy"):
        done = tables.space.run(command, *tables.only)
        assert done.returncode == 1
        assert f"postgres/db_setup.sql:{lines + line}: {told}" in done.stderr
    assert tables.space.rows(tables.of("SELECT to_regclass('NAME_written')")) == [(None,)]
    tables.write(SCRIPT)
    assert tables.changes() == []


def test_a_changed_script_is_shown_line_by_line(tables: Tables) -> None:
    tables.write(SCRIPT.replace("size > 50", "size > 60"))
    (change,) = tables.changes()
    view = tables.of("CREATE OR REPLACE VIEW NAME_large AS SELECT id FROM NAME WHERE size > {};")
    assert [(edit["before"], edit["after"]) for edit in change["edits"]] == [
        (view.format(50), None),
        (None, view.format(60)),
    ]
    tables.deploy()
    tables.write(SCRIPT)
    tables.deploy()
    assert tables.changes() == []


def test_nobody_waits_for_a_plan_and_it_says_who_holds_what(tables: Tables) -> None:
    tables.write(SCRIPT + "-- more\n")
    longest: list[float] = []

    def read() -> None:
        with tables.space.database() as connection:
            end = time.monotonic() + 15
            while time.monotonic() < end and not done:
                begun = time.monotonic()
                connection.execute(tables.of("SELECT count(*) FROM NAME_large").encode())
                longest.append(time.monotonic() - begun)

    done: list[Any] = []
    reader = Thread(target=read)
    with tables.space.database() as holder, holder.transaction():
        holder.execute("SET LOCAL application_name = 'a report'")
        holder.execute(tables.of("SELECT count(*) FROM NAME_small").encode())
        pid = holder.info.backend_pid
        reader.start()
        result = tables.space.run("plan")
        done.append(result)
        reader.join()
    assert result.returncode == 1
    locked = f"{tables.name}_small is locked by pid {pid}: postgres with a report, idle in"
    assert locked in result.stderr
    assert f"SELECT pg_terminate_backend({pid}) ends it" in result.stderr
    assert max(longest) < 6
    tables.write(SCRIPT)
    assert tables.changes() == []


def test_only_the_administrator_reads_what_is_stored(tables: Tables) -> None:
    stored = "SELECT count(*) FROM pipeline.deployed WHERE pipeline = 'NAME'"
    assert tables.space.rows(tables.of(stored)) == [(1,)]
    for role, secret in (("bi_reader", "BI_READER"), ("connect_writer", "CONNECT_WRITER")):
        password = tables.space.secrets[f"{secret}_PASSWORD"]
        with _login(tables, role, password) as connection:
            for question in ("SELECT * FROM pipeline.deployed", "CREATE TABLE pipeline.a ()"):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    connection.execute(question.encode())


def test_what_an_older_version_deployed_is_deployed_again(tables: Tables) -> None:
    database = tables.space.target.postgres.database
    tables.run(
        f"DROP SCHEMA pipeline CASCADE; COMMENT ON DATABASE {database} IS 'db_setup.sql sha256:1'"
    )
    assert [change["name"] for change in tables.changes()] == ["db_setup.sql"]
    tables.deploy()
    comment = "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = "
    assert tables.space.rows(f"{comment}'{database}'") == [(None,)]
    assert tables.changes() == []
    # What it made is known by its names.
    tables.run("DROP INDEX NAME_size")
    assert [edit["key"] for edit in tables.changes()[0]["edits"]] == [
        tables.of("index NAME_size of NAME")
    ]
    tables.deploy()


def test_a_wrong_password_logs_nobody_in(tables: Tables) -> None:
    with pytest.raises(DeniedError):
        _login(tables, "orchestrator", "by hand")
