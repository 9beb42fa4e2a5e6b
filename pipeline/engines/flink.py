"""Runs ksql/*.sql on Flink, as one job per query."""

import hashlib
import shutil
from collections.abc import Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pipeline.clients.flink import ENDED, Flink, LiveJob, Session
from pipeline.clients.websession import CONCURRENCY
from pipeline.engines.engine import IsDirty
from pipeline.engines.store import Deployed, Store
from pipeline.errors import NotRestoredError, PipelineError, ServiceError
from pipeline.live import Line, LiveQuery
from pipeline.resources.query import Query
from pipeline.schemas import Schema
from pipeline.sql.flink.tables import Addresses
from pipeline.sql.flink.translate import Job, analyse, jobs
from pipeline.sql.statements import Statement
from pipeline.wait import until

# Not for the whole cluster: with checkpoints, an ad hoc query shows rows only every 5 s.
INTERVAL = "5 s"
PREFIX = "ksql "
# The folder of the checkpoint that a purged query starts from.
PURGED = "purged"
# INSERT returns when its job has ended, and a failure ends the job.
TRIAL = {"table.dml-sync": "true", "restart-strategy.type": "none"}
BUILDS_ON = "what it builds on has changed: "
STARTS_OVER = (
    "it starts over from the earliest record; rows under keys that it no longer writes stay"
)


def queries(translated: Iterable[Job]) -> tuple[Query, ...]:
    """The jobs as declared queries."""
    return tuple(
        Query(
            job.statement.name,
            _meaning(job),
            _lines(job.statement.text),
            reads=tuple(job.reads.values()),
            writes=job.statement.topic,
            origin=f"{job.statement.source.file}:{job.statement.line}",
        )
        for job in translated
    )


def _meaning(job: Job) -> str:
    """A digest of the translation. An address changes it; white space in ksql/ does not."""
    return hashlib.sha256(job.text.encode()).hexdigest()


def _lines(text: str) -> tuple[Line, ...]:
    stripped = (line.strip() for line in text.splitlines())
    return tuple(Line(line, line) for line in stripped if line)


class FlinkEngine:
    """Runs the jobs. `store` is the folder from which a restarted Flink resumes them."""

    concurrency = 4
    marks = True
    # Its rows replace those of the same key.
    needs_empty_topics = False

    def __init__(
        self, flink: Flink, addresses: Addresses, declared: tuple[Job, ...], store: Store
    ) -> None:
        self._flink = flink
        self._addresses = addresses
        self._jobs = {job.statement.name: job for job in declared}
        self._store = store

    def running(self) -> Mapping[str, LiveQuery]:
        """All deployed queries with the states of their jobs, and jobs that others named so.

        Raises:
            ServiceError: Flink is unreachable, or still starts.
        """
        self._flink.check_ready()
        live = self._live()
        deployed = self._store.read()
        active = {name for name, job in live.items() if job.state not in ENDED}
        return {
            name: self._query(name, deployed.get(name), live.get(name))
            for name in sorted({*deployed, *active})
        }

    def create(self, name: str, deadline_s: float) -> str:
        """Starts a query's job from the earliest record, in place of the job that runs.

        The old job ends only after Flink has compiled the new one.
        """
        with self._flink.session() as session:
            self._compile(session, self._jobs[name])
            self._cancel(name, deadline_s)
            self._store.commit(name)
            return self._start(session, name, deadline_s)

    replace = create

    def restart(self, name: str, deadline_s: float) -> str:
        """Restarts a query's job from its newest checkpoint.

        Returns a note if the checkpoint could not be restored; the job then starts over.
        """
        with self._flink.session() as session:
            self._cancel(name, deadline_s)
            return self._start(session, name, deadline_s)

    def drop(self, name: str, deadline_s: float) -> str:
        """Ends a query's job and deletes its folder."""
        self._cancel(name, deadline_s)
        self._store.forget(name)
        return ""

    def remove(self, deadline_s: float) -> list[str]:
        """Ends all jobs that have a folder, and deletes their folders."""
        names = [name for name, query in self.running().items() if query.ours]
        with ThreadPoolExecutor(CONCURRENCY) as pool:
            list(pool.map(lambda name: self.drop(name, deadline_s), names))
        return names

    def trial(
        self,
        statements: tuple[Statement, ...],
        schemas: Mapping[str, Schema],
        wanted: frozenset[str],
        deadline_s: float,
    ) -> None:
        """Runs the jobs that write the wanted topics, one after the other.

        Each job reads its topics to their current end, and ends there.
        """
        trials = jobs(analyse(statements, schemas), self._addresses, bounded=True)
        for job in (job for job in trials if job.statement.topic in wanted):
            settings = {**TRIAL, "pipeline.name": f"case {job.statement.name}"}
            with self._flink.session() as session:
                for key, value in settings.items():
                    session.execute(f"SET '{key}' = '{value}'")
                for statement in (*job.catalog, job.insert):
                    session.execute(statement, deadline_s)

    def purge(self, names: Collection[str], is_dirty: IsDirty, deadline_s: float) -> str:
        """Starts queries again from savepoints that are clean, and deletes all older checkpoints.

        RocksDB's own files still have what was deleted; a savepoint has what there is.
        """

        def purge(name: str) -> None:
            saved = self._clean_savepoint(name, is_dirty, deadline_s)
            with self._flink.session() as session:
                self._cancel(name, deadline_s)
                self._store.keep_only(name, saved)
                self._start(session, name, deadline_s)

        with ThreadPoolExecutor(self.concurrency) as pool:
            list(pool.map(purge, [name for name in self._store.read() if name in names]))
        return ""

    def _clean_savepoint(self, name: str, is_dirty: IsDirty, deadline_s: float) -> Path:
        job = self._live().get(name)
        if job is None or job.state in ENDED:
            raise PipelineError(f"query {name} does not run: make deploy")
        place = self._store.checkpoints(name) / PURGED / "chk-1"

        def saved() -> bool:
            shutil.rmtree(place.parent, ignore_errors=True)
            place.parent.mkdir(parents=True)
            self._flink.savepoint(job, place.parent, deadline_s).rename(place)
            return not is_dirty(place)

        until(
            saved,
            seconds=deadline_s,
            describe=lambda _: f"the state of query {name} still has what is to be gone",
            every=1,
        )
        return place

    def skipped(self) -> Mapping[str, int]:
        """The number of unreadable records since their job started, by topic.

        A record is unreadable if its value is not Avro, or if a table's record has no key.
        """
        counts: dict[str, int] = {}
        for name, live in self._live().items():
            if name in self._jobs and live.state not in ENDED:
                topics = self._jobs[name].reads
                for table, count in self._flink.skipped(live).items():
                    if count and table in topics:
                        # Every job that reads the topic counts the same records.
                        topic = topics[table]
                        counts[topic] = max(count, counts.get(topic, 0))
        return counts

    def _compile(self, session: Session, job: Job) -> None:
        deployed = Deployed(job.statement.name, job.statement.text, _meaning(job))
        plan = self._store.stage(deployed)
        for statement in job.catalog:
            session.execute(statement)
        session.execute(f"COMPILE PLAN '{plan}' FOR {job.insert}")

    def _start(self, session: Session, name: str, deadline_s: float) -> str:
        checkpoint = self._store.newest_checkpoint(name)
        try:
            job_id = self._execute(session, name, checkpoint)
            self._await_running(name, job_id, deadline_s)
        except NotRestoredError as error:
            self._cancel(name, deadline_s)
            job_id = self._execute(session, name, None)
            self._await_running(name, job_id, deadline_s)
            return f"{error}: it started over from the earliest record"
        return ""

    def _execute(self, session: Session, name: str, checkpoint: Path | None) -> str:
        """Submits the job and returns its id."""
        settings = {
            "pipeline.name": f"{PREFIX}{name}",
            "execution.checkpointing.interval": INTERVAL,
            "execution.checkpointing.dir": self._store.checkpoints(name).as_uri(),
        }
        if checkpoint:
            settings["execution.state-recovery.path"] = checkpoint.as_uri()
        else:
            session.execute("RESET 'execution.state-recovery.path'")
        for key, value in settings.items():
            session.execute(f"SET '{key}' = '{value}'")
        try:
            (started,) = session.execute(f"EXECUTE PLAN '{self._store.plan(name)}'")
        except ServiceError as error:
            if checkpoint is None:
                raise
            raise NotRestoredError(f"its checkpoint could not be restored ({error})") from None
        return str(started["job id"])

    def _await_running(self, name: str, job_id: str, deadline_s: float) -> None:
        until(
            lambda: self._flink.is_running(job_id) or None,
            seconds=deadline_s,
            describe=lambda _: f"{name}: its job is not fully running",
        )

    def _cancel(self, name: str, deadline_s: float) -> None:
        job = self._live().get(name)
        if job and job.state not in ENDED:
            self._flink.cancel(job, deadline_s)

    def _live(self) -> dict[str, LiveJob]:
        """Our jobs by query: the active job, or else the newest that ended."""
        ours = [job for job in self._flink.jobs() if job.name.startswith(PREFIX)]
        # The last job of a name wins: active jobs come last, and newer ones after older ones.
        ranked = sorted(ours, key=lambda job: job.state not in ENDED)
        return {job.name.removeprefix(PREFIX): job for job in ranked}

    def _query(self, name: str, deployed: Deployed | None, job: LiveJob | None) -> LiveQuery:
        meaning = deployed.meaning if deployed else ""
        state, cause = self._state(job)
        declared = self._jobs.get(name)
        lines = _lines(deployed.text) if deployed else ()
        note = cause
        if declared is not None and meaning != _meaning(declared):
            reason = "" if lines != _lines(declared.statement.text) else BUILDS_ON
            note = f"{reason}{STARTS_OVER}"
        ours = deployed is not None
        failed = bool(cause)
        return LiveQuery(meaning, lines, state, failed, note=note, ours=ours, theirs=not ours)

    def _state(self, job: LiveJob | None) -> tuple[str, str]:
        """The state of a job, and the cause if it fails or is not active, else ""."""
        if job is None:
            return "ABSENT", "its job is gone"
        cause = self._flink.failing(job)
        if job.state in ENDED:
            return job.state, cause or "its job was ended by hand"
        return ("FAILING", cause) if cause else (job.state, "")
