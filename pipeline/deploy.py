"""Makes a plan so, in the order of the data, and waits until it runs."""

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from graphlib import TopologicalSorter

from pipeline.clients.connect import Connect, LiveConnector
from pipeline.clients.http import CONCURRENCY
from pipeline.desired import Desired
from pipeline.errors import PipelineError
from pipeline.live import Live, Services
from pipeline.plan import Action, Change, Kind, Plan
from pipeline.schemas import canonical
from pipeline.wait import until

Report = Callable[[Change, str | None], None]


@dataclass(frozen=True)
class Outcome:
    """What became of each change: None where it was made, else why it was not."""

    results: tuple[tuple[Change, str | None], ...]

    @property
    def failures(self) -> tuple[str, ...]:
        """One message per change that failed."""
        return tuple(f"{c.kind} {c.name}: {error}" for c, error in self.results if error)


@dataclass(frozen=True)
class _Run:
    desired: Desired
    live: Live
    services: Services
    deadline_s: float
    tell: Callable[[str], None]


def apply(
    plan: Plan,
    desired: Desired,
    live: Live,
    services: Services,
    *,
    deadline_s: float,
    report: Report,
    tell: Callable[[str], None],
) -> Outcome:
    """Makes the changes, kind by kind, those of one kind at once.

    A change that fails does not stop others of its kind, but what comes after builds on it and is
    then left alone; the outcome says so for each. Connectors count as made once they and their
    tasks are RUNNING (or COMPLETED). `report` gets each change with its error, `tell` what else
    a person should know.
    """
    run = _Run(desired, live, services, deadline_s, tell)
    results: list[tuple[Change, str | None]] = []
    failed_kind: Kind | None = None
    for kind in Kind:
        wave = [change for change in plan.changes if change.kind is kind]
        if failed_kind:
            done: list[tuple[Change, str | None]] = [
                (change, f"not done: a {failed_kind} failed before it") for change in wave
            ]
        else:
            done = _queries(run, wave, report) if kind is Kind.QUERY else _wave(run, wave, report)
        results += done
        if kind in {Kind.TOPIC, Kind.SUBJECT, Kind.TABLES, Kind.QUERY} and any(
            error for _, error in done
        ):
            failed_kind = kind
    return Outcome(tuple(results))


def _wave(run: _Run, changes: Iterable[Change], report: Report) -> list[tuple[Change, str | None]]:
    with ThreadPoolExecutor(CONCURRENCY) as pool:
        return list(pool.map(lambda change: _attempt(run, change, report), changes))


def _queries(run: _Run, changes: list[Change], report: Report) -> list[tuple[Change, str | None]]:
    """Level by level: a query builds on those before it, and is left alone if one failed."""
    engine = run.services.engine
    assert engine is not None  # noqa: S101 - only an engine's queries are in a plan
    named = {change.name: change for change in changes}
    sources = {query.name: query.sources for query in run.desired.queries}
    below = {name: [s for s in sources.get(name, ()) if s in named] for name in named}
    errors: dict[str, str | None] = {}

    def attempt(name: str) -> str | None:
        failed = next((source for source in below[name] if errors[source]), None)
        if failed:
            return f"not done: {failed} failed before it"
        return _attempt(run, named[name], report)[1]

    levels = TopologicalSorter(below)
    levels.prepare()
    with ThreadPoolExecutor(engine.concurrency) as pool:
        while levels.is_active():
            level = levels.get_ready()
            errors |= dict(zip(level, pool.map(attempt, level), strict=True))
            levels.done(*level)
    return [(change, errors[change.name]) for change in changes]


def _attempt(run: _Run, change: Change, report: Report) -> tuple[Change, str | None]:
    try:
        _MAKE[change.kind](run, change)
    except PipelineError as error:
        report(change, str(error))
        return change, str(error)
    report(change, None)
    return change, None


def _topic(run: _Run, change: Change) -> None:
    topic = next(topic for topic in run.desired.topics if topic.name == change.name)
    kafka = run.services.kafka
    if change.action is Action.CREATE:
        kafka.create([topic])
        return
    live = run.live.topics[topic.name]
    if topic.partitions > live.partitions:
        kafka.grow(topic.name, topic.partitions)
    if topic.config != live.config:
        kafka.configure(topic.name, topic.config, live.config)


def _subject(run: _Run, change: Change) -> None:
    subject = next(subject for subject in run.desired.subjects if subject.name == change.name)
    live = run.live.subjects.get(subject.name)
    # The level after the schema: a subject without a version can have no level.
    if live is None or canonical(subject.schema) != canonical(live.schema):
        run.services.registry.register(subject.name, subject.schema)
    if live is None or subject.compatibility != live.compatibility:
        run.services.registry.set_compatibility(subject.name, subject.compatibility)


def _tables(run: _Run, change: Change) -> None:
    del change
    run.services.database.apply(run.desired.script)


def _query(run: _Run, change: Change) -> None:
    engine = run.services.engine
    assert engine is not None  # noqa: S101 - only an engine's queries are in a plan
    if change.action is Action.DELETE:
        engine.drop(change.name, run.deadline_s)
        return
    query = next(query for query in run.desired.queries if query.name == change.name)
    told = engine.make(query, run.live.queries.get(query.name), run.deadline_s)
    if told:
        run.tell(f"query {query.name}: {told}")


def _connector(run: _Run, change: Change) -> None:
    connect = run.services.connect
    declared = {connector.name: connector for connector in run.desired.connectors}
    if change.action is Action.DELETE:
        connect.delete(change.name)
        _wait_gone(connect, change.name, run.deadline_s)
        return
    if change.action is not Action.CREATE:
        # Connect goes on showing the old tasks' states for a while after a PUT or a restart. From
        # STOPPED, every state that is seen afterwards is that of the new tasks.
        stop(connect, change.name, run.deadline_s)
    if change.action is not Action.RESTART:
        connect.put(change.name, declared[change.name].config)
    if change.action is not Action.CREATE:
        connect.resume(change.name)
    _wait_running(connect, change.name, run.deadline_s)


_MAKE: Mapping[Kind, Callable[[_Run, Change], None]] = {
    Kind.TOPIC: _topic,
    Kind.SUBJECT: _subject,
    Kind.TABLES: _tables,
    Kind.QUERY: _query,
    Kind.SINK: _connector,
    Kind.SOURCE: _connector,
}


def stop(connect: Connect, name: str, deadline_s: float) -> None:
    """Brings a connector to STOPPED, with no task left."""
    connect.stop(name)

    def probe() -> bool | None:
        live = connect.connectors().get(name)
        return bool(live and live.state == "STOPPED" and not live.tasks)

    until(probe, seconds=deadline_s, describe=lambda _: f"{name} does not stop")


def _wait_gone(connect: Connect, name: str, deadline_s: float) -> None:
    until(
        lambda: name not in connect.connectors(),
        seconds=deadline_s,
        describe=lambda _: f"{name} is still there",
    )


def _wait_running(connect: Connect, name: str, deadline_s: float) -> None:
    seen: list[LiveConnector] = []

    def probe() -> bool | None:
        live = connect.connectors().get(name)
        if live is None:
            return None
        seen[:] = [live]
        if live.failed:
            raise PipelineError("; ".join(live.failed))
        return live.settled

    until(probe, seconds=deadline_s, describe=lambda _: _last_seen(seen))


def _last_seen(seen: list[LiveConnector]) -> str:
    if not seen:
        return "never appeared on the worker"
    tasks = ", ".join(f"task {task.id} {task.state}" for task in seen[0].tasks) or "no tasks"
    return f"not RUNNING: connector {seen[0].state}, {tasks}"


def destroy(
    desired: Desired, services: Services, deadline_s: float, report: Callable[[str], None]
) -> None:
    """Removes the declared connectors with their offsets, subjects and topics. Tables stay.

    Raises:
        PipelineError: something could not be removed; what was removed has been reported.
    """
    live = services.connect.connectors()
    connectors = [c for c in desired.connectors if c.name in live]
    # Against the data's direction: nothing writes to what is about to go.
    for connector in sorted(connectors, key=lambda c: c.is_sink):
        stop(services.connect, connector.name, deadline_s)
        services.connect.forget_offsets(connector.name)
        services.connect.delete(connector.name)
        _wait_gone(services.connect, connector.name, deadline_s)
        report(f"connector {connector.name}")
    if services.engine:
        for name in services.engine.remove(deadline_s):
            report(f"query {name}")
    registered = set(services.registry.subjects())
    for subject in desired.subjects:
        if subject.name in registered:
            services.registry.delete(subject.name)
            report(f"subject {subject.name}")
    topics = list(services.kafka.topics(topic.name for topic in desired.topics))
    services.kafka.delete(topics)
    for topic in topics:
        report(f"topic {topic}")
