"""A principal that may only read can plan, and is told what it may not see."""

import shutil
from pathlib import Path

import pytest
import yaml

from tests.support.program import run
from tests.support.workspace import Workspace, workspace_of

ROLE = "planner_of_a_test"
ROLE_STATEMENTS = (
    f"CREATE ROLE {ROLE} LOGIN PASSWORD 'only-for-reading'",
    f"GRANT USAGE ON SCHEMA public, pipeline TO {ROLE}",
    f"GRANT SELECT ON ALL TABLES IN SCHEMA public, pipeline TO {ROLE}",
)


@pytest.fixture
def reader(deployed: Workspace, own_target: Path, tmp_path: Path) -> Workspace:
    """The deployed repository, as Airflow's principal and a role of PostgreSQL that only reads."""
    secret = tmp_path / "password"
    secret.write_text("only-for-reading")
    secret.chmod(0o600)
    with deployed.database() as connection:
        for statement in ROLE_STATEMENTS:
            connection.execute(statement.encode())
    settings = yaml.safe_load(own_target.read_text())
    settings["kafka"] |= settings["principals"]["airflow"]
    settings["postgres"] |= {"user": ROLE, "password": f"${{file:{secret}}}"}
    own_target.write_text(yaml.safe_dump(settings, sort_keys=False))
    shutil.copytree(deployed.root, tmp_path / "copy")
    return workspace_of(tmp_path / "copy", own_target)


def test_it_sees_what_differs_and_is_told_what_it_may_not_see(reader: Workspace) -> None:
    reader.edit("connectors/sinks/labs.yaml", config={"batch.size": 1000})
    script = reader.root / "postgres" / "db_setup.sql"
    script.write_text(script.read_text() + "CREATE INDEX more ON patients (race);\n")
    # Not by the workspace, which would give this principal the rights of a deployment.
    done = run("render.py", "plan", "--target", str(reader.target_file), folder=reader.root)
    assert done.returncode == 0, done.stderr
    planned = done.stdout
    assert "~ batch.size: 2000 → 1000" in planned
    assert "+ CREATE INDEX more ON patients (race);" in planned
    assert "2 to update." in planned
    unseen = [line for line in planned.splitlines() if line.startswith("Not seen: ")]
    assert any("patient_labs, " in line and "acls.sh" in line for line in unseen), planned
    assert any("only a superuser may see that" in line for line in unseen)
    assert any("whether each table can be made so" in line and ROLE in line for line in unseen)
    assert " + topic" not in planned
