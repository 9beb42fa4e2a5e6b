"""ksql/*.sql as one job of Flink."""

import hashlib
import shutil
from collections.abc import Mapping
from pathlib import Path

from pipeline.desired import Query
from pipeline.errors import PipelineError
from pipeline.flink.gateway import Flink, Job
from pipeline.flink.relations import Script
from pipeline.queries import LiveQuery
from pipeline.wait import until

NAME = "ksql"
# Server.java splits by it.
SEPARATOR = "\n;\n"
ENDED = {"CANCELED", "FAILED", "FINISHED", "SUSPENDED"}
# Of this job only: a person's question would show its answer at checkpoints alone.
CHECKPOINTS = "SET 'execution.checkpointing.interval' = '5 s'"
STARTS_OVER = "all of ksql/ starts over from the earliest record"


def query(script: Script) -> Query:
    """The whole script as one query: Flink runs it as one job, under a name with its digest."""
    digest = hashlib.sha256("\n".join(script.statements).encode()).hexdigest()
    return Query(NAME, f"{NAME}-{digest[:12]}")


class FlinkEngine:
    """Keeps the job, and in `folder` what a cluster that is started again needs to resume it."""

    def __init__(self, flink: Flink, script: Script, folder: Path) -> None:
        self._flink = flink
        self._script = script
        self._folder = folder

    def running(self) -> Mapping[str, LiveQuery]:
        """The job, if there is one."""
        jobs = self._jobs()
        if not jobs:
            return {}
        job = jobs[-1]
        failed = job.state in ENDED
        note = self._flink.cause(job) if failed else STARTS_OVER
        return {NAME: LiveQuery(job.name, job.state, failed, note)}

    def make(self, query: Query, live: LiveQuery | None, deadline_s: float) -> None:
        """Starts the job; anew if its text has changed, else from its newest checkpoint."""
        for job in self._jobs():
            if job.state not in ENDED:
                self._flink.cancel(job, deadline_s)
        if live is None or live.text != query.text:
            shutil.rmtree(self._folder / "checkpoints", ignore_errors=True)
        settings = [f"SET 'pipeline.name' = '{query.text}'", CHECKPOINTS]
        newest = self._newest_checkpoint()
        resume = [f"SET 'execution.state-recovery.path' = '{newest.as_uri()}'"] if newest else []
        with self._flink.session() as session:
            for statement in [*settings, *resume, *self._script.statements]:
                session.execute(statement)
        until(
            lambda: self._flink.is_running(self._jobs()[-1]) or None,
            seconds=deadline_s,
            describe=lambda: f"the job does not run: {self.running()[NAME].note}",
        )
        self._remember([*settings, *self._script.statements])

    def remove(self, deadline_s: float) -> list[str]:
        """Ends the job and forgets its state."""
        found = [job for job in self._jobs() if job.state not in ENDED]
        for job in found:
            self._flink.cancel(job, deadline_s)
        self._deployed.unlink(missing_ok=True)
        shutil.rmtree(self._folder / "checkpoints", ignore_errors=True)
        return [NAME] if found else []

    def _jobs(self) -> list[Job]:
        """Our jobs that run, or the last one that ran."""
        ours = [job for job in self._flink.jobs() if job.name.startswith(f"{NAME}-")]
        return [job for job in ours if job.state not in ENDED] or [
            job for job in ours[-1:] if job.state != "CANCELED"
        ]

    @property
    def _deployed(self) -> Path:
        return self._folder / "deployed.sql"

    def _remember(self, statements: list[str]) -> None:
        fresh = self._deployed.with_suffix(".new")
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            fresh.write_text(SEPARATOR.join(statements))
            fresh.replace(self._deployed)
        except OSError as error:
            raise PipelineError(f"{self._deployed} cannot be written: {error}") from None

    def _newest_checkpoint(self) -> Path | None:
        # A checkpoint is whole once its metadata is there.
        found = (self._folder / "checkpoints").glob("*/chk-*/_metadata")
        newest = max(found, key=lambda file: file.stat().st_mtime, default=None)
        return newest.parent.resolve() if newest else None
