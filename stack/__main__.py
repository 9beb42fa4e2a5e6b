"""The command line of the embedded stack: `python -m stack --help`."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from pipeline import command
from pipeline.errors import UsageError
from pipeline.repository import target as targets
from pipeline.resources.resource import Wrong
from spark import status as cleansing
from stack import backup as backups
from stack import beside, lifecycle, orchestration, sqlclient
from stack import install as installer
from stack import monitor as kaskade
from stack.drill import faults
from stack.drill import run as drills
from stack.layout import Layout, layout_of

app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__)
console = Console(stderr=True)
TargetOption = Annotated[str, typer.Option(help="Name of a file in targets/, or a path to one.")]


def _layout(name: str) -> Layout:
    root = Path.cwd()
    target = targets.load(root, name)
    if target.embedded is None:
        raise UsageError(f"{name}: Docker starts this target: make up TARGET={name}")
    return layout_of(root, target)


@app.command()
def install() -> None:
    """Fetch the stack's jars and binaries into build/stack."""
    installer.install(console)


@app.command()
def up(target: TargetOption = "embedded") -> None:
    """Start PostgreSQL, Kafka, Schema Registry, Connect, Flink and the cleansing."""
    lifecycle.up(_layout(target), console)


@app.command()
def down(target: TargetOption = "embedded") -> None:
    """Stop the services; their data stays."""
    lifecycle.down(_layout(target), console)


@app.command()
def status(target: TargetOption = "embedded") -> None:
    """Show what is wrong with the services, what to do, and how each one is.

    Exit code 1 unless all are healthy.
    """
    layout = _layout(target)
    output = Console()
    table = Table("service", "process", "pid", "up", "healthy", "address", box=None)
    states = lifecycle.status(layout)
    for state in states:
        if not state.healthy:
            output.print(str(_wrong(state)), highlight=False)
    for state in states:
        process = state.process
        table.add_row(
            state.service.name,
            process.state if process else "STOPPED",
            str(process.pid) if process and process.pid else "",
            f"{process.uptime_s} s" if process else "",
            "[green]yes[/]" if state.healthy else "[red]no[/]",
            state.service.listens_at,
        )
    output.print(table)
    written = cleansing.read(cleansing.file_of(layout.state))
    if written:
        behind = cleansing.behind(layout.target, layout.root)
        output.print(written.text(behind), highlight=False)
    raise typer.Exit(0 if all(state.healthy for state in states) else 1)


def _wrong(state: lifecycle.Health) -> Wrong:
    name = state.service.name
    logs = f"`make logs S={name}`"
    if state.process and state.process.alive:
        return Wrong(name, "does not answer", logs)
    return Wrong(name, "does not run", f"`make up`; if it ends again, {logs}")


@app.command()
def logs(
    services: Annotated[list[str] | None, typer.Argument(help="Services; all if none.")] = None,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Keep printing new lines.")
    ] = False,
    target: TargetOption = "embedded",
) -> None:
    """Show the services' logs."""
    lifecycle.logs(_layout(target), services or [], follow=follow)


@app.command()
def ksql(
    file: Annotated[
        Path | None, typer.Argument(exists=True, help="Statements to run; none: a prompt.")
    ] = None,
    target: TargetOption = "embedded",
) -> None:
    """Query the streams and tables of ksql/ in Flink's SQL client."""
    sqlclient.ask(_layout(target), file)


@app.command()
def monitor(
    topic: Annotated[
        str | None, typer.Argument(help="Show its records; none: the cluster.")
    ] = None,
    target: TargetOption = "embedded",
) -> None:
    """Show topics, consumer groups and records, in a terminal UI."""
    kaskade.watch(_layout(target), topic)


@app.command()
def airflow(target: TargetOption = "embedded") -> None:
    """Start Airflow beside the stack, and print how to log in."""
    layout = _layout(target)
    password = beside.airflow(layout, console)
    Console().print(f"{layout.target.airflow}  user admin, password {password}", highlight=False)


@app.command()
def dashboard(target: TargetOption = "embedded") -> None:
    """Start the web dashboard beside the stack, and print its address."""
    layout = _layout(target)
    beside.dashboard(layout, console)
    Console().print(str(layout.target.dashboard), highlight=False)


@app.command()
def metrics(target: TargetOption = "embedded") -> None:
    """Start Prometheus, Alertmanager and the exporters beside the stack, and print where."""
    layout = _layout(target)
    beside.metrics(layout, console)
    places = layout.target.metrics
    if places:
        output = Console()
        output.print(f"{places.prometheus}/alerts  Prometheus", highlight=False)
        output.print(f"{places.alertmanager}  Alertmanager", highlight=False)


@app.command(context_settings={"ignore_unknown_options": True})
def airflow_cli(arguments: list[str], target: TargetOption = "embedded") -> None:
    """Run Airflow's own command line, with the daemons' settings."""
    layout = _layout(target)
    orchestration.cli(layout, targets.secrets(layout.root, layout.target), arguments)


@app.command()
def backup(
    to: Annotated[
        Path | None, typer.Option(help="Folder that gets the backup's; none: var/backups.")
    ] = None,
    target: TargetOption = "embedded",
) -> None:
    """Copy what the running services store, and print the folder. Kafka pauses for a moment."""
    Console().print(
        str(backups.take(_layout(target), to, console)), highlight=False, soft_wrap=True
    )


@app.command()
def restore(
    folder: Annotated[Path, typer.Argument(help="A folder that backup has made.")],
    target: TargetOption = "embedded",
) -> None:
    """Put a backup in place of data that is lost. `up` then goes on from it."""
    backups.restore(_layout(target), folder, console)


@app.command()
def drill(
    away: Annotated[
        float, typer.Option(help="For how many seconds PostgreSQL and the registry are away.")
    ] = 300,
    target: TargetOption = "embedded",
) -> None:
    """Make the faults that an operator fears, one by one; tell how long each lasts, what it costs.

    The demo has to run. Every process is killed; PostgreSQL and the registry are away; a record is
    poison, a schema incompatible, a clock wrong; a partition is added, a password rotated.
    """
    place = faults.Place(_layout(target), target)
    drills.check(place)
    made = list(drills.run(place, faults.all_faults(place, away), console))
    Console(width=120).print(drills.table(made))


@app.command()
def clean(target: TargetOption = "embedded") -> None:
    """Stop the services and remove their data, logs and secrets."""
    lifecycle.clean(_layout(target), console)


if __name__ == "__main__":
    command.run(app)
