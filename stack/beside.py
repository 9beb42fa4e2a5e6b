"""What is started by itself, on a running stack: Airflow, the dashboard, Prometheus."""

from collections.abc import Iterator, Mapping, Sequence

from rich.console import Console

from pipeline.errors import PipelineError, UsageError
from pipeline.repository import target as targets
from stack import metrics as monitoring
from stack import orchestration, requirements, starting, web
from stack.layout import Layout
from stack.service import Service
from stack.supervisor import Process, Supervisor


def services(layout: Layout) -> tuple[Service, ...]:
    """All that the target has."""
    return (
        *orchestration.services(layout),
        *web.services(layout),
        *monitoring.services(layout),
    )


def started(layout: Layout, processes: Mapping[str, Process]) -> Iterator[Service]:
    """What has been started of them."""
    for service in services(layout):
        process = processes.get(service.name)
        if process and process.state != "STOPPED":
            yield service


def start_again(layout: Layout, ran: Sequence[Service], console: Console) -> None:
    """Starts what ran."""
    names = {service.name for service in ran}
    for of, begin in (
        (orchestration.services, airflow),
        (web.services, dashboard),
        (monitoring.services, metrics),
    ):
        if names & {service.name for service in of(layout)}:
            begin(layout, console)


def airflow(layout: Layout, console: Console) -> str:
    """Starts Airflow, and returns the password of its user `admin`.

    Raises:
        PipelineError: the stack is not up, or a daemon did not become healthy.
    """
    daemons = orchestration.services(layout)
    supervisor = _supervisor_of(layout, daemons, "airflow")
    secrets = targets.secrets(layout.root, layout.target)
    orchestration.set_password(layout, secrets)
    api, *others = daemons
    if not supervisor.processes()[api.name].alive:
        requirements.check_ports(starting.ports(daemons))
        with console.status("preparing Airflow's database"):
            orchestration.prepare(layout, secrets)
    starting.start(layout, supervisor, [api], console)
    starting.start(layout, supervisor, others, console)
    return secrets["AIRFLOW_ADMIN_PASSWORD"]


def dashboard(layout: Layout, console: Console) -> None:
    """Starts the dashboard; again, if it runs: it reads its files at the start.

    Raises:
        PipelineError: the stack is not up, or the dashboard did not become healthy.
    """
    _afresh(layout, web.services(layout), "dashboard", console)


def metrics(layout: Layout, console: Console) -> None:
    """Starts Prometheus, Alertmanager and the exporters; again, if they run, as the dashboard.

    Raises:
        PipelineError: the stack is not up, or one of them did not become healthy.
    """
    wanted = monitoring.services(layout)
    if wanted:
        monitoring.check()
        monitoring.configure(layout, targets.secrets(layout.root, layout.target))
    _afresh(layout, wanted, "metrics", console)


def _afresh(layout: Layout, wanted: Sequence[Service], key: str, console: Console) -> None:
    supervisor = _supervisor_of(layout, wanted, key)
    processes = supervisor.processes()
    for service in wanted:
        if service.name not in processes:
            raise PipelineError(
                f"the stack was started before it knew of {service.name}: make down up"
            )
        if processes[service.name].alive:
            supervisor.stop(service.name)
    requirements.check_ports(starting.ports(wanted))
    starting.start(layout, supervisor, wanted, console)


def _supervisor_of(layout: Layout, wanted: Sequence[Service], key: str) -> Supervisor:
    """The supervisor of a running stack, for services that the target has a `key` for."""
    if not wanted:
        raise UsageError(f"this target has no `{key}`")
    supervisor = Supervisor(layout.socket)
    if not supervisor.running():
        raise PipelineError("the stack is not up: make up")
    return supervisor
