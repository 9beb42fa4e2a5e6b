"""A password that is changed in the file of secrets reaches everything that uses it."""

import subprocess
import sys

import pytest

from pipeline.clients.database import connect
from pipeline.errors import DeniedError
from pipeline.paths import REPOSITORY
from pipeline.wait import until
from stack.layout import Layout
from stack.supervisor import Supervisor
from tests.support.embedded import TARGET, pid_of, rotate
from tests.support.workspace import Workspace

ROLES = {
    "postgres": "POSTGRES_PASSWORD",
    "connect_writer": "CONNECT_WRITER_PASSWORD",
    "bi_reader": "BI_READER_PASSWORD",
    "registry": "REGISTRY_PASSWORD",
    "airflow": "AIRFLOW_DB_PASSWORD",
}


def _up() -> str:
    done = subprocess.run(
        [sys.executable, "-m", "stack", "up", "--target", str(TARGET)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stderr


def test_deploy_alone_gives_a_role_its_password(widgets: Workspace, stack: Layout) -> None:
    widgets.ok("deploy")
    before = rotate(stack, "BI_READER_PASSWORD")
    (change,) = widgets.plan()["changes"]
    assert change["name"] == "db_setup.sql"
    (edit,) = change["edits"]
    assert (edit["key"], edit["after"]) == ("role bi_reader", "that of BI_READER_PASSWORD")
    assert "bi_reader has the password BI_READER_PASSWORD now" in widgets.run("deploy").stderr
    assert widgets.plan()["changes"] == []
    connect(stack.target.postgres, "bi_reader", widgets.secrets["BI_READER_PASSWORD"]).close()
    with pytest.raises(DeniedError):
        connect(stack.target.postgres, "bi_reader", before["BI_READER_PASSWORD"])
    # No service has it in its environment.
    pid = pid_of(stack, "connect")
    assert "changed since" not in _up()
    assert pid_of(stack, "connect") == pid


def test_up_gives_every_role_and_service_its_password(widgets: Workspace, stack: Layout) -> None:
    widgets.ok("deploy")
    name = next((widgets.root / "schemas").glob("*.avsc")).stem
    before = rotate(stack, *ROLES.values())
    said = _up()
    assert "changed since the services were started: AIRFLOW_DATABASE_URL, CONNECT_WRITER" in said
    assert "POSTGRES_PASSWORD: it gets this one" in said
    for role, secret in ROLES.items():
        password = widgets.secrets[secret]
        assert password not in said
        connect(stack.target.postgres, role, password, dbname="postgres").close()
        with pytest.raises(DeniedError):
            connect(stack.target.postgres, role, before[secret], dbname="postgres")
    environment = Supervisor(stack.socket).environment()
    assert environment["CONNECT_WRITER_PASSWORD"] == widgets.secrets["CONNECT_WRITER_PASSWORD"]
    # The registry answers, and the sink writes.
    widgets.await_well()
    assert widgets.plan()["changes"] == []
    widgets.edit("connectors/sources/widgets.yaml", iterations=200)
    widgets.ok("deploy")
    until(
        lambda: widgets.rows(f"SELECT count(*) FROM {name}")[0][0],
        seconds=60,
        done=lambda count: count == 200,
        describe=lambda count: f"{count} rows of 200",
    )
    connectors = [pid_of(stack, "connect"), pid_of(stack, "registry")]
    assert "changed since" not in _up()
    assert [pid_of(stack, "connect"), pid_of(stack, "registry")] == connectors
