"""Starts and stops the embedded stack, and shows its state."""

import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rich.console import Console

from pipeline.clients.database import in_url
from pipeline.errors import DeniedError, PipelineError, UsageError
from pipeline.repository import target as targets
from pipeline.wait import until
from scripts import passwords
from stack import bootstrap, install, orchestration, requirements, web
from stack.cluster import principals
from stack.cluster.ports import COUNT
from stack.layout import Layout
from stack.service import Service, address
from stack.services import services
from stack.supervisor import Process, Supervisor, tail

START_S = 90
# What all others need: the brokers, the registry, and what stands before it.
FIRST = ("kafka", "registry", "proxy")


@dataclass(frozen=True)
class Health:
    """A service as `status` shows it."""

    service: Service
    process: Process | None
    healthy: bool


def up(layout: Layout, console: Console) -> None:
    """Starts every service that is not running, and waits until all are healthy.

    If a password has changed that a service has in its environment, all are started again.

    Raises:
        PipelineError: the machine lacks something, a port is taken, or a service did not become
            healthy; the message has the last lines of its log.
    """
    requirements.java()
    install.install(console)
    requirements.check_disk(layout.state)
    passwords.ensure(layout.secrets, targets.own_secrets(layout.target, layout.secrets))
    secrets = targets.secrets(layout.root, layout.target)
    wanted = services(layout, secrets)
    supervisor = Supervisor(layout.socket)
    ran = list(_started(layout, supervisor.processes())) if supervisor.running() else []
    is_stale = supervisor.running() and _is_stale(layout, supervisor, secrets, console)
    if is_stale:
        down(layout, console)
    if not supervisor.running():
        requirements.check_ports(_all_ports(layout, wanted))
        bootstrap.configuration(layout, (*wanted, *_beside(layout)))
        supervisor.launch(
            layout.run / "supervisord.conf",
            layout.logs / "supervisord.log",
            _environment(layout, secrets),
        )
    # Kafka's storage must exist before Kafka starts; the registry's database needs PostgreSQL.
    bootstrap.postgres(layout, secrets)
    postgres, *others = wanted
    _start_postgres(layout, supervisor, postgres, console)
    for role in bootstrap.databases(layout, secrets):
        console.print(f"{role} has a new password")
    bootstrap.kafka(layout)
    first = [service for service in others if service.name.startswith(FIRST)]
    _start(layout, supervisor, first, console)
    if layout.cluster:
        principals.ensure(layout, layout.cluster)
    _start(layout, supervisor, [service for service in others if service not in first], console)
    if is_stale:
        _start_again(layout, ran, console)


def _start_again(layout: Layout, ran: Sequence[Service], console: Console) -> None:
    """Starts what ran beside the stack."""
    names = {service.name for service in ran}
    if names & {service.name for service in orchestration.services(layout)}:
        airflow(layout, console)
    if names & {service.name for service in web.services(layout)}:
        dashboard(layout, console)


def _is_stale(
    layout: Layout, supervisor: Supervisor, secrets: Mapping[str, str], console: Console
) -> bool:
    """Whether the services run with other passwords or addresses than those of now."""
    before, now = supervisor.environment(), _environment(layout, secrets)
    all_services = (*services(layout, secrets), *_beside(layout))
    used = {name for service in all_services for name in service.variables.values()}
    changed = sorted(name for name in used if before.get(name) != now[name])
    if changed:
        names = ", ".join(changed)
        console.print(f"changed since the services were started: {names}", soft_wrap=True)
    return bool(changed)


def _start_postgres(
    layout: Layout, supervisor: Supervisor, postgres: Service, console: Console
) -> None:
    try:
        _start(layout, supervisor, [postgres], console)
    except DeniedError:
        console.print(
            "PostgreSQL has another password than POSTGRES_PASSWORD: it gets this one",
            soft_wrap=True,
        )
        supervisor.stop(postgres.name)
        bootstrap.superuser(layout, targets.secrets(layout.root, layout.target))
        _start(layout, supervisor, [postgres], console)


def airflow(layout: Layout, console: Console) -> str:
    """Starts Airflow on a running stack, and returns the password of its user `admin`.

    Raises:
        PipelineError: the stack is not up, or a daemon did not become healthy.
    """
    daemons = orchestration.services(layout)
    supervisor = _supervisor_of(layout, daemons, "airflow")
    secrets = targets.secrets(layout.root, layout.target)
    orchestration.set_password(layout, secrets)
    api, *others = daemons
    if not supervisor.processes()[api.name].alive:
        requirements.check_ports(_ports(daemons))
        with console.status("preparing Airflow's database"):
            orchestration.prepare(layout, secrets)
    _start(layout, supervisor, [api], console)
    _start(layout, supervisor, others, console)
    return secrets["AIRFLOW_ADMIN_PASSWORD"]


def dashboard(layout: Layout, console: Console) -> None:
    """Starts the dashboard on a running stack; again, if it runs: it reads its files at the start.

    Raises:
        PipelineError: the stack is not up, or the dashboard did not become healthy.
    """
    wanted = web.services(layout)
    supervisor = _supervisor_of(layout, wanted, "dashboard")
    process = supervisor.processes().get(wanted[0].name)
    if process is None:
        raise PipelineError("the stack was started before it knew of a dashboard: make down up")
    if process.alive:
        supervisor.stop(process.name)
    requirements.check_ports(_ports(wanted))
    _start(layout, supervisor, wanted, console)


def _supervisor_of(layout: Layout, wanted: Sequence[Service], key: str) -> Supervisor:
    """The supervisor of a running stack, for services that the target has a `key` for."""
    if not wanted:
        raise UsageError(f"this target has no `{key}`")
    supervisor = Supervisor(layout.socket)
    if not supervisor.running():
        raise PipelineError("the stack is not up: make up")
    return supervisor


def _environment(layout: Layout, secrets: Mapping[str, str]) -> dict[str, str]:
    postgres = layout.target.postgres
    place = f"{postgres.host}:{postgres.port}/{postgres.database}"
    url = f"jdbc:postgresql://{place}{in_url(postgres)}"
    return {**secrets, "JDBC_URL": url, **orchestration.environment(layout, secrets)}


def _ports(wanted: Sequence[Service]) -> dict[str, tuple[str, int]]:
    return {service.name: service.address for service in wanted if service.address}


def _all_ports(layout: Layout, wanted: Sequence[Service]) -> dict[str, tuple[str, int]]:
    """Every port that the services listen on, by name."""
    ports = _ports(wanted)
    places: dict[str, str] = {
        "registry": layout.target.registry.url,
        "connect": layout.target.connect.url,
    }
    if layout.target.flink:
        flink = layout.target.flink
        places |= {"flink": flink.gateway.url, "flink cluster": flink.cluster.url}
    ports |= {name: address(place) for name, place in places.items()}
    embedded = layout.target.embedded
    if embedded and embedded.controller_port:
        ports["kafka controller"] = ("127.0.0.1", embedded.controller_port)
    if embedded and embedded.cluster_port:
        ports |= {
            f"port {number} of the cluster": ("127.0.0.1", embedded.cluster_port + number)
            for number in range(COUNT)
        }
    return ports


def _start(
    layout: Layout, supervisor: Supervisor, wave: Sequence[Service], console: Console
) -> None:
    begun = time.monotonic()
    for service in wave:
        supervisor.start(service.name)
    for service in wave:
        with console.status(f"starting {service.name}"):
            _wait_healthy(layout, supervisor, service)
        took = time.monotonic() - begun
        console.print(f"[green]✓[/] {service.name:<9} {service.listens_at:<16} {took:4.1f} s")


def _wait_healthy(layout: Layout, supervisor: Supervisor, service: Service) -> None:
    log = layout.logs / f"{service.name}.log"

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


def down(layout: Layout, console: Console) -> None:
    """Stops every service, in the reverse order of their start. Data stays."""
    supervisor = Supervisor(layout.socket)
    if not supervisor.running():
        console.print("nothing is running")
        return
    processes = supervisor.processes()
    # A service is listed after the services that it needs. Stopping needs no secrets.
    for service in reversed((*services(layout, {}), *_beside(layout))):
        if service.name not in processes or processes[service.name].state == "STOPPED":
            continue
        with console.status(f"stopping {service.name}"):
            supervisor.stop(service.name)
        console.print(f"[green]✓[/] {service.name} stopped")
    supervisor.shutdown()


def status(layout: Layout) -> tuple[Health, ...]:
    """Each service with its process and its health."""
    supervisor = Supervisor(layout.socket)
    running = supervisor.running()
    secrets = targets.secrets(layout.root, layout.target) if layout.secrets.is_file() else {}
    processes = supervisor.processes() if running else {}
    return tuple(
        Health(service, processes.get(service.name), running and service.healthy())
        for service in (*services(layout, secrets), *_started(layout, processes))
    )


def _started(layout: Layout, processes: Mapping[str, Process]) -> Iterator[Service]:
    """What has been started beside the stack."""
    for service in _beside(layout):
        process = processes.get(service.name)
        if process and process.state != "STOPPED":
            yield service


def _beside(layout: Layout) -> tuple[Service, ...]:
    """What is started by itself: Airflow and the dashboard."""
    return (*orchestration.services(layout), *web.services(layout))


def logs(layout: Layout, names: list[str], *, follow: bool) -> None:
    """Shows the services' logs, the newest lines last."""
    files = [layout.logs / f"{name}.log" for name in names] or sorted(layout.logs.glob("*.log"))
    missing = [file for file in files if not file.is_file()]
    if missing or not files:
        raise PipelineError(f"no log yet: {', '.join(map(str, missing)) or layout.logs}")
    subprocess.run(["tail", "-n", "40", *(["-F"] if follow else []), *files], check=False)


def clean(layout: Layout, console: Console) -> None:
    """Ends the stack, and removes its data, logs and secrets."""
    supervisor = Supervisor(layout.socket)
    if supervisor.running():
        # What the others have not written yet goes anyway. PostgreSQL gives back its shared memory.
        supervisor.end(gently=["postgres"])
        console.print("[green]✓[/] services stopped")
    if layout.state.exists():
        shutil.rmtree(layout.state)
    console.print(f"[green]✓[/] {layout.state} removed")
