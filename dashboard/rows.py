"""What a tile shows, before it is drawn."""

import hashlib
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Rows:
    """The result of a query, or what services say. `notes` are sentences to show below it."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    notes: tuple[str, ...] = ()

    @property
    def version(self) -> str:
        """Differs if anything in it differs."""
        return hashlib.sha256(repr(self).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Failed:
    """Why a tile has nothing to show."""

    reason: str

    @property
    def version(self) -> str:
        """Differs if the reason does."""
        return self.reason
