"""The services' logs: each names its start and what goes wrong, and none grows without end."""

import configparser
import socket
from contextlib import suppress

import psycopg
import pytest

from pipeline.clients.database import connect
from pipeline.paths import REPOSITORY
from pipeline.repository import target as targets
from stack.layout import Layout
from stack.service import address
from tests.support import hands
from tests.support.logs import await_line, lines
from tests.support.workspace import Workspace


@pytest.mark.parametrize(
    ("service", "start"),
    [
        ("postgres", "LOG: +starting PostgreSQL 17"),
        ("kafka", "INFO .* Kafka Server started"),
        ("registry", "INFO .* started in .*Listening on: "),
        ("connect", "INFO .* Kafka Connect started"),
        ("flink", "INFO .* Rest endpoint listening at "),
        ("cleanse", "INFO .* waiting: make deploy: missing are "),
    ],
)
def test_a_log_has_the_start_of_its_service(stack: Layout, service: str, start: str) -> None:
    assert lines(stack, service, start)


def test_kafka_logs_what_is_no_request(stack: Layout) -> None:
    with socket.create_connection(address(stack.target.kafka["bootstrap.servers"])) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n\r\n")
        await_line(stack, "kafka", "WARN .* Unexpected error .*closing connection")


def test_postgres_logs_an_error_with_who_made_it(stack: Layout) -> None:
    with _postgres(stack, "postgres") as connection, suppress(psycopg.DataError):
        connection.execute("SELECT 1 / 0 AS planted")
    await_line(stack, "postgres", "postgres@postgres ERROR: +division by zero")


def test_the_registry_logs_an_error_of_its_storage(stack: Layout) -> None:
    with _postgres(stack, "registry") as connection:
        connection.execute("ALTER TABLE artifacts RENAME TO planted")
        try:
            answer = hands.ask(stack.target.registry, "GET", "/subjects/planted/versions")
        finally:
            connection.execute("ALTER TABLE planted RENAME TO artifacts")
    assert answer.status_code == 500
    await_line(stack, "registry", 'ERROR .*relation "artifacts" does not exist')


def test_connect_logs_a_task_that_fails(stack: Layout, widgets: Workspace) -> None:
    widgets.ok("deploy")
    name = f"{widgets.name}-source"
    path = f"/connectors/{name}/config"
    config = hands.ask(stack.target.connect, "GET", path).json()
    # Its schema is valid, and no default of the key's field is.
    hands.ask(stack.target.connect, "PUT", path, {**config, "schema.keyfield": "planted"})
    await_line(stack, "connect", f"ERROR .*id={name}-0.* Task threw an uncaught")


def test_flink_logs_a_statement_that_fails(stack: Layout) -> None:
    flink = stack.target.flink
    assert flink
    session = hands.ask(flink.gateway, "POST", "/v1/sessions", {}).json()["sessionHandle"]
    wrong = {"statement": "SELECT planted FROM nowhere"}
    hands.ask(flink.gateway, "POST", f"/v1/sessions/{session}/statements", wrong)
    await_line(stack, "flink", "ERROR .*Failed to execute the operation")
    hands.ask(flink.gateway, "DELETE", f"/v1/sessions/{session}")


def test_each_log_is_three_files_of_20_mb_at_most(stack: Layout) -> None:
    supervisor = configparser.RawConfigParser()
    supervisor.read(stack.run / "supervisord.conf")
    programs = [supervisor[name] for name in supervisor.sections() if name.startswith("program:")]
    assert {program.name.removeprefix("program:") for program in programs} >= {"kafka", "dashboard"}
    limits = {
        (program["stdout_logfile_maxbytes"], program["stdout_logfile_backups"])
        for program in programs
    }
    assert limits == {("20MB", "2")}
    # Whatever a service writes goes there.
    assert {program["redirect_stderr"] for program in programs} == {"true"}


def _postgres(stack: Layout, database: str) -> psycopg.Connection:
    password = targets.secrets(REPOSITORY, stack.target)["POSTGRES_PASSWORD"]
    postgres = stack.target.postgres
    return connect(postgres, postgres.admin, password, dbname=database, autocommit=True)
