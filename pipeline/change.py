"""The changes in a plan: which resource changes, and which of its keys. No network."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum
from typing import Any

from pipeline.live import Line

# The key of an edit that shows a line of a statement.
STATEMENT = "statement"
# A resource: its kind and its name.
Key = tuple[str, str]
NOWHERE: Mapping[str, str] = {}


class Action(StrEnum):
    """What a deployment does to a resource."""

    CREATE = "create"
    UPDATE = "update"
    RESTART = "restart"
    RECREATE = "recreate"
    DELETE = "delete"


@dataclass(frozen=True)
class Edit:
    """A key whose value changes. `before` is None for a new key, `after` for a removed one.

    `origin` is the file that says so, if it is not the file of the resource.
    """

    key: str
    before: str | None
    after: str | None
    origin: str = ""


@dataclass(frozen=True)
class Change:
    """A change to one resource; `note` tells the reason, if the edits do not.

    `declared` is the resource in the repository and `live` the one that runs; None if there is
    none. The classes of both are defined in the resource's module, which plans and makes the
    change.
    """

    kind: str
    name: str
    action: Action
    edits: tuple[Edit, ...] = ()
    note: str = ""
    declared: Any = None
    live: Any = None

    @property
    def key(self) -> Key:
        """Of which resource it is."""
        return self.kind, self.name

    @property
    def found(self) -> Any:
        """What is there when the change is made: nothing of what is made anew."""
        return None if self.action is Action.RECREATE else self.live


@dataclass(frozen=True)
class Problem:
    """Why a resource cannot be made as declared. Without a name, it concerns its whole kind.

    `secrets` are values in clear text that no output may show.
    """

    kind: str
    name: str
    message: str
    secrets: tuple[str, ...] = ()

    @property
    def key(self) -> Key:
        """Which resource it concerns."""
        return self.kind, self.name


def edits(
    before: Mapping[str, str], after: Mapping[str, str], origins: Mapping[str, str] = NOWHERE
) -> tuple[Edit, ...]:
    """The keys whose values differ between two mappings, sorted by key."""
    return tuple(
        Edit(key, before.get(key), after.get(key), origins.get(key, ""))
        for key in sorted(before.keys() | after.keys())
        if before.get(key) != after.get(key)
    )


def lines(before: Sequence[Line], after: Sequence[Line]) -> Iterator[Edit]:
    """The lines that differ between two texts, in order."""
    old, new = [line.meaning for line in before], [line.meaning for line in after]
    for tag, start, end, first, last in SequenceMatcher(None, old, new).get_opcodes():
        if tag != "equal":
            yield from (Edit(STATEMENT, line.text, None) for line in before[start:end])
            yield from (Edit(STATEMENT, None, line.text) for line in after[first:last])
