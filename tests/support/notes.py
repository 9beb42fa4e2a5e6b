"""The names of what deployments made, as PostgreSQL keeps them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager


class Notes:
    """A database that keeps nothing but these names, by kind."""

    def __init__(self) -> None:
        self.names: dict[str, set[str]] = {}

    @contextmanager
    def transaction(self, *, deploying: bool = False) -> Iterator["Notes"]:
        del deploying
        yield self

    def owned(self, kind: str) -> frozenset[str]:
        return frozenset(self.names.get(kind, ()))

    def own(self, kind: str, names: Sequence[str]) -> None:
        self.names.setdefault(kind, set()).update(names)

    def disown(self, kind: str, names: Sequence[str]) -> None:
        self.names.get(kind, set()).difference_update(names)
