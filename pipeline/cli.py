"""Deploys the pipeline to Kafka, the Schema Registry, PostgreSQL, ksqlDB or Flink, and Connect.

You edit connectors/, schemas/, ksql/, topics.yaml and postgres/db_setup.sql. `plan` shows what
would change, and `deploy` makes the changes. Results go to stdout, messages to stderr.

Exit codes: 0 done or nothing to do; 1 failed; 2 bad spec or usage; 3 `plan --detailed-exitcode`
found changes; 130 or 143: cut off by Ctrl-C or SIGTERM.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from pipeline import command, report
from pipeline import deploy as deployment
from pipeline import graph as graphs
from pipeline import plan as planning
from pipeline.cases import runner
from pipeline.change import Change
from pipeline.engines import choice
from pipeline.errors import InterruptedRunError, PipelineError, PlanRefusedError
from pipeline.options import (
    AdoptOption,
    DeadlineOption,
    JsonOption,
    OnlyOption,
    PruneOption,
    RecreateOption,
    TargetOption,
)
from pipeline.paths import here
from pipeline.repository import desired as declarations
from pipeline.repository import loader, rendered
from pipeline.repository import target as targets
from pipeline.repository.rights import rights
from pipeline.resources.desired import Desired
from pipeline.resources.resource import Run
from pipeline.selection import recreated, selected
from pipeline.services import Services, clients

CHANGES_FOUND = 3

app = typer.Typer(no_args_is_help=True, context_settings={"help_option_names": ["-h", "--help"]})
stdout = Console()
stderr = Console(stderr=True)


@dataclass(frozen=True)
class _Context:
    hidden: tuple[str, ...]
    desired: Desired
    services: Services

    def redacted(self, text: str) -> str:
        return report.redact(text, self.hidden)

    @contextmanager
    def alone(self, name: str) -> Iterator[None]:
        """A block in which nobody else deploys this pipeline."""
        try:
            with self.services.database.locked(f"render.py {name}"):
                yield
        except InterruptedRunError as error:
            raise InterruptedRunError(self.redacted(str(error)), error.signal) from None

    def run(self, deadline_s: float) -> Run:
        """What it takes to make changes. Progress and notes go to stderr."""
        return Run(self.services, deadline_s, _progress, _note)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(command.version())
        raise typer.Exit


@app.callback(help=__doc__)
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", help="Show the version.", callback=_print_version, is_eager=True),
    ] = False,
) -> None:
    del version


def _context(target_name: str) -> _Context:
    root = here()
    target = targets.load(root, target_name)
    project = loader.load(root, target)
    engine, queries = choice.choose(root, project, target)
    desired = declarations.render(project, target.pipeline, queries, target.variables)
    secrets = targets.secrets(root, target)
    command.listen(_note)
    hidden = (*secrets.values(), *targets.referenced(target))
    return _Context(hidden, desired, clients(target, secrets, engine))


def _planned(
    context: _Context,
    only: list[str] | None,
    recreate: list[str] | None,
    *,
    prune: bool,
    adopt: bool,
) -> planning.Plan:
    again = recreated(recreate or (), context.desired)
    live = deployment.read(context.services, context.desired)
    plan = planning.compare(context.desired, live, prune=prune, adopt=adopt, recreate=again)
    if only:
        plan = plan.only(selected(only, context.desired, plan))
    plan = deployment.checked(plan, context.desired, context.services)
    return report.safe(plan, context.hidden)


@app.command()
def render(
    target: TargetOption = "embedded",
    output: Annotated[Path, typer.Option(help="Folder to write to.")] = Path("build/rendered"),
) -> None:
    """Render everything to files. Needs no service."""
    loaded = targets.load(here(), target)
    project = loader.load(here(), loaded)
    jobs = choice.translated(project, loaded)
    translated = [(job.statement.name, job.text) for job in jobs]
    desired = declarations.render(project, loaded.pipeline, (), loaded.variables)
    files = rendered.write(desired, translated, rights(project, desired, loaded), output)
    stderr.print(f"[green]✓[/] {len(files)} files in {output}")


@app.command()
@command.placing
def validate(target: TargetOption = "embedded", json: JsonOption = False) -> None:
    """Check connectors with the worker, schemas with the registry, tables with PostgreSQL."""
    context = _context(target)
    live = deployment.read(context.services, context.desired)
    plan = planning.everything(context.desired, live)
    plan = deployment.checked(plan, context.desired, context.services)
    plan = report.safe(plan, context.hidden)
    if json:
        print(report.problems_json(plan))
    _refuse_problems(plan)
    stderr.print(f"[green]✓[/] {len(context.desired.connectors)} connectors, all valid")


@app.command()
@command.placing
def plan(
    target: TargetOption = "embedded",
    only: OnlyOption = None,
    recreate: RecreateOption = None,
    prune: PruneOption = False,
    adopt: AdoptOption = False,
    json: JsonOption = False,
    detailed_exitcode: Annotated[
        bool, typer.Option("--detailed-exitcode", help="Exit with 3 if there are changes.")
    ] = False,
) -> None:
    """Show what `deploy` would change, key by key. Writes nothing."""
    planned = _planned(_context(target), only, recreate, prune=prune, adopt=adopt)
    if json:
        print(report.plan_json(planned))
    else:
        report.print_plan(planned, stdout)
    _refuse_problems(planned)
    if detailed_exitcode and planned.changes:
        raise typer.Exit(CHANGES_FOUND)


@app.command()
@command.placing
def deploy(
    target: TargetOption = "embedded",
    only: OnlyOption = None,
    recreate: RecreateOption = None,
    prune: PruneOption = False,
    adopt: AdoptOption = False,
    json: JsonOption = False,
    deadline: DeadlineOption = 60,
) -> None:
    """Make the changes that `plan` shows; wait until every changed connector and task runs."""
    context = _context(target)
    with context.alone("deploy"):
        planned = _planned(context, only, recreate, prune=prune, adopt=adopt)
        with stderr.status("deploying"):
            outcome = deployment.apply(planned, context.run(deadline))
    if json:
        print(report.outcome_json(planned, outcome, context.redacted))
    elif not planned.changes:
        report.print_plan(planned, stdout)
    if planned.changes and planned.leftovers:
        stderr.print(report.leftovers(planned), soft_wrap=True, highlight=False)
    if planned.problems or outcome.failures:
        problems = dict.fromkeys(problem.message for problem in planned.problems)
        states = deployment.unfinished(outcome, context.services)
        messages = [*problems, *outcome.failures, report.last_line(outcome, states)]
        raise PipelineError(context.redacted("\n".join(messages)))
    if planned.changes:
        stderr.print(report.last_line(outcome, ()), highlight=False)


def _note(text: str) -> None:
    stderr.print(f"  {escape(text)}", soft_wrap=True, highlight=False)


def _progress(change: Change, error: str | None) -> None:
    mark = "[red]✗[/]" if error else "[green]✓[/]"
    stderr.print(f"{mark}{report.headline(change)}", soft_wrap=True, highlight=False)


def _refuse_problems(plan: planning.Plan) -> None:
    if plan.problems:
        raise PlanRefusedError(tuple(problem.message for problem in plan.problems))


@app.command()
@command.placing
def status(target: TargetOption = "embedded", json: JsonOption = False) -> None:
    """Show the state of every declared query, connector and task. Exit code 1 if one is bad."""
    context = _context(target)
    found, error = deployment.states(context.services, context.desired)
    states = [report.safe_status(state, context.hidden) for state in found]
    if json:
        print(report.status_json(states))
    else:
        report.print_status(states, stdout)
    if error:
        raise error
    if not all(row[0] in state.well for state in states for row in state.rows):
        raise typer.Exit(1)


@app.command("test")
@command.placing
def run_cases(
    files: Annotated[
        list[Path] | None, typer.Argument(exists=True, help="Files with cases. Default: all.")
    ] = None,
    target: TargetOption = "embedded",
) -> None:
    """Run the test cases in ksql/cases and spark/cases.

    A case has input records and the rows that must come out. Cases of ksql/ run on the target's
    engine, with temporary topics. Cases of spark/rules.yaml run in Spark and need no service.
    """
    project = loader.load(here())
    cases = runner.load(Path(), files or (), project)
    with stderr.status("running") as status:

        def report_result(result: runner.Result) -> None:
            mark = "[red]✗[/]" if result.problems else "[green]✓[/]"
            stderr.print(f"{mark} {escape(result.place)}", soft_wrap=True, highlight=False)
            for line in result.problems:
                stdout.print(f"    {line}", soft_wrap=True, highlight=False, markup=False)
            status.update(f"running, after {escape(result.place)}")

        failed = runner.run(
            Path(), cases, project, lambda: _context(target).services, report_result
        )
    if failed:
        raise PipelineError(f"{failed} of {len(cases)} cases failed")
    stderr.print(f"{len(cases)} cases, all as expected")


@app.command()
@command.placing
def destroy(
    target: TargetOption = "embedded",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    deadline: DeadlineOption = 60,
) -> None:
    """Delete the declared connectors, subjects and topics WITH THEIR DATA. Tables stay."""
    context = _context(target)
    if not yes:
        for line in deployment.removed(context.desired):
            stderr.print(f"  [red]-[/] {escape(line)}", soft_wrap=True, highlight=False)
        typer.confirm(f"Delete them on the target {target}, with all their data?", abort=True)
    with context.alone("destroy"):
        deployment.destroy(
            context.desired,
            context.run(deadline),
            lambda removed: stderr.print(f"  [red]-[/] {escape(removed)}", highlight=False),
        )
    stderr.print("The tables in PostgreSQL and their rows are still there.")


@app.command()
def graph(target: TargetOption = "embedded") -> None:
    """Print the pipeline as a Mermaid flow chart."""
    loaded = targets.load(here(), target)
    project = loader.load(here(), loaded)
    desired = declarations.render(project, loaded.pipeline, (), loaded.variables)
    print(graphs.mermaid(desired, project.statements))
