"""Up, down, status, logs, clean: what `make` does with the embedded stack."""

import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from rich.console import Console

from pipeline.errors import PipelineError, UsageError
from pipeline.repository import target as targets
from pipeline.wait import until
from scripts import passwords
from stack import bootstrap, install, orchestration, requirements
from stack.layout import Layout
from stack.services import Service, address, services
from stack.supervisor import Process, Supervisor, tail

START_S = 90


@dataclass(frozen=True)
class Health:
    """A service as `status` shows it."""

    service: Service
    process: Process | None
    healthy: bool


def up(where: Layout, console: Console) -> None:
    """Starts every service that does not run yet; returns when all are healthy.

    Raises:
        PipelineError: the machine lacks something, a port is taken, or a service did not become
            healthy; the message has the last lines of its log.
    """
    requirements.java()
    install.install(console)
    requirements.check_disk(where.state)
    passwords.ensure(where.secrets)
    values = targets.secrets(where.root, where.target)
    wanted = services(where, values)
    supervisor = Supervisor(where.socket)
    if not supervisor.running():
        requirements.check_ports(_ports(where, wanted))
        bootstrap.configuration(where, (*wanted, *orchestration.services(where)))
        supervisor.launch(
            where.run / "supervisord.conf", where.logs / "supervisord.log", _env(where, values)
        )
    # PostgreSQL's registry database and Kafka's storage are made on the way, each before its user.
    bootstrap.postgres(where, values)
    _start(where, supervisor, wanted[:1], console)
    bootstrap.databases(where, values)
    bootstrap.kafka(where)
    _start(where, supervisor, wanted[1:3], console)
    _start(where, supervisor, wanted[3:], console)


def airflow(where: Layout, console: Console) -> str:
    """Starts Airflow beside a stack that is up; returns the password of its user, admin.

    Raises:
        PipelineError: the stack is not up, or a daemon did not become healthy.
    """
    supervisor = Supervisor(where.socket)
    daemons = orchestration.services(where)
    if not daemons:
        raise UsageError("this target has no `airflow`")
    if not supervisor.running():
        raise PipelineError("the stack is not up: make up")
    values = targets.secrets(where.root, where.target)
    if not supervisor.processes()[daemons[0].name].alive:
        requirements.check_ports(
            {daemons[0].name: daemons[0].address} if daemons[0].address else {}
        )
        with console.status("preparing Airflow's database"):
            orchestration.prepare(where, values)
    _start(where, supervisor, daemons[:1], console)
    _start(where, supervisor, daemons[1:], console)
    return values["AIRFLOW_ADMIN_PASSWORD"]


def _env(where: Layout, values: Mapping[str, str]) -> dict[str, str]:
    postgres = where.target.postgres
    url = f"jdbc:postgresql://{postgres.host}:{postgres.port}/{postgres.database}"
    return {**values, "JDBC_URL": url, **orchestration.environment(where, values)}


def _ports(where: Layout, wanted: tuple[Service, ...]) -> dict[str, tuple[str, int]]:
    ports = {service.name: service.address for service in wanted if service.address}
    if where.target.embedded:
        ports["kafka controller"] = ("127.0.0.1", where.target.embedded.controller_port)
    if where.target.flink:
        ports["flink cluster"] = address(where.target.flink.cluster)
    return ports


def _start(
    where: Layout, supervisor: Supervisor, wave: tuple[Service, ...], console: Console
) -> None:
    begun = time.monotonic()
    for service in wave:
        supervisor.start(service.name)
    for service in wave:
        with console.status(f"starting {service.name}"):
            _wait_healthy(where, supervisor, service)
        took = time.monotonic() - begun
        console.print(f"[green]✓[/] {service.name:<9} {service.place:<16} {took:4.1f} s")


def _wait_healthy(where: Layout, supervisor: Supervisor, service: Service) -> None:
    log = where.logs / f"{service.name}.log"

    def is_healthy() -> bool:
        if service.healthy():
            return True
        process = supervisor.processes()[service.name]
        if not process.alive:
            raise PipelineError(f"{service.name} is {process.state}; its log ends:\n{tail(log)}")
        return False

    until(
        is_healthy,
        seconds=START_S,
        describe=lambda _: f"{service.name} is not healthy; its log ends:\n{tail(log)}",
    )


def down(where: Layout, console: Console) -> None:
    """Stops every service, those that need others first. Data stays."""
    supervisor = Supervisor(where.socket)
    if not supervisor.running():
        console.print("nothing runs")
        return
    processes = supervisor.processes()
    # Each is listed after those it needs. Stopping takes no secret.
    for service in reversed((*services(where, {}), *orchestration.services(where))):
        if service.name not in processes or processes[service.name].state == "STOPPED":
            continue
        with console.status(f"stopping {service.name}"):
            supervisor.stop(service.name)
        console.print(f"[green]✓[/] {service.name} stopped")
    supervisor.shutdown()


def status(where: Layout) -> tuple[Health, ...]:
    """Each service with its process and its health."""
    supervisor = Supervisor(where.socket)
    running = supervisor.running()
    values = targets.secrets(where.root, where.target) if where.secrets.is_file() else {}
    processes = supervisor.processes() if running else {}
    return tuple(
        Health(service, processes.get(service.name), running and service.healthy())
        for service in (*services(where, values), *_started(where, processes))
    )


def _started(where: Layout, processes: Mapping[str, Process]) -> Iterator[Service]:
    """Airflow's daemons, if they were asked for."""
    for daemon in orchestration.services(where):
        process = processes.get(daemon.name)
        if process and process.state != "STOPPED":
            yield daemon


def logs(where: Layout, names: list[str], *, follow: bool) -> None:
    """Shows the services' logs, the newest lines last."""
    files = [where.logs / f"{name}.log" for name in names] or sorted(where.logs.glob("*.log"))
    missing = [file for file in files if not file.is_file()]
    if missing or not files:
        raise PipelineError(f"no log yet: {', '.join(map(str, missing)) or where.logs}")
    subprocess.run(["tail", "-n", "40", *(["-F"] if follow else []), *files], check=False)


def clean(where: Layout, console: Console) -> None:
    """Stops the stack and removes its data, logs and secrets."""
    down(where, console)
    if where.state.exists():
        shutil.rmtree(where.state)
    console.print(f"[green]✓[/] {where.state} removed")
