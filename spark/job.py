"""The cleansing job: continuously, or once until it has caught up.

Exit codes: 0 caught up (`--once`) or asked to stop; 1 failed; 2 bad rules or usage.
"""

import json
import time
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from pipeline import command
from pipeline.clients.kafka import Kafka
from pipeline.clients.registry import Registry
from pipeline.errors import PipelineError
from pipeline.repository import rules as rules_file
from pipeline.repository import schemas as schema_files
from pipeline.repository import target as targets
from pipeline.repository.rules import Rules
from pipeline.schemas import subject_of
from pipeline.wait import until
from spark import query, status
from spark.check import check
from spark.checkpoint import forget_deleted_topics
from spark.contracts import Contracts
from spark.session import session
from spark.status import Status

MAX_RECORDS = 1_000_000
# Before the first deploy, the continuous job waits for it; one with --once does not.
DEPLOY_PATIENCE_S = 3600 * 24
DEPLOY_PATIENCE_ONCE_S = 30
console = Console(stderr=True)
app = typer.Typer(add_completion=False)


@app.command()
def main(
    target_name: Annotated[
        str, typer.Option("--target", help="A file in targets/, or a path.")
    ] = "embedded",
    once: Annotated[
        bool, typer.Option("--once", help="Catch up, print a summary as JSON, and stop.")
    ] = False,
    checkpoint: Annotated[
        Path | None, typer.Option(help="Folder of the query's progress and state.")
    ] = None,
    max_records: Annotated[int, typer.Option(help="Records per micro-batch.")] = MAX_RECORDS,
) -> None:
    """Cleanse the raw topics by spark/rules.yaml into the clean topics and the rejects."""
    root = Path()
    target = targets.load(root, target_name)
    state = root / target.state
    folder = checkpoint or status.checkpoint_of(state)
    # A run with --once, or on a checkpoint of its own, is not the job that others watch.
    is_watched = not once and checkpoint is None
    report = partial(status.write, status.file_of(state)) if is_watched else _unheard
    rules = rules_file.load(root / rules_file.FILE)
    schemas = schema_files.load(root / schema_files.FOLDER)
    kafka, registry = Kafka(target.kafka), Registry(target.registry)
    with status.only_job(folder):
        patience_s = DEPLOY_PATIENCE_ONCE_S if once else DEPLOY_PATIENCE_S
        await_deployment(kafka, registry, rules, patience_s, report)
        if forget_deleted_topics(kafka, rules, folder):
            console.print("the raw topics were created again: reading them from their beginning")
        report(Status("starting"))
        spark = session(folder.parent / f"{folder.name}.tmp")
        check(spark, rules, schemas, rules_file.FILE)
        contracts = Contracts(registry, rules, schemas)
        batches = query.Batches(target.kafka, rules, schemas, contracts, folder)
        batches.steps()  # compiled before the query starts, not within its first batch
        raw = query.source(spark, target.kafka, rules, max_records)
        begun = time.monotonic()
        query.run(raw, batches, kafka, report, once=once)
        seconds = round(time.monotonic() - begun, 3)
        if once:
            print(json.dumps({**batches.counts.summary(), "seconds": seconds}, indent=2))
        spark.stop()


def _unheard(_: Status) -> None:
    """Reports to nobody."""


def await_deployment(
    kafka: Kafka, registry: Registry, rules: Rules, seconds: float, report: query.Report
) -> None:
    """Waits until the topics and subjects exist: the job may start before the first deploy.

    Raises:
        DeadlineError: they do not; the message names what is missing.
    """
    names = [*rules.topics, *rules.outputs]

    def missing() -> list[str]:
        report(Status("waiting for make deploy"))
        try:
            subjects = registry.subjects()
            topics = kafka.topics(names)
        except PipelineError as error:
            return [str(error)]
        return [name for name in names if name not in topics or subject_of(name) not in subjects]

    until(
        missing,
        seconds=seconds,
        done=lambda names: not names,
        describe=lambda names: f"make deploy: missing are {', '.join(names or [])}",
        every=1,
    )


if __name__ == "__main__":
    command.run(app)
