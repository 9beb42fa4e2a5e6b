"""The interface of every kind of resource. Each kind is a class in its own module."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Event
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from pipeline.change import Action, Change, Problem
from pipeline.errors import PipelineError

if TYPE_CHECKING:
    from pipeline.services import Services

# Concurrent requests to one service.
CONCURRENCY = 8

Declared = TypeVar("Declared")
Live = TypeVar("Live")
# A change, and the error if it was not made.
Result = tuple[Change, str | None]


@dataclass(frozen=True)
class Outcome:
    """The result of each change: the error, or None if the change was made.

    `left` are the changes that were not tried, each with the reason.
    """

    results: tuple[Result, ...]
    left: tuple[tuple[Change, str], ...] = ()

    @property
    def failures(self) -> tuple[str, ...]:
        """One message per change that failed or was not tried."""
        failed = tuple(f"{c.kind} {c.name}: {error}" for c, error in self.results if error)
        return (*failed, *(f"{c.kind} {c.name}: {reason}" for c, reason in self.left))

    @property
    def made(self) -> tuple[Change, ...]:
        """The changes that were made."""
        return tuple(change for change, error in self.results if error is None)


@dataclass(frozen=True)
class Run:
    """What it takes to make changes: clients, a deadline in seconds, and where to report.

    `record` is called as soon as a change was made, `report` when it is known to hold; both get the
    error or None. `tell` gets notes for the user. Once `stopping` is set, no change is begun, and
    none is waited for.
    """

    services: "Services"
    deadline_s: float
    report: Callable[[Change, str | None], None]
    tell: Callable[[str], None]
    stopping: Event = field(default_factory=Event)
    record: Callable[[Change, str | None], None] = lambda _change, _error: None

    def go_on(self, state: str) -> None:
        """Ends a change that is being stopped. `state` says how it leaves things.

        Raises:
            PipelineError: the run is stopping.
        """
        if self.stopping.is_set():
            raise PipelineError(state)


# What to do about most of what is wrong.
DEPLOY = "`make deploy`"


@dataclass(frozen=True)
class Wrong:
    """What is not well, in a line or more, and what to do about it."""

    name: str
    what: str
    remedy: str

    def __str__(self) -> str:
        return f"✗ {self.name}: {self.what}\n    → {self.remedy}"


@dataclass(frozen=True)
class Status:
    """What `status` shows for one kind of resource: what is wrong, a table, and data for JSON.

    The first cell of a row is the resource's name, the second its state: red if something is wrong
    with it. `notes` are about what is well. Kinds with equal `columns` are printed as one table. If
    two kinds have the same key in `data`, their lists are joined.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    wrong: tuple[Wrong, ...]
    notes: tuple[str, ...]
    data: Mapping[str, Any]


class Resource(Generic[Declared, Live]):
    """One kind of resource.

    The methods that get `services` or a run raise ServiceError if a service is unreachable. The
    others only compare, and call no service.
    """

    kind: str = ""
    # Whether `destroy` leaves it.
    stays: bool = False
    # Whether it can be made anew by its name, with what needs it.
    recreatable: bool = False
    # What a re-creation takes from it.
    loses: str = ""
    # Whether it holds data that others write: it is deleted last, once they are gone.
    holds_data: bool = False
    # The resource of Kubernetes that Strimzi's operators make it of, on a target that has them.
    custom_resource: str = ""

    @property
    def space(self) -> str:
        """Kinds of one space have their names in common."""
        return self.kind

    def read(self, services: "Services", declared: Sequence[Declared]) -> Mapping[str, Live]:
        """What runs of this kind, by name."""
        raise NotImplementedError

    def difference(self, declared: Declared, live: Live | None) -> Iterator[Change]:
        """The change that a resource needs to be as declared, if any."""
        raise NotImplementedError

    def is_over(self, live: Live | None) -> bool:
        """Whether what is left of a resource that has ended can only be made anew."""
        del live
        return False

    def anew(
        self, declared: Declared, live: Live | None, needed: Sequence[Any]
    ) -> Iterator[Change]:
        """The change that makes a resource anew. `needed` is what it needs, and what stays."""
        del needed
        found = list(self.difference(declared, live))
        if live is None:
            yield from found
            return
        changed = found[0].edits if found else ()
        name = getattr(declared, "name", "")
        yield Change(self.kind, name, Action.RECREATE, changed, self.loses, declared, live)

    def problems(
        self, declared: Declared, live: Live | None, owner: str, *, adopt: bool
    ) -> Iterator[str]:
        """Why a resource cannot be made as declared. With `adopt`, those of others are taken."""
        del declared, live, owner, adopt
        return iter(())

    def problem(self, declared: Sequence[Declared], live: Mapping[str, Live], owner: str) -> str:
        """One reason why none of them can be made, in place of the same for each; "" if none."""
        del declared, live, owner
        return ""

    def undeclared(
        self, names: frozenset[str], live: Mapping[str, Live], owner: str
    ) -> Iterator[Change]:
        """Deletions of resources that this repository deployed and does not declare any more.

        `names` are the declared names of the whole space.
        """
        del names, live, owner
        return iter(())

    def remarks(self, declared: Sequence[Declared], live: Mapping[str, Live]) -> Iterator[str]:
        """Notes on things that are not declared, and that no deployment deletes."""
        del declared, live
        return iter(())

    def unseen(self, declared: Sequence[Declared], live: Mapping[str, Live]) -> Iterator[str]:
        """What the service does not let us see of what is declared."""
        del declared, live
        return iter(())

    def check(
        self, changes: Sequence[Change], declared: Sequence[Declared], services: "Services"
    ) -> list[Problem]:
        """The problems that the service finds in the changes, no deletions. Writes nothing."""
        del changes, declared, services
        return []

    def clear(self, changes: Sequence[Change], run: Run) -> list[Result]:
        """Takes away what is made anew, before anything of it is made again."""
        del run
        return [(change, None) for change in changes]

    def release(self, changes: Sequence[Change], run: Run) -> None:
        """Lets go on what was stopped to be made anew, and was not made."""
        del changes, run

    def apply(self, changes: Sequence[Change], run: Run) -> list[Result]:
        """Makes the changes. A failed change stops only those that need it."""
        raise NotImplementedError

    def settle(self, changes: Sequence[Change], run: Run) -> Mapping[str, str]:
        """Watches for a moment whether what was changed goes on running; an error by name.

        It is called once all kinds are deployed. A kind that has it reports what it made here.
        """
        del changes, run
        return {}

    def remove(self, declared: Sequence[Declared], run: Run, report: Callable[[str], None]) -> None:
        """Deletes what is declared, with its data, and reports the kind and name of each."""
        del declared, run, report

    def status(self, declared: Sequence[Declared], services: "Services") -> Status | None:
        """The state of each declared resource; None for a kind that has no state to show."""
        del declared, services
        return None


def at_once(changes: Iterable[Change], make: Callable[[Change], None], run: Run) -> list[Result]:
    """Makes independent changes in parallel."""
    with ThreadPoolExecutor(CONCURRENCY) as pool:
        return list(pool.map(lambda change: attempt(change, make, run), changes))


def attempt(change: Change, make: Callable[[Change], None], run: Run) -> Result:
    """Makes one change and reports it. A PipelineError becomes the result's error."""
    if run.stopping.is_set():
        return change, "not begun"
    error = None
    try:
        make(change)
    except PipelineError as failure:
        error = str(failure)
    run.record(change, error)
    run.report(change, error)
    return change, error
