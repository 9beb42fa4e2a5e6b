"""`render.py rejects`: what the cleansing has refused, and its way back into the pipeline."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from json import dumps
from typing import Annotated

import typer
from rich.console import Console

from pipeline import codec, command
from pipeline.clients.postgres import Database
from pipeline.clients.registry import Registry
from pipeline.errors import PipelineError, UsageError
from pipeline.options import JsonOption, TargetOption
from pipeline.paths import here
from pipeline.rejects import report, store, values
from pipeline.rejects.reject import Choice, Reject, choose, digests
from pipeline.repository import loader
from pipeline.repository import target as targets
from pipeline.repository.project import Project
from pipeline.repository.rules import Rules
from pipeline.repository.target import Target
from pipeline.schemas import Schema
from pipeline.suggest import unknown
from spark import status

RuleOption = Annotated[
    str | None, typer.Option("--rule", "-r", help="Only records that broke this rule.")
]
TopicOption = Annotated[str | None, typer.Option("--topic", help="Only records of this raw topic.")]
stdout = Console()
stderr = Console(stderr=True)


class Action(StrEnum):
    """What `rejects` and `dlq` do."""

    LIST = "list"
    SHOW = "show"
    REPLAY = "replay"

    def check(self, wanted: str | None) -> None:
        """Raises an error unless there is an id exactly if the action takes one."""
        if (wanted is not None) != (self is Action.SHOW):
            raise UsageError("`show ID` takes one id, and the other actions take none")


@dataclass(frozen=True)
class Refused:
    """The rejects of a target that are asked for, all that there are, and where they come from."""

    target: Target
    project: Project
    rules: Rules
    rejects: Sequence[Reject]
    everything: Sequence[Reject]

    def chosen(self) -> Choice:
        """Which of them are sent again, and which are not."""
        kafka = self.target.kafka_of("replay")
        now = digests(self.rules, self.project.schemas)
        choice = choose(self.rejects, store.raw(kafka, self.rejects, self.everything), now)
        _refuse_stale(self.target, {replay.reject.topic for replay in choice.replays}, now)
        return choice


def _refuse_stale(target: Target, topics: set[str], now: dict[str, str]) -> None:
    """Raises an error if the job works with other rules than the file has now."""
    written = status.read(status.file_of(here() / target.state))
    if written is None or not written.digests or written.age_s > status.FRESH_S:
        return
    stale = sorted(topic for topic in topics if written.digests.get(topic) != now[topic])
    if stale:
        raise PipelineError(
            f"the cleansing has not started since the rules or schemas of {', '.join(stale)}"
            " changed, and would reject them again: `make up` starts it again"
        )


def _refused(target_name: str, topic: str | None = None, rule: str | None = None) -> Refused:
    target = targets.load(here(), target_name)
    project = loader.load(here(), target)
    rules = project.rules
    if rules is None:
        raise UsageError("there is no spark/rules.yaml, so nothing is rejected")
    if topic and topic not in rules.topics:
        raise UsageError(unknown("raw topic", topic, rules.topics))
    schemas = values.schemas(Registry(target.registry), rules.rejects)
    decoders = {number: codec.decoder(schema) for number, schema in schemas.items()}
    with stderr.status(f"reading {rules.rejects}"):
        found = store.read(
            target.kafka_of("replay"),
            rules.rejects,
            lambda value: decoders[codec.schema_id(value)](value),
        )
    rejects = [
        reject
        for reject in found
        if (topic is None or reject.topic == topic) and (rule is None or rule in reject.rules)
    ]
    return Refused(target, project, rules, rejects, found)


@command.placing
def rejects(
    action: Annotated[Action, typer.Argument(help="What to do with them.")] = Action.LIST,
    reject: Annotated[
        str | None, typer.Argument(help="Of `show`: the id, topic, partition and offset.")
    ] = None,
    target: TargetOption = "embedded",
    topic: TopicOption = None,
    rule: RuleOption = None,
    json: JsonOption = False,
) -> None:
    """Show what the cleansing has refused, or send it through the pipeline again.

    `list` has them by topic and broken rules, with the newest record of each. `show ID` prints one
    whole, as JSON. Names and the like are masked: see `phi` in schemas/. `replay` sends them to
    their raw topics again, for the rules and schemas of now. Each goes once: what breaks the same
    rules again is not sent for them another time. One whose key has a newer record stays where it
    is.
    """
    action.check(reject)
    if action is Action.REPLAY:
        _replay(target, topic, rule)
        return
    refused = _refused(target, topic, rule)
    registry = Registry(refused.target.registry)
    tell(registry, refused.rejects, refused.project.schemas, reject, as_json=json)


def tell(
    registry: Registry,
    rejects: Sequence[Reject],
    declared: Mapping[str, Schema],
    wanted: str | None,
    *,
    as_json: bool,
) -> None:
    """Prints what was refused; or one of it whole, by its id. What tells of a person is masked."""
    read = values.reader(registry, rejects, declared)
    if wanted is None:
        if as_json:
            print(report.as_json(rejects, read))
        else:
            report.show(rejects, read, stdout)
        return
    found = next((one for one in rejects if one.id == wanted), None)
    if found is None:
        raise PipelineError(f"there is no {wanted}: the action `list` has those that there are")
    print(dumps(report.one(found, read), indent=2))


def _replay(target_name: str, topic: str | None, rule: str | None) -> None:
    target = targets.load(here(), target_name)
    database = Database(target.postgres, targets.secrets(here(), target), target.pipeline)
    with database.locked("render.py rejects replay"):
        refused = _refused(target_name, topic, rule)
        choice = refused.chosen()
        sent = 0
        with stderr.status("sending") as shown:
            kafka = target.kafka_of("replay")
            for sent in store.send(kafka, choice, refused.rules.rejects):
                shown.update(f"sending: {sent:,} of {len(choice.replays):,}")
    stderr.print(report.outcome(choice, sent), soft_wrap=True, highlight=False)
