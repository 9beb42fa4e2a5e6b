"""Connectors of Kafka Connect: sinks and sources."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.change import Action, Change, Edit, Problem, edits
from pipeline.errors import PipelineError
from pipeline.live import LiveConnector
from pipeline.repository.yamlfile import line_of
from pipeline.resources import connectorstatus, validity, worker
from pipeline.resources.reader import group_of, reads, sink_lags
from pipeline.resources.resource import CONCURRENCY, Resource, Result, Run, Status, at_once
from pipeline.resources.validity import OWNER_KEY

if TYPE_CHECKING:
    from pipeline.clients.connect import Connect
    from pipeline.services import Services

SINK, SOURCE = "sink", "source"
# Bytes of a configuration. Kafka's default for a record is 1 MiB, and Connect adds some of its own.
LARGEST = 1_000_000


@dataclass(frozen=True)
class Connector:
    """A connector with its complete configuration, as the worker gets it. `file` is its spec.

    `topics` are those that it reads or writes, with its dead letter queue; `table` is what it
    writes in PostgreSQL, if it does. A source can have a property `topics`, too. `origins` has the
    target's file by the properties that it gives.
    """

    name: str
    config: Mapping[str, str]
    file: Path
    topics: tuple[str, ...] = ()
    table: str = ""
    origins: Mapping[str, str] = field(default_factory=dict)
    is_sink: bool = field(kw_only=True)


class Connectors(Resource[Connector, LiveConnector]):
    """The sinks, or the sources. Sinks are deployed first, so that they read from the start."""

    space = "connector"
    custom_resource = "KafkaConnector"
    loses = "it reads its topics from the start; rows under keys that nothing writes any more stay"

    def __init__(self, kind: str) -> None:
        self.kind = kind

    @staticmethod
    def kind_of(connector: Connector) -> str:
        """Which of the two a connector is."""
        return SINK if connector.is_sink else SOURCE

    def read(
        self, services: "Services", declared: Sequence[Connector]
    ) -> Mapping[str, LiveConnector]:
        """All connectors of the worker. A declared name may be in use by the other kind."""
        del declared
        return services.connect.connectors()

    def difference(self, declared: Connector, live: LiveConnector | None) -> Iterator[Change]:
        """Compares the configuration key by key.

        A connector that somebody stopped or paused is resumed. One that failed is restarted.
        """
        name = declared.name
        if live is None:
            created = edits({}, declared.config, declared.origins)
            yield Change(self.kind, name, Action.CREATE, created, declared=declared)
            return
        changed = edits(live.config, declared.config, declared.origins)
        if live.state in {"STOPPED", "PAUSED"}:
            changed = (*changed, Edit("state", live.state, "RUNNING"))
        if changed:
            yield Change(self.kind, name, Action.UPDATE, changed, "", declared, live)
        elif live.failed:
            note = "; ".join(live.failed)
            yield Change(self.kind, name, Action.RESTART, (), note, declared, live)

    def problems(
        self, declared: Connector, live: LiveConnector | None, owner: str, *, adopt: bool
    ) -> Iterator[str]:
        """The name is somebody else's or of the other kind, or the configuration is too large."""
        size = len(json.dumps(dict(declared.config)).encode())
        if size > LARGEST:
            key = max(declared.config, key=lambda key: len(declared.config[key]))
            yield (
                f"{declared.file}: {declared.name} has {size / LARGEST:.1f} MB, most of it"
                f" `{key}`: Connect keeps a connector in a record of Kafka, which takes 1 MB"
            )
        if live is None:
            return
        theirs = _theirs(live, owner)
        if theirs and not adopt:
            yield (
                f"{declared.file}: {declared.name} {theirs}: give yours another name, or take it"
                " over with --adopt"
            )
        if live.is_sink != declared.is_sink:
            was, now = (SINK, SOURCE) if live.is_sink else (SOURCE, SINK)
            yield (
                f"{declared.file}: {declared.name} runs as a {was}, and cannot become a {now} under"
                f" the same name: give the {now} another name, and delete the {was} with --prune"
            )

    def problem(
        self, declared: Sequence[Connector], live: Mapping[str, LiveConnector], owner: str
    ) -> str:
        """All of them run as those of one other pipeline: it has been renamed."""
        marks = {live[c.name].config.get(OWNER_KEY) for c in declared if c.name in live}
        other = marks.pop() if len(marks) == 1 else owner
        if len(declared) < 2 or other in {owner, None}:
            return ""
        return (
            f"what is declared runs as the pipeline {other}, and the target calls it {owner}. If it"
            f" has a new name, take its connectors over with --adopt; if not, `pipeline: {other}`"
            " is its name in the target's file"
        )

    def undeclared(
        self, names: frozenset[str], live: Mapping[str, LiveConnector], owner: str
    ) -> Iterator[Change]:
        """Deletes connectors of this kind that have the owner's mark and are not declared."""
        for name, running in sorted(live.items()):
            is_ours = running.config.get(OWNER_KEY) == owner
            is_of_kind = running.is_sink == (self.kind == SINK)
            if is_ours and is_of_kind and name not in names:
                # Without its configuration: nobody has said which of its properties are secret.
                yield Change(self.kind, name, Action.DELETE, live=running)

    def check(
        self, changes: Sequence[Change], declared: Sequence[Connector], services: "Services"
    ) -> list[Problem]:
        """Asks the worker to validate each configuration, also that of one that failed."""
        del declared
        with ThreadPoolExecutor(CONCURRENCY) as pool:
            by_connector = pool.map(lambda change: _problems(change, services.connect), changes)
            return [problem for problems in by_connector for problem in problems]

    def clear(self, changes: Sequence[Change], run: Run) -> list[Result]:
        """Stops the connectors and deletes their offsets: their topics are about to go."""
        return at_once(changes, lambda change: worker.rewind(change.name, run), run)

    def release(self, changes: Sequence[Change], run: Run) -> None:
        """Resumes the connectors."""
        for change in changes:
            try:
                run.services.connect.resume(change.name)
            except PipelineError as error:
                run.tell(f"{self.kind} {change.name} could not be resumed: {error}")

    def apply(self, changes: Sequence[Change], run: Run) -> list[Result]:
        """Makes the changes. Each waits until the connector and all its tasks run or completed."""

        def report(change: Change, error: str | None) -> None:
            # What runs now is reported when it has gone on for a moment.
            if error or change.action is Action.DELETE:
                run.report(change, error)

        return at_once(
            changes, lambda change: worker.make(change, run), replace(run, report=report)
        )

    def settle(self, changes: Sequence[Change], run: Run) -> Mapping[str, str]:
        """Watches the connectors for a while, and those sinks longer that have yet to write."""
        started = [change for change in changes if change.action is not Action.DELETE]
        kafka = run.services.kafka
        reading = [c.declared for c in started if reads(c.declared)]
        groups = {sink.name: group_of(sink) for sink in reading}
        begun = {name: kafka.committed(group) for name, group in groups.items()}

        def idle() -> set[str]:
            behind = {name for name, lag in sink_lags(kafka.lags, reading).items() if lag}
            return {name for name in behind if kafka.committed(groups[name]) == begun[name]}

        names = [change.name for change in started]
        errors, waiting = worker.watch(names, run, idle)
        for change in started:
            run.report(change, errors.get(change.name))
        for name in sorted(waiting):
            run.tell(f"{self.kind} {name} runs, but has not written anything yet")
        return errors

    def remove(
        self, declared: Sequence[Connector], run: Run, report: Callable[[str], None]
    ) -> None:
        """Deletes connectors and their offsets, so that a new deployment starts from scratch.

        Those that bear another owner's mark, or none, stay.
        """
        live = run.services.connect.connectors()
        ours = []
        for connector in (one for one in declared if one.name in live):
            theirs = _theirs(live[connector.name], connector.config.get(OWNER_KEY))
            if theirs:
                run.tell(f"{self.kind} {connector.name} {theirs}: it stays")
            else:
                ours.append(Change(self.kind, connector.name, Action.DELETE))

        def removed(change: Change, error: str | None) -> None:
            if not error:
                report(f"{self.kind} {change.name}")

        run = replace(run, report=removed)
        done = at_once(ours, lambda change: worker.remove(change.name, run), run)
        errors = [error for _, error in done if error]
        if errors:
            raise PipelineError("\n".join(errors))

    def status(self, declared: Sequence[Connector], services: "Services") -> Status | None:
        """The state of each connector and task, the lag of each sink, the causes of failures."""
        live = services.connect.connectors()
        lags = sink_lags(services.kafka.lags_with_ages, declared)
        return connectorstatus.of([connector.name for connector in declared], live, lags)


def _theirs(live: LiveConnector, owner: str | None) -> str:
    """Whose a connector is, if it does not bear the owner's mark; else ""."""
    mark = live.config.get(OWNER_KEY)
    if mark == owner:
        return ""
    return f"belongs to {mark}" if mark else "runs, but was not deployed from here"


def _problems(change: Change, connect: "Connect") -> Iterator[Problem]:
    connector: Connector = change.declared
    running: Mapping[str, str] = change.live.config if change.live else {}
    validation = connect.validate(connector.config)
    secrets = tuple(validity.secrets((connector.config, running), validation))
    kind = Connectors.kind_of(connector)
    for key, message in validity.problems(connector.config, validation):
        yield Problem(kind, connector.name, _at(connector, key, message), secrets)


def _at(connector: Connector, key: str, message: str) -> str:
    line = line_of(connector.file, f"config.{key}")
    file = f"{connector.file}:{line}" if line else f"{connector.file}"
    return f"{file}: {key}: {message}"
