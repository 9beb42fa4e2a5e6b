"""Renders the pipeline's specs and makes Kafka, the registry, PostgreSQL, ksqlDB and Connect so.

People edit connectors/, schemas/, ksql/, topics.yaml and postgres/db_setup.sql; `plan` shows what
would change and `deploy` changes it. Data goes to stdout, words to stderr.

Exit codes: 0 done or nothing to do; 1 failed; 2 bad spec or usage; 3 `plan --detailed-exitcode`
found changes.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from pipeline import deploy as deployment
from pipeline import graph as graphs
from pipeline import live as reading
from pipeline import plan as planning
from pipeline import preflight, report
from pipeline.cases import runner
from pipeline.clients.kafka import sink_lags
from pipeline.desired import Desired
from pipeline.engines import choice
from pipeline.errors import PipelineError, PlanRefusedError, UsageError
from pipeline.repository import project
from pipeline.repository import target as targets
from pipeline.suggest import unknown

CHANGES_FOUND = 3

app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__)
data = Console()
words = Console(stderr=True)

TargetOption = Annotated[
    str, typer.Option("--target", "-t", help="A file in targets/, by name, or a path to one.")
]
OnlyOption = Annotated[
    list[str] | None,
    typer.Option("--only", help="Only what has this name; * and ? match. May be repeated."),
]
PruneOption = Annotated[
    bool,
    typer.Option(
        "--prune", help="Also delete connectors and queries that it deployed and dropped."
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="JSON instead of text on stdout.")]
DeadlineOption = Annotated[
    float, typer.Option("--deadline", help="Seconds to wait for each connector to run.", min=1)
]


@dataclass(frozen=True)
class _Context:
    target: targets.Target
    secrets: Mapping[str, str]
    desired: Desired
    services: reading.Services


def _context(target_name: str) -> _Context:
    root = Path()
    target = targets.load(root, target_name)
    declared = project.load(root)
    engine, queries = choice.choose(root, declared, target)
    desired = replace(project.render(declared, target.pipeline), queries=queries)
    secrets = targets.secrets(root, target)
    return _Context(target, secrets, desired, reading.services(target, secrets, engine))


def _planned(
    context: _Context, only: list[str] | None, *, prune: bool
) -> tuple[planning.Plan, reading.Live]:
    live = reading.read(context.services, context.desired)
    plan = planning.compare(context.desired, live, context.target.pipeline, prune=prune)
    if only:
        plan = plan.only(_selected(only, context.desired, plan))
    plan = preflight.check(plan, context.desired, live, context.services)
    return report.safe(plan, context.secrets.values()), live


def _selected(patterns: Iterable[str], desired: Desired, plan: planning.Plan) -> frozenset[str]:
    names = {
        *(topic.name for topic in desired.topics),
        *(subject.name for subject in desired.subjects),
        *(connector.name for connector in desired.connectors),
        *(query.name for query in desired.queries),
        *(change.name for change in plan.changes),
    }
    found: set[str] = set()
    for pattern in patterns:
        matching = {name for name in names if fnmatch(name, pattern)}
        if not matching:
            raise UsageError(unknown("resource", pattern, names))
        found |= matching
    return frozenset(found)


@app.command()
def render(
    target: TargetOption = "embedded",
    output: Annotated[Path, typer.Option(help="Folder to write to.")] = Path("build/rendered"),
) -> None:
    """Render everything to files under build/. No network."""
    where = targets.load(Path(), target)
    declared = project.load(Path())
    files = project.write(project.render(declared, where.pipeline), output)
    files += choice.write(declared, where, output)
    words.print(f"[green]✓[/] {len(files)} files in {output}")


@app.command()
def validate(target: TargetOption = "embedded") -> None:
    """Check every spec with the worker, every schema with the registry, every table."""
    context = _context(target)
    live = reading.read(context.services, context.desired)
    nothing_runs = reading.Live(live.topics, live.subjects, live.script_sha256, {})
    plan = planning.compare(context.desired, nothing_runs, context.target.pipeline)
    plan = preflight.check(plan, context.desired, live, context.services)
    _refuse_problems(report.safe(plan, context.secrets.values()))
    words.print(f"[green]✓[/] {len(context.desired.connectors)} connectors, all valid")


@app.command()
def plan(
    target: TargetOption = "embedded",
    only: OnlyOption = None,
    prune: PruneOption = False,
    json: JsonOption = False,
    detailed_exitcode: Annotated[
        bool, typer.Option("--detailed-exitcode", help="Exit with 3 if there are changes.")
    ] = False,
) -> None:
    """Show what `deploy` would change, key by key. Writes nothing."""
    planned, _ = _planned(_context(target), only, prune=prune)
    if json:
        print(report.plan_json(planned))
    else:
        report.print_plan(planned, data)
    _refuse_problems(planned)
    if detailed_exitcode and planned.changes:
        raise typer.Exit(CHANGES_FOUND)


@app.command()
def deploy(
    target: TargetOption = "embedded",
    only: OnlyOption = None,
    prune: PruneOption = False,
    json: JsonOption = False,
    deadline: DeadlineOption = 60,
) -> None:
    """Make what is declared run; wait until every connector and task does."""
    context = _context(target)
    planned, live = _planned(context, only, prune=prune)
    _refuse_problems(planned)
    with words.status("deploying"):
        outcome = deployment.apply(
            planned,
            context.desired,
            live,
            context.services,
            deadline_s=deadline,
            report=_progress,
            tell=lambda text: words.print(f"  {escape(text)}", soft_wrap=True, highlight=False),
        )
    if json:
        print(report.plan_json(planned))
    elif not planned.changes:
        data.print(report.summary(planned))
    if outcome.failures:
        done = len(planned.changes) - len(outcome.failures)
        messages = (*outcome.failures, f"{done} of {len(planned.changes)} changes were made")
        raise PipelineError(_redacted(context, "\n".join(messages)))


def _progress(change: planning.Change, error: str | None) -> None:
    mark = "[red]✗[/]" if error else "[green]✓[/]"
    words.print(f"{mark}{report.headline(change)}", soft_wrap=True, highlight=False)


def _redacted(context: _Context, text: str) -> str:
    return report.redact(text, context.secrets.values())


def _refuse_problems(plan: planning.Plan) -> None:
    if plan.problems:
        raise PlanRefusedError(plan.problems)


@app.command()
def status(target: TargetOption = "embedded", json: JsonOption = False) -> None:
    """Show the state of every declared connector and task. Exit code 1 unless all are well."""
    context = _context(target)
    live = context.services.connect.connectors()
    engine = context.services.engine
    running = engine.running() if engine else {}
    skipped = engine.skipped() if engine else {}
    queries = {
        query.name: running[query.name].state if query.name in running else "ABSENT"
        for query in context.desired.queries
    }
    lags = sink_lags(context.services.kafka, context.desired.connectors)
    states = {c.name: live.get(c.name) for c in context.desired.connectors}
    if json:
        print(_redacted(context, report.status_json(states, lags, queries, skipped)))
    else:
        report.print_connectors(states, lags, data)
        causes = {name: query.note for name, query in running.items() if query.failed}
        report.print_queries(queries, causes, skipped, data)
    if not all(query == "RUNNING" for query in queries.values()) or any(
        state is None or not state.settled for state in states.values()
    ):
        raise typer.Exit(1)


@app.command("test")
def run_cases(
    files: Annotated[
        list[Path] | None, typer.Argument(exists=True, help="Files of cases; all if none.")
    ] = None,
    target: TargetOption = "embedded",
) -> None:
    """Run the cases of ksql/cases and spark/cases: records in, rows expected out.

    Those of ksql/ run on the target's engine, with topics of their own that go afterwards; those of
    spark/rules.yaml run in Spark, and need no service.
    """
    declared = project.load(Path())
    cases = runner.load(Path(), files or (), declared)
    with words.status("running") as status:

        def report(result: runner.Result) -> None:
            mark = "[red]✗[/]" if result.problems else "[green]✓[/]"
            words.print(f"{mark} {escape(result.place)}", soft_wrap=True, highlight=False)
            for line in result.problems:
                data.print(f"    {line}", soft_wrap=True, highlight=False, markup=False)
            status.update(f"running, after {escape(result.place)}")

        failed = runner.run(Path(), cases, declared, lambda: _context(target).services, report)
    if failed:
        raise PipelineError(f"{failed} of {len(cases)} cases failed")
    words.print(f"{len(cases)} cases, all as expected")


@app.command()
def destroy(
    target: TargetOption = "embedded",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    deadline: DeadlineOption = 60,
) -> None:
    """Remove the declared connectors, subjects and topics WITH THEIR DATA. Tables stay."""
    context = _context(target)
    if not yes:
        typer.confirm(
            "Delete the pipeline's connectors, schemas, topics and their data?", abort=True
        )
    deployment.destroy(
        context.desired,
        context.services,
        deadline,
        lambda removed: words.print(f"  [red]-[/] {removed}", highlight=False),
    )
    words.print("The tables in PostgreSQL and their rows are still there.")


@app.command()
def graph(target: TargetOption = "embedded") -> None:
    """Print the pipeline as a Mermaid flow chart."""
    declared = project.load(Path())
    desired = project.render(declared, targets.load(Path(), target).pipeline)
    print(graphs.mermaid(desired, declared.statements))
