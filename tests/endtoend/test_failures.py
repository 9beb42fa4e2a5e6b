"""What a person sees when something is wrong: one clear message, exit code 1, in time."""

import os
import signal
import socket
import subprocess
import sys
import time

import pytest
import yaml

from pipeline.clients.postgres import Database
from pipeline.paths import REPOSITORY
from pipeline.wait import until
from tests.support import byhand, hands
from tests.support.workspace import Workspace, counts, widget_schema


def test_a_wrong_database_password(widgets: Workspace) -> None:
    name = widgets.name
    widgets.edit("connectors/sinks/widgets.yaml", config={"connection.password": "${env:JDBC_URL}"})
    begun = time.monotonic()
    done = widgets.run("deploy", "--deadline", "30")
    assert done.returncode == 1
    assert time.monotonic() - begun < 40
    assert f"sink {name}-sink: " in done.stderr
    assert 'password authentication failed for user "connect_writer"' in done.stderr
    # The rest of the report is there, and the cause gone, deploy mends it.
    assert f"✓  + source   {name}-source" in done.stderr
    widgets.edit("connectors/sinks/widgets.yaml", config={})
    widgets.ok("deploy")
    widgets.ok("status")


def test_an_unknown_connector_class_lists_what_is_installed(widgets: Workspace) -> None:
    spec = {"name": "other", "template": "none", "config": {"connector.class": "SfdcSource"}}
    widgets.write("connectors/sources/other.yaml", spec)
    done = widgets.run("deploy")
    assert done.returncode == 1
    assert (
        "connectors/sources/other.yaml:4: connector.class: unknown connector class" in done.stderr
    )
    assert "io.debezium.connector.jdbc.JdbcSinkConnector" in done.stderr
    assert "other" not in widgets.connectors()


@pytest.mark.parametrize("service", ["connect", "registry", "kafka", "postgres"])
def test_an_unreachable_service_is_named(widgets: Workspace, service: str) -> None:
    target = yaml.safe_load(widgets.target_file.read_text())
    kafka = target["kafka"] if isinstance(target["kafka"], dict) else {}
    # Port 9 of loopback: "discard", which nobody serves.
    nowhere: dict[str, object] = {
        "connect": "http://127.0.0.1:9",
        "registry": "http://127.0.0.1:9",
        "kafka": {**kafka, "bootstrap.servers": "127.0.0.1:9"},
        "postgres": {**target["postgres"], "port": 9},
    }
    path = widgets.write("broken.yaml", {**target, service: nowhere[service]})
    begun = time.monotonic()
    broken = Workspace(widgets.root, path, widgets.target)
    done = broken.run("plan")
    assert done.returncode == 1
    assert time.monotonic() - begun < 20
    titles = {
        "connect": "Kafka Connect cannot be reached at http://127.0.0.1:9",
        "registry": "Schema Registry cannot be reached at http://127.0.0.1:9",
        "kafka": "Kafka cannot be reached at 127.0.0.1:9",
        "postgres": "PostgreSQL at 127.0.0.1:9",
    }
    assert titles[service] in done.stderr
    assert "Traceback" not in done.stderr


def test_a_column_of_another_type_is_found_before_anything_is_written(widgets: Workspace) -> None:
    name = widgets.name
    with widgets.database() as connection:
        connection.execute(f"CREATE TABLE {name} (id text PRIMARY KEY, size bigint)")
    done = widgets.run("deploy")
    assert done.returncode == 1
    change = f'ALTER TABLE "{name}" ALTER COLUMN "size" TYPE integer USING "size"::integer'
    assert (
        f"connectors/sinks/widgets.yaml: table {name}: size is bigint, the topic's schema makes it"
        f" integer. No type is changed by itself: run {change}"
    ) in done.stderr
    assert f"sink {name}-sink: not made, because table {name} has a problem" in done.stderr
    assert f"subject {name}-value: not made, because table {name} has a problem" in done.stderr
    assert widgets.connectors() == {}
    with widgets.database() as connection:
        connection.execute(change)
    widgets.ok("deploy")


def test_a_required_column_that_old_rows_cannot_have_is_found_before(widgets: Workspace) -> None:
    name = widgets.name
    widgets.ok("deploy")
    _until_rows(widgets, name, 100)
    widgets.write(f"schemas/{name}.avsc", widget_schema({"name": "colour", "type": "string"}))
    defaults = {"partitions": 1, "replication": 1, "compatibility": "NONE"}
    widgets.write("topics.yaml", {"defaults": defaults, "topics": {name: {}}})
    byhand.another_entity(widgets, compatibility="NONE")
    done = widgets.run("deploy")
    assert done.returncode == 1
    assert (
        f'connectors/sinks/widgets.yaml: column "colour" of relation "{name}" contains null values'
    ) in done.stderr
    # That concerns one table only.
    assert f"✓  + table    {name}_more" in done.stderr
    assert f"✓  + sink     {name}-more-sink" in done.stderr
    has_default = {"name": "colour", "type": "string", "default": "grey"}
    widgets.write(f"schemas/{name}.avsc", widget_schema(has_default))
    widgets.ok("plan")


def test_a_table_in_use_holds_nobody_up_for_long(widgets: Workspace) -> None:
    name = widgets.name
    widgets.ok("deploy")
    colour = {"name": "colour", "type": "string", "default": "grey"}
    widgets.write(f"schemas/{name}.avsc", widget_schema(colour))
    with widgets.database() as connection, connection.transaction():
        connection.execute(f"SELECT count(*) FROM {name}")
        pid = connection.info.backend_pid
        begun = time.monotonic()
        done = widgets.run("plan")
        assert done.returncode == 1
        assert time.monotonic() - begun < 20
    assert f"connectors/sinks/widgets.yaml: {name} is locked by pid {pid}: " in done.stderr
    widgets.ok("plan")


def test_a_failed_task_shows_its_cause_and_deploy_restarts_it(widgets: Workspace) -> None:
    name = widgets.name
    widgets.ok("deploy")
    _until_rows(widgets, name, 100)
    with widgets.database() as connection:
        connection.execute(f"ALTER TABLE {name} RENAME COLUMN size TO extent")
    _produce_more(widgets, name)
    status = _until_failed(widgets, name)
    assert f"{name}-sink: task 0 FAILED: " in status
    assert "size" in status
    with widgets.database() as connection:
        connection.execute(f"ALTER TABLE {name} RENAME COLUMN extent TO size")
    plan = widgets.plan("--only", f"{name}-sink")
    assert [change["action"] for change in plan["changes"]] == ["restart"]
    widgets.ok("deploy", "--only", f"{name}-sink")
    _until_rows(widgets, name, 300)
    hands.ask(widgets.target.connect, "DELETE", f"/connectors/{name}-by-hand")


def test_a_pipeline_is_deployed_by_one_at_a_time(widgets: Workspace) -> None:
    database = Database(widgets.target.postgres, widgets.secrets, widgets.target.pipeline)
    with database.locked("render.py deploy"):
        for refused in (("deploy",), ("destroy", "--yes")):
            done = widgets.run(*refused)
            assert done.returncode == 1
            assert (
                f"another `deploy` or `destroy` of {widgets.target.pipeline} is under way:"
                f" render.py deploy, pid {os.getpid()}, "
            ) in done.stderr
            assert f"@{socket.gethostname()}, since " in done.stderr
        assert widgets.connectors() == {}
        widgets.ok("plan")
        widgets.ok("validate")
        assert widgets.run("status").returncode == 1
    widgets.ok("deploy")


# Deploys for ever.
@pytest.mark.parametrize("cut", [signal.SIGINT, signal.SIGTERM])
def test_who_is_cut_off_says_so_and_leaves_nothing_stopped(
    widgets: Workspace, cut: signal.Signals
) -> None:
    sink = f"{widgets.name}-sink"
    widgets.ok("deploy")
    widgets.edit("connectors/sinks/widgets.yaml", config={"batch.size": 7})
    deploying = widgets.start("deploy")
    until(
        lambda: widgets.connectors()[sink]["status"]["connector"]["state"],
        seconds=30,
        done=lambda state: state == "STOPPED",
        describe=lambda state: f"{sink} is {state}: nothing to cut off",
        every=0.02,
    )
    deploying.cut_off(cut)
    ended = deploying.ended()
    assert ended.returncode == 128 + cut
    assert "interrupted: " in ended.stderr.splitlines()[-1]
    assert "Traceback" not in ended.stderr
    # Whatever came of the change, the sink runs; the lock is free; and the next deployment ends it.
    widgets.await_well()
    widgets.ok("deploy")
    assert widgets.plan()["changes"] == []


HOLDER = """
import sys, time
from pathlib import Path
from pipeline.clients.postgres import Database
from pipeline.repository import target as targets
root = Path(sys.argv[1])
target = targets.load(root, sys.argv[2])
database = Database(target.postgres, targets.secrets(root, target), target.pipeline)
with database.locked("holder"):
    print("held", flush=True)
    time.sleep(600)
"""


def test_who_dies_holds_no_deployment_up(widgets: Workspace) -> None:
    command = [sys.executable, "-c", HOLDER, str(REPOSITORY), str(widgets.target_file)]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == "held\n"
        done = widgets.run("deploy")
        assert done.returncode == 1
        assert f"is under way: holder, pid {holder.pid}, " in done.stderr
        holder.kill()
    widgets.ok("deploy")


def _produce_more(space: Workspace, name: str) -> None:
    schema = (space.root / f"schemas/{name}.avsc").read_text()
    body = {
        "connector.class": "DatagenConnector",
        "kafka.topic": name,
        "schema.string": schema,
        "schema.keyfield": "id",
        "max.interval": "0",
        "iterations": "300",
    }
    path = f"/connectors/{name}-by-hand/config"
    hands.ask(space.target.connect, "PUT", path, body).raise_for_status()


def _until_rows(space: Workspace, table: str, rows: int) -> None:
    until(
        lambda: counts(space, (table,))[table],
        seconds=30,
        done=lambda count: count >= rows,
        describe=lambda count: f"{table} has {count} rows, not {rows}",
    )


def _until_failed(space: Workspace, name: str) -> str:
    status = until(
        lambda: space.run("status"),
        seconds=40,
        done=lambda run: run.returncode == 1 and f"{name}-sink: task 0" in run.stdout,
        describe=lambda run: f"the sink did not fail:\n{run.stdout if run else ''}",
    )
    return status.stdout
