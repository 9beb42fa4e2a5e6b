"""What the repository declares, as its files are now."""

import time
from pathlib import Path
from threading import Lock

from pipeline import context
from pipeline.context import Context

# The files are read again after so long.
FRESH_S = 60


class Declared:
    """What is declared, with the clients of its services. Several threads may use it."""

    def __init__(self, root: Path, target_name: str) -> None:
        self._root = root
        self._target_name = target_name
        self._lock = Lock()
        self._read_at = 0.0
        self._context: Context | None = None

    def afresh(self) -> Context:
        """What is declared at this moment, with clients of its own."""
        return context.load(self._root, self._target_name)

    def now(self) -> Context:
        """What is declared.

        Raises:
            PipelineError: the files have mistakes, or the target's secrets are missing.
        """
        with self._lock:
            now = time.monotonic()
            if self._context is None or now > self._read_at + FRESH_S:
                self._context = self.afresh()
                self._read_at = now
            return self._context
