"""What Kafka, Connect and the engine of ksql/ say of themselves, for the tiles with `state`.

Threads ask them every two seconds while somebody looks, so that no page waits for a service.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Condition, Thread

from dashboard.database import Database
from dashboard.rows import Failed, Rows
from pipeline.engines import choice
from pipeline.errors import PipelineError
from pipeline.repository import desired, loader
from pipeline.repository.target import Target
from pipeline.resources.reader import sink_lags
from pipeline.services import clients
from spark.status import group_of

EVERY_S = 2
# After so long without a visitor, the services are left alone.
IDLE_S = 30
# How long the first visitor's page waits for the first answers.
PATIENCE_S = 1
SILENT = Failed("the service has been asked, and has not answered yet")
CLEANSING = "cleansing"


@dataclass(frozen=True)
class _Counted:
    """Records by stage, at a time in seconds."""

    at: float
    records: Mapping[str, int]


class State:
    """The newest answers of the services, by the name that a tile has for them."""

    def __init__(self, root: Path, target: Target, database: Database) -> None:
        project = loader.load(root, target)
        engine, queries = choice.choose(root, project, target)
        # PostgreSQL is read as bi_reader only: the other client needs no secret.
        self._services = clients(target, {}, engine)
        self._declared = desired.render(project, target.pipeline, queries, target.variables)
        self._rules = project.rules
        self._statements = project.queries
        self._queues = sorted(source.queue for source in project.connectors if source.queue)
        self._group = group_of(target)
        self._database = database
        self._counted: _Counted | None = None
        self._answers: dict[str, Rows | Failed] = {}
        self._wanted_at = self._begun_at = 0.0
        self._changed = Condition()
        self._threads: dict[str, Thread] = {}

    def of(self, name: str) -> Rows | Failed:
        """The newest answer. The first one is waited for, for a moment."""
        with self._changed:
            now = self._wanted_at = time.monotonic()
            if not any(thread.is_alive() for thread in self._threads.values()):
                self._begun_at = now
                self._begin()
            left = self._begun_at + PATIENCE_S - now
            self._changed.wait_for(lambda: name in self._answers, max(0, left))
            return self._answers.get(name, SILENT)

    def _begin(self) -> None:
        """Asks each from now on, by itself: one that is away does not delay the others."""
        self._answers.clear()
        for name, ask in self._asked().items():
            thread = Thread(target=self._ask_on, args=(name, ask), name=name, daemon=True)
            self._threads[name] = thread
            thread.start()

    def _ask_on(self, name: str, ask: Callable[[], Rows]) -> None:
        while time.monotonic() - self._wanted_at < IDLE_S:
            begun = time.monotonic()
            answer = _answer(ask)
            with self._changed:
                self._answers[name] = answer
                self._changed.notify_all()
            time.sleep(max(0.0, begun + EVERY_S - time.monotonic()))

    def _asked(self) -> Mapping[str, Callable[[], Rows]]:
        return {
            "stages": self._stages,
            "consumers": self._consumers,
            "connectors": self._connectors,
            "queries": self._queries,
            "dead_letters": self._dead_letters,
        }

    def _stages(self) -> Rows:
        """Records per second: written to the raw, the clean and the trend topics, and to tables."""
        rules = self._rules
        topics = {
            "Raw topics": tuple(rules.topics) if rules else (),
            "Clean topics": tuple(rule.clean for rule in rules.topics.values()) if rules else (),
            "Rejected": (rules.rejects,) if rules else (),
            "Topics of ksql/": tuple(self._statements),
        }
        ends = self._services.kafka.ends({topic for names in topics.values() for topic in names})
        records = {
            stage: sum(end for (topic, _), end in ends.items() if topic in names)
            for stage, names in topics.items()
        }
        records["Rows in PostgreSQL"] = sum(self._database.written().values())
        before, now = self._counted, _Counted(time.monotonic(), records)
        self._counted = now
        if before is None:
            return Rows(("by", "value"), ())
        passed = now.at - before.at
        rates = {stage: (records[stage] - before.records[stage]) / passed for stage in records}
        return Rows(("by", "value"), tuple((stage, max(0, round(r))) for stage, r in rates.items()))

    def _consumers(self) -> Rows:
        """The lag of the cleansing, and of each sink, in records."""
        lags = sink_lags(self._services.kafka.lags, self._declared.connectors)
        if self._rules:
            lags = {CLEANSING: self._lag(self._rules.topics), **lags}
        ranked = sorted(lags.items(), key=lambda item: -item[1])
        return Rows(("by", "value"), tuple(ranked))

    def _lag(self, topics: Iterable[str]) -> int:
        return self._services.kafka.lags({self._group: topics})[self._group]

    def _connectors(self) -> Rows:
        live = self._services.connect.connectors()
        declared = {connector.name for connector in self._declared.connectors}
        rows = [
            (name, found.summary if (found := live.get(name)) else "ABSENT")
            for name in sorted(declared)
        ]
        failed = [
            f"{name}: {cause}" for name in declared & live.keys() for cause in live[name].failed
        ]
        return Rows(("Connector", "State"), tuple(rows), tuple(sorted(failed)))

    def _queries(self) -> Rows:
        engine = self._services.engine
        running = engine.running() if engine else {}
        names = [query.name for query in self._declared.queries]
        rows = [(name, running[name].state if name in running else "ABSENT") for name in names]
        failed = [f"{name}: {query.note}" for name, query in running.items() if query.failed]
        return Rows(("Statement", "State"), tuple(rows), tuple(failed))

    def _dead_letters(self) -> Rows:
        bounds = self._services.kafka.bounds(self._queues)
        letters = dict.fromkeys(self._queues, 0)
        for (queue, _), (first, end) in bounds.items():
            letters[queue] += end - first
        filled = tuple((queue, count) for queue, count in letters.items() if count)
        return Rows(("Dead letter queue", "Records"), filled)


def _answer(ask: Callable[[], Rows]) -> Rows | Failed:
    try:
        return ask()
    except PipelineError as error:
        return Failed(str(error))
