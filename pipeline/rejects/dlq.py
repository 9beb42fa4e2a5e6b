"""`render.py dlq`: what the sinks could not read, and its way back into their topics."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from json import dumps
from typing import Annotated

import typer
from rich.console import Console

from pipeline import command, context
from pipeline.clients.registry import Registry
from pipeline.context import Context
from pipeline.errors import PipelineError, UsageError
from pipeline.options import JsonOption, TargetOption
from pipeline.paths import here
from pipeline.rejects import letters, report, store, values
from pipeline.rejects.cli import Action
from pipeline.rejects.reject import Choice, Reject, choose
from pipeline.repository import target as targets
from pipeline.repository.source import DEAD_LETTER_QUEUE
from pipeline.resources.connector import Connector
from pipeline.schemas import subject_of
from pipeline.suggest import unknown

ConnectorOption = Annotated[
    str | None, typer.Option("--connector", "-c", help="Only of this sink.")
]
stdout = Console()
stderr = Console(stderr=True)


@dataclass(frozen=True)
class Queue:
    """The letters of a sink that are not back in its topics yet, and what would be sent again."""

    letters: tuple[Reject, ...]
    choice: Choice


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
    as JSON. `replay` sends them to the topics that they came from. Each goes once: what the sink
    cannot read again is not sent another time, until its configuration or the schema has changed.
    """
    if (letter is not None) != (action is Action.SHOW):
        raise UsageError("`dlq show ID` takes one id, and the other actions take none")
    loaded = context.load(here(), target)
    kafka = targets.load(here(), target).kafka_of("replay")
    if action is Action.REPLAY:
        with loaded.services.database.locked("render.py dlq replay"):
            _replay(kafka, _queues(loaded, kafka, connector))
        return
    with stderr.status("reading the dead letter queues"):
        queues = list(_queues(loaded, kafka, connector))
    waiting = [one for _, queue in queues for one in queue.letters]
    _list(waiting, letter, loaded.services.registry, as_json=json)


def _queues(
    loaded: Context, kafka: Mapping[str, str], wanted: str | None
) -> Iterator[tuple[Connector, Queue]]:
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
        choice = choose(found, store.raw(kafka, found, found), now)
        gone = {letter.id for letter in choice.sent}
        yield sink, Queue(tuple(one for one in found if one.id not in gone), choice)


def _list(waiting: list[Reject], letter: str | None, registry: Registry, *, as_json: bool) -> None:
    read = values.reader(registry, waiting)
    if letter:
        found = next((one for one in waiting if one.id == letter), None)
        if found is None:
            raise PipelineError(f"there is no letter {letter}: `render.py dlq` has them")
        print(dumps(report.one(found, read), indent=2))
    elif as_json:
        print(report.as_json(waiting, read))
    else:
        report.show(waiting, read, stdout)


def _replay(kafka: Mapping[str, str], queues: Iterator[tuple[Connector, Queue]]) -> None:
    for sink, queue in queues:
        with stderr.status(f"sending those of {sink.name}"):
            sent = max(store.send(kafka, queue.choice), default=0)
        # That a run before has sent some is the rule here: a letter stays in its queue.
        said = report.outcome(replace(queue.choice, sent=()), sent, "the sink could not read them")
        stderr.print(f"{sink.name}: {said}", soft_wrap=True, highlight=False)
