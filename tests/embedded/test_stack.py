"""The embedded stack itself: what dies comes back, what runs is left alone."""

import os
import signal
import subprocess
import sys

import pytest
from rich.console import Console

from pipeline.clients.database import connect
from pipeline.errors import DeniedError
from pipeline.paths import REPOSITORY
from pipeline.wait import until
from stack import lifecycle
from stack.layout import Layout
from stack.services import services
from stack.supervisor import Supervisor
from tests.support import hands, records
from tests.support.embedded import TARGET, await_restart, listening, pid_of
from tests.support.workspace import Workspace, counts

SERVICES = ("postgres", "kafka", "registry", "connect", "flink", "cleanse")


def _command(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "stack", *arguments, "--target", str(TARGET)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_second_up_leaves_everything_as_it_is(stack: Layout) -> None:
    before = {service: pid_of(stack, service) for service in SERVICES}
    assert _command("up").returncode == 0
    assert {service: pid_of(stack, service) for service in SERVICES} == before


def test_status_shows_every_service(stack: Layout) -> None:
    done = _command("status")
    assert done.returncode == 0, done.stdout
    for service in SERVICES:
        assert str(pid_of(stack, service)) in done.stdout


def test_a_wrong_password_is_told_from_a_server_that_is_down(stack: Layout) -> None:
    with pytest.raises(DeniedError, match="password authentication failed"):
        connect(stack.target.postgres, "postgres", "wrong", dbname="postgres")


def test_everything_listens_on_loopback_only(stack: Layout) -> None:
    addresses = listening(stack)
    assert {service.listens_at for service in services(stack, {}) if service.address} <= addresses
    assert {address.rpartition(":")[0] for address in addresses} == {"127.0.0.1"}


@pytest.mark.parametrize("service", ["kafka", "postgres", "registry"])
def test_what_is_killed_comes_back_with_its_data(
    widgets: Workspace, stack: Layout, service: str
) -> None:
    widgets.ok("deploy")
    pid = pid_of(stack, service)
    os.kill(pid, signal.SIGKILL)
    await_restart(stack, service, pid)
    until(
        lambda: [state.service.name for state in lifecycle.status(stack) if not state.healthy],
        seconds=60,
        done=lambda unhealthy: not unhealthy,
        describe=lambda unhealthy: f"unhealthy after {service} was killed: {unhealthy}",
    )
    # The registry has its schemas, the broker its topics, the database its tables: all that may be
    # left to do is to restart a connector.
    assert {change["action"] for change in widgets.plan()["changes"]} <= {"restart"}
    widgets.ok("deploy")


def test_while_the_registry_is_away_no_record_is_dead_lettered(
    widgets: Workspace, stack: Layout
) -> None:
    # Converters look a schema up again every 30 s: the feed goes on for longer than that.
    widgets.edit("connectors/sources/widgets.yaml", iterations=1000, max_interval_ms=100)
    widgets.ok("deploy")
    _await_rows(widgets, 200)
    supervisor = Supervisor(stack.socket)
    supervisor.stop("registry")
    try:
        _await_rows(widgets, 900)
        # A task that starts now has no schema yet.
        hands.ask(
            widgets.target.connect, "POST", f"/connectors/{widgets.name}-sink/tasks/0/restart"
        )
        log = stack.logs / "connect.log"
        until(
            log.read_text,
            seconds=60,
            done=lambda text: f"{widgets.name} waits for the registry" in text,
            describe=lambda text: f"no task waits:\n{(text or '')[-2000:]}",
        )
    finally:
        # The tests after this one need it, too.
        lifecycle.up(stack, Console(stderr=True))
    _await_rows(widgets, 1000)
    assert not list(records.raw(widgets.target, f"{widgets.name}-sink_dlq"))
    widgets.await_well()


def _await_rows(widgets: Workspace, wanted: int) -> None:
    until(
        lambda: counts(widgets, (widgets.name,))[widgets.name],
        seconds=150,
        done=lambda rows: rows >= wanted,
        describe=lambda rows: f"{rows} rows, not {wanted}; {widgets.connectors()}",
        every=1,
    )


def test_down_and_up_keep_the_data(widgets: Workspace, stack: Layout) -> None:
    widgets.ok("deploy")
    assert _command("down").returncode == 0
    done = _command("status")
    assert done.returncode == 1
    assert done.stdout.count("STOPPED") == len(SERVICES)
    assert done.stdout.startswith("✗ postgres: does not run\n    → `make up`")
    refused = widgets.run("status")
    assert refused.returncode == 1
    assert "Kafka Connect cannot be reached" in refused.stderr
    lifecycle.up(stack, Console(stderr=True))
    widgets.await_well()
    assert widgets.plan()["changes"] == []
