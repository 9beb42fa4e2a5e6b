"""`render.py dlq`: what the sinks could not read, and its way back into their topics."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Annotated

import typer
from rich.console import Console

from pipeline import command, context
from pipeline.context import Context
from pipeline.errors import UsageError
from pipeline.options import JsonOption, TargetOption
from pipeline.paths import here
from pipeline.rejects import letters, report, store
from pipeline.rejects.cli import Action, tell
from pipeline.rejects.reject import Choice, choose
from pipeline.repository.source import DEAD_LETTER_QUEUE
from pipeline.resources.connector import Connector
from pipeline.schemas import subject_of
from pipeline.suggest import unknown

ConnectorOption = Annotated[
    str | None, typer.Option("--connector", "-c", help="Only of this sink.")
]
stdout = Console()
stderr = Console(stderr=True)


@command.placing
def dlq(
    action: Annotated[Action, typer.Argument(help="What to do with them.")] = Action.LIST,
    letter: Annotated[
        str | None, typer.Argument(help="Of `show`: the id, queue, partition and offset.")
    ] = None,
    target: TargetOption = "embedded",
    connector: ConnectorOption = None,
    json: JsonOption = False,
) -> None:
    """Show what the sinks have put into their dead letter queues, or send it to their topics again.

    `list` has the letters by topic and error, with the newest of each. `show ID` prints one whole,
    as JSON. Names and the like are masked: see `phi` in schemas/. `replay` sends them to the topics
    that they came from. Each goes once: what the sink cannot read again is not sent another time,
    until its configuration or the schema has changed.
    """
    action.check(letter)
    loaded = context.load(here(), target)
    kafka = loaded.target.kafka_of("replay")
    if action is Action.REPLAY:
        with loaded.services.database.locked("render.py dlq replay"):
            _replay(kafka, _queues(loaded, kafka, connector))
        return
    with stderr.status("reading the dead letter queues"):
        queues = list(_queues(loaded, kafka, connector))
    waiting = [one for _, choice in queues for one in choice.waiting]
    tell(loaded.services.registry, waiting, loaded.project.schemas, letter, as_json=json)


def _queues(
    loaded: Context, kafka: Mapping[str, str], wanted: str | None
) -> Iterator[tuple[Connector, Choice]]:
    sinks = {
        sink.name: sink for sink in loaded.desired.connectors if DEAD_LETTER_QUEUE in sink.config
    }
    if wanted and wanted not in sinks:
        raise UsageError(unknown("sink", wanted, sinks))
    schemas = {subject.name: subject.schema for subject in loaded.desired.subjects}
    for sink in [sinks[wanted]] if wanted else sinks.values():
        found = tuple(letters.read(kafka, sink.config[DEAD_LETTER_QUEUE]))
        now = {
            topic: letters.digest(sink.config, schemas.get(subject_of(topic)))
            for topic in {letter.topic for letter in found}
        }
        yield sink, choose(found, store.raw(kafka, found, found), now)


def _replay(kafka: Mapping[str, str], queues: Iterator[tuple[Connector, Choice]]) -> None:
    for sink, choice in queues:
        with stderr.status(f"sending those of {sink.name}"):
            sent = max(store.send(kafka, choice), default=0)
        # That a run before has sent some is the rule here: a letter stays in its queue.
        said = report.outcome(replace(choice, sent=()), sent, "the sink could not read them")
        stderr.print(f"{sink.name}: {said}", soft_wrap=True, highlight=False)
