"""Starts and stops the embedded stack, and shows its state."""

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.console import Console

from pipeline.clients.database import in_url
from pipeline.errors import DeniedError, PipelineError, SpecError
from pipeline.rejects.reject import digests
from pipeline.repository import loader
from pipeline.repository import target as targets
from scripts import passwords
from spark import status as cleansing
from stack import beside, bootstrap, exporters, install, orchestration, requirements, starting
from stack.cluster import principals
from stack.cluster.ports import COUNT
from stack.layout import Layout
from stack.service import Service, address
from stack.services import services
from stack.supervisor import Process, Supervisor

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
    ran = list(beside.started(layout, supervisor.processes())) if supervisor.running() else []
    is_stale = supervisor.running() and _is_stale(layout, supervisor, secrets, console)
    if is_stale:
        down(layout, console)
    if not supervisor.running():
        requirements.check_ports(_all_ports(layout, wanted))
        bootstrap.configuration(layout, (*wanted, *beside.services(layout)))
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
    starting.start(layout, supervisor, first, console)
    if layout.cluster:
        principals.ensure(layout, layout.cluster)
    _stop_stale_cleansing(layout, supervisor, console)
    starting.start(
        layout, supervisor, [service for service in others if service not in first], console
    )
    if is_stale:
        beside.start_again(layout, ran, console)


def _is_stale(
    layout: Layout, supervisor: Supervisor, secrets: Mapping[str, str], console: Console
) -> bool:
    """Whether the services run with other passwords or addresses than those of now."""
    before, now = supervisor.environment(), _environment(layout, secrets)
    all_services = (*services(layout, secrets), *beside.services(layout))
    used = {name for service in all_services for name in service.variables.values()}
    changed = sorted(name for name in used if before.get(name) != now[name])
    if changed:
        names = ", ".join(changed)
        console.print(f"changed since the services were started: {names}", soft_wrap=True)
    return bool(changed)


def _stop_stale_cleansing(layout: Layout, supervisor: Supervisor, console: Console) -> None:
    """Stops the cleansing if the rules or schemas have changed that it has read at its start."""
    written = cleansing.read(cleansing.file_of(layout.state))
    process = supervisor.processes().get("cleanse")
    if not (written and written.digests and process and process.alive):
        return
    try:
        project = loader.load(layout.root, layout.target)
    except SpecError:
        # It runs on as it is, until they are mended.
        return
    if project.rules and dict(written.digests) != digests(project.rules, project.schemas):
        console.print("the rules or schemas of the cleansing have changed: it starts again")
        supervisor.stop("cleanse")


def _start_postgres(
    layout: Layout, supervisor: Supervisor, postgres: Service, console: Console
) -> None:
    try:
        starting.start(layout, supervisor, [postgres], console)
    except DeniedError:
        console.print(
            "PostgreSQL has another password than POSTGRES_PASSWORD: it gets this one",
            soft_wrap=True,
        )
        supervisor.stop(postgres.name)
        bootstrap.superuser(layout, targets.secrets(layout.root, layout.target))
        starting.start(layout, supervisor, [postgres], console)


def _environment(layout: Layout, secrets: Mapping[str, str]) -> dict[str, str]:
    postgres = layout.target.postgres
    place = f"{postgres.host}:{postgres.port}/{postgres.database}"
    url = f"jdbc:postgresql://{place}{in_url(postgres)}"
    return {**secrets, "JDBC_URL": url, **orchestration.environment(layout, secrets)}


def _all_ports(layout: Layout, wanted: Sequence[Service]) -> dict[str, tuple[str, int]]:
    """Every port that the services listen on, by name."""
    ports = starting.ports(wanted)
    places: dict[str, str] = {
        "registry": layout.target.registry.url,
        "connect": layout.target.connect.url,
    }
    if layout.target.flink:
        flink = layout.target.flink
        places |= {"flink": flink.gateway.url, "flink cluster": flink.cluster.url}
    ports |= {name: address(place) for name, place in places.items()}
    ports |= {
        f"metrics of {name}": ("127.0.0.1", port)
        for name, port in exporters.ports(layout).items()
        if name not in exporters.BESIDE
    }
    embedded = layout.target.embedded
    if embedded and embedded.controller_port:
        ports["kafka controller"] = ("127.0.0.1", embedded.controller_port)
    if embedded and embedded.cluster_port:
        ports |= {
            f"port {number} of the cluster": ("127.0.0.1", embedded.cluster_port + number)
            for number in range(COUNT)
        }
    return ports


def down(layout: Layout, console: Console) -> None:
    """Stops every service, in the reverse order of their start. Data stays."""
    supervisor = Supervisor(layout.socket)
    if not supervisor.running():
        console.print("nothing is running")
        return
    processes = supervisor.processes()
    # A service is listed after the services that it needs. Stopping needs no secrets.
    for service in reversed((*services(layout, {}), *beside.services(layout))):
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
        for service in (*services(layout, secrets), *beside.started(layout, processes))
    )


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
