"""Stores the deployed queries on disk, so that a restarted Flink can resume them.

Each query has a folder:

    <NAME>/query.json       the statement's text, and the digest of its translation
    <NAME>/plan.json        the compiled plan, in which each operator has a fixed id
    <NAME>/checkpoints/     the checkpoints; stack/flink's Server.java resumes the job from one

A query that is being deployed has the folder <NAME>.new.
"""

import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

from pipeline.errors import PipelineError

RECORD = "query.json"
PLAN = "plan.json"
CHECKPOINTS = "checkpoints"
STAGED = ".new"


@dataclass(frozen=True)
class Deployed:
    """A deployed query: the text of its statement, and the digest of its translation."""

    name: str
    text: str
    meaning: str


class Store:
    """The folder of all deployed queries."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()

    def read(self) -> dict[str, Deployed]:
        """All deployed queries, by name."""
        files = sorted(self._folder.glob(f"*/{RECORD}"))
        deployed = [file for file in files if file.parent.suffix != STAGED]
        queries = [Deployed(**json.loads(file.read_text())) for file in deployed]
        return {query.name: query for query in queries}

    def stage(self, deployed: Deployed) -> Path:
        """Creates <NAME>.new for a query; returns the path for its compiled plan.

        Raises:
            PipelineError: the folder cannot be written.
        """
        folder = self._folder / f"{deployed.name}{STAGED}"
        try:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            (folder / RECORD).write_text(json.dumps(asdict(deployed), indent=2))
        except OSError as error:
            raise PipelineError(f"{folder} cannot be written: {error}") from None
        return folder / PLAN

    def commit(self, name: str) -> None:
        """Replaces a query's folder, with its checkpoints, by the staged one."""
        self.forget(name)
        (self._folder / f"{name}{STAGED}").rename(self._folder / name)

    def forget(self, name: str) -> None:
        """Deletes a query's folder."""
        shutil.rmtree(self._folder / name, ignore_errors=True)

    def plan(self, name: str) -> Path:
        """The path of a query's compiled plan."""
        return self._folder / name / PLAN

    def checkpoints(self, name: str) -> Path:
        """The folder for the checkpoints of a query's job."""
        return self._folder / name / CHECKPOINTS

    def copy(self, name: str, to: Path) -> Path:
        """Copies a query to the folder of another store, but for its state.

        Returns where the state has to be, so that a Flink that starts on that store finds it.
        """
        folder = to / name
        folder.mkdir(parents=True)
        for file in (RECORD, PLAN):
            shutil.copy2(self._folder / name / file, folder / file)
        return folder / CHECKPOINTS / "saved" / "chk-1"

    def keep_only(self, name: str, checkpoint: Path) -> None:
        """Deletes all checkpoints of a query but one."""
        for folder in self.checkpoints(name).iterdir():
            if folder != checkpoint.parent:
                shutil.rmtree(folder)

    def newest_checkpoint(self, name: str) -> Path | None:
        """The folder of the newest complete checkpoint; None if there is none."""
        # Flink writes _metadata last, so a checkpoint with this file is complete.
        files = self.checkpoints(name).glob("*/chk-*/_metadata")
        newest = max(files, key=lambda file: file.stat().st_mtime, default=None)
        return newest.parent if newest else None
