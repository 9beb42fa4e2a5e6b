"""Deploys the pipeline to Kafka, the Schema Registry, PostgreSQL, ksqlDB or Flink, and Connect.

You edit connectors/, schemas/, ksql/, topics.yaml and postgres/db_setup.sql. `plan` shows what
would change, and `deploy` makes the changes. Results go to stdout, messages to stderr.

Exit codes: 0 done or nothing to do; 1 failed; 2 bad spec or usage; 3 `plan --detailed-exitcode`
found changes; 130 or 143: cut off by Ctrl-C or SIGTERM.
"""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from pipeline import command, report, statusreport, writing
from pipeline import context as contexts
from pipeline import deploy as deployment
from pipeline import graph as graphs
from pipeline import plan as planning
from pipeline.cases import runner
from pipeline.change import Change
from pipeline.context import Context
from pipeline.erasure.cli import erase
from pipeline.errors import PipelineError, PlanRefusedError, ServicesError
from pipeline.options import (
    AdoptOption,
    DeadlineOption,
    Format,
    FormatOption,
    JsonOption,
    OnlyOption,
    PruneOption,
    RecreateOption,
    TargetOption,
)
from pipeline.paths import here
from pipeline.rejects.cli import rejects
from pipeline.rejects.dlq import dlq
from pipeline.repository import desired as declarations
from pipeline.repository import loader
from pipeline.repository import target as targets
from pipeline.resources.resource import Run, Status

CHANGES_FOUND = 3

app = typer.Typer(no_args_is_help=True, context_settings={"help_option_names": ["-h", "--help"]})
stdout = Console()
stderr = Console(stderr=True)


def _context(target_name: str) -> Context:
    context = contexts.load(here(), target_name)
    command.listen(_note)
    return context


def _run(context: Context, deadline_s: float) -> Run:
    """What it takes to make changes. Progress and notes go to stderr."""
    return Run(context.services, deadline_s, _progress, _note)


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


@app.command()
def render(
    target: TargetOption = "embedded",
    output: Annotated[Path, typer.Option(help="Folder to write to.")] = Path("build/rendered"),
    form: FormatOption = Format.FILES,
) -> None:
    """Render everything to files. Needs no service."""
    files = writing.write(here(), target, form, output)
    stderr.print(f"[green]✓[/] {len(files)} files in {output}")


@app.command()
@command.placing
def validate(target: TargetOption = "embedded", json: JsonOption = False) -> None:
    """Check connectors with the worker, schemas with the registry, tables with PostgreSQL."""
    context = _context(target)
    plan = context.everything()
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
    planned = _context(target).planned(only or (), recreate or (), prune=prune, adopt=adopt)
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
        planned = context.planned(only or (), recreate or (), prune=prune, adopt=adopt)
        with stderr.status("deploying"):
            outcome = deployment.apply(planned, _run(context, deadline))
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
def status(
    target: TargetOption = "embedded",
    json: JsonOption = False,
    watch: Annotated[
        bool, typer.Option("--watch", "-w", help="Show it again every 2 s, until Ctrl-C.")
    ] = False,
) -> None:
    """Show what is wrong with queries, connectors and tasks, what to do, and how each one is.

    The lag of a sink is in records, with the age of the oldest that it has yet to read. Exit code 1
    if something is wrong.
    """
    context = _context(target)

    def look() -> tuple[list[Status], ServicesError | None]:
        found, error = deployment.states(context.services, context.desired)
        return [statusreport.safe(state, context.hidden) for state in found], error

    if watch:
        statusreport.watch(look, stdout)
    states, error = look()
    if json:
        print(statusreport.as_json(states))
    else:
        statusreport.show(states, stdout)
    if error:
        raise error
    if any(state.wrong for state in states):
        raise typer.Exit(1)


app.command()(rejects)
app.command()(erase)
app.command()(dlq)


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
        for line in deployment.removed(context.ours):
            stderr.print(f"  [red]-[/] {escape(line)}", soft_wrap=True, highlight=False)
        typer.confirm(f"Delete them on the target {target}, with all their data?", abort=True)
    with context.alone("destroy"):
        deployment.destroy(
            context.ours,
            _run(context, deadline),
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
