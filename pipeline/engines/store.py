"""What Flink needs to go on after it was stopped: a folder per statement.

    <NAME>/query.json       the statement as people wrote it, and what it meant to Flink
    <NAME>/plan.json        the compiled plan: its operators keep their ids, whoever starts it
    <NAME>/checkpoints/     what stack/flink's Server.java starts the job from

<NAME>.new is one that is being made.
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
    """A statement that was deployed."""

    name: str
    text: str
    meaning: str


class Store:
    """The folder. Methods raise PipelineError where it cannot be written."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()

    def read(self) -> dict[str, Deployed]:
        """Everything that is deployed, by name."""
        files = sorted(self._folder.glob(f"*/{RECORD}"))
        found = [Deployed(**json.loads(f.read_text())) for f in files if f.parent.suffix != STAGED]
        return {deployed.name: deployed for deployed in found}

    def stage(self, deployed: Deployed) -> Path:
        """An empty place for a statement's new plan; returns the file that it is to become."""
        folder = self._folder / f"{deployed.name}{STAGED}"
        try:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            (folder / RECORD).write_text(json.dumps(asdict(deployed), indent=2))
        except OSError as error:
            raise PipelineError(f"{folder} cannot be written: {error}") from None
        return folder / PLAN

    def commit(self, name: str) -> None:
        """Puts what was staged in the place of what was there, whose state goes."""
        self.forget(name)
        (self._folder / f"{name}{STAGED}").rename(self._folder / name)

    def forget(self, name: str) -> None:
        """Removes a statement's folder."""
        shutil.rmtree(self._folder / name, ignore_errors=True)

    def plan(self, name: str) -> Path:
        """A statement's compiled plan."""
        return self._folder / name / PLAN

    def checkpoints(self, name: str) -> Path:
        """Where the checkpoints of a statement's job go."""
        return self._folder / name / CHECKPOINTS

    def newest_checkpoint(self, name: str) -> Path | None:
        """The newest whole one: its metadata is written last."""
        found = self.checkpoints(name).glob("*/chk-*/_metadata")
        newest = max(found, key=lambda file: file.stat().st_mtime, default=None)
        return newest.parent if newest else None
