"""What every kind of resource can do; each kind is one class in a module of its own."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from pipeline.change import Change
from pipeline.errors import PipelineError

if TYPE_CHECKING:
    from pipeline.services import Services

# Requests to one service under way at once.
CONCURRENCY = 8

Declared = TypeVar("Declared")
Live = TypeVar("Live")
# A change that was made, or why it was not.
Result = tuple[Change, str | None]


@dataclass(frozen=True)
class Run:
    """What making changes needs: clients, patience, and whom to tell.

    `report` gets each change with its error, None if it was made; `tell` what else a person should
    know.
    """

    services: "Services"
    deadline_s: float
    report: Callable[[Change, str | None], None]
    tell: Callable[[str], None]


@dataclass(frozen=True)
class Status:
    """What `status` shows of a kind: a table, what is wrong below it, and the same for programs.

    The second cell of a row is its state, red unless the row's name, its first cell, is in `well`.
    Kinds with the same columns are shown as one table. `data` is for JSON: lists of one key are
    joined.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    well: frozenset[str]
    notes: tuple[str, ...]
    data: Mapping[str, Any]


class Resource(Generic[Declared, Live]):
    """One kind of resource. Methods that ask a service raise ServiceError if it does not answer."""

    kind: str = ""
    # Whether the kinds after this one are left alone if a change of this kind fails.
    needed: bool = True

    def read(self, services: "Services", declared: Sequence[Declared]) -> Mapping[str, Live]:
        """What runs of this kind, by name."""
        raise NotImplementedError

    def difference(self, declared: Declared, live: Live | None) -> Iterator[Change]:
        """The change that makes what runs what is declared; none if it is. Pure."""
        raise NotImplementedError

    def problems(self, declared: Declared, live: Live | None, owner: str) -> Iterator[str]:
        """Why no change can make it so. Pure."""
        del declared, live, owner
        return iter(())

    def undeclared(
        self, declared: Sequence[Declared], live: Mapping[str, Live], owner: str
    ) -> Iterator[Change]:
        """Deletions of what this repository deployed and does not declare any more. Pure."""
        del declared, live, owner
        return iter(())

    def remarks(self, declared: Sequence[Declared], live: Mapping[str, Live]) -> Iterator[str]:
        """What is there, is not declared, and is left alone by every deployment. Pure."""
        del declared, live
        return iter(())

    def check(
        self, changes: Sequence[Change], declared: Sequence[Declared], services: "Services"
    ) -> list[str]:
        """What the service itself says against the changes. Writes nothing."""
        del changes, declared, services
        return []

    def apply(self, changes: Sequence[Change], run: Run) -> list[Result]:
        """Makes the changes; one that fails stops no other that does not build on it."""
        raise NotImplementedError

    def remove(self, declared: Sequence[Declared], run: Run, report: Callable[[str], None]) -> None:
        """Removes what is declared, with what it holds, and reports each by kind and name."""
        del declared, run, report

    def status(self, declared: Sequence[Declared], services: "Services") -> Status | None:
        """The state of what is declared; None if it has none beside being there."""
        del declared, services
        return None


def at_once(
    changes: Iterable[Change],
    make: Callable[[Change], None],
    run: Run,
    concurrency: int = CONCURRENCY,
) -> list[Result]:
    """Makes changes that do not need each other."""
    with ThreadPoolExecutor(concurrency) as pool:
        return list(pool.map(lambda change: attempt(change, make, run), changes))


def attempt(change: Change, make: Callable[[Change], None], run: Run) -> Result:
    """Makes one change and reports it."""
    error = None
    try:
        make(change)
    except PipelineError as failure:
        error = str(failure)
    run.report(change, error)
    return change, error
