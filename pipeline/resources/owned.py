"""What deployments made that bears no mark of it, such as topics: PostgreSQL stores the names.

What was there before the first deployment is not ours.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from pipeline.change import Action, Change
from pipeline.resources import resource
from pipeline.resources.resource import Result, Run

if TYPE_CHECKING:
    from pipeline.services import Services


MADE = {Action.CREATE, Action.RECREATE}


class _Live(Protocol):
    @property
    def ours(self) -> bool: ...


def names(kind: str, services: "Services") -> frozenset[str]:
    """What deployments have made of one kind."""
    with services.database.transaction() as transaction:
        return transaction.owned(kind)


def forget(kind: str, gone: Sequence[str], services: "Services") -> None:
    """Stores that resources are gone."""
    if gone:
        with services.database.transaction(deploying=True) as transaction:
            transaction.disown(kind, gone)


def undeclared(
    kind: str, declared: frozenset[str], live: Mapping[str, _Live], note: str
) -> Iterator[Change]:
    """Deletions of what we made and do not declare any more. `note` says what goes with it."""
    for name, existing in sorted(live.items()):
        if existing.ours and name not in declared:
            yield Change(kind, name, Action.DELETE, note=note, live=existing)


def at_once(
    kind: str, changes: Sequence[Change], make: Callable[[Change], None], run: Run
) -> list[Result]:
    """Makes independent changes in parallel, and stores which of them are ours."""
    return stored(kind, changes, lambda: resource.at_once(changes, make, run), run)


def stored(
    kind: str, changes: Sequence[Change], make: Callable[[], list[Result]], run: Run
) -> list[Result]:
    """Makes changes, and stores which of them are ours.

    A name is stored before it is created: if this process dies in between, it is still known.
    """
    created = [change for change in changes if change.action in MADE]
    if created:
        with run.services.database.transaction(deploying=True) as transaction:
            transaction.own(kind, [change.name for change in created])
    results = make()
    not_made = [c.name for c, error in results if c.action in MADE and error]
    deleted = [c.name for c, error in results if c.action is Action.DELETE and not error]
    forget(kind, [*not_made, *deleted], run.services)
    return results
