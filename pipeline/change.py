"""What a plan is made of: changes of resources, key by key. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Action(StrEnum):
    """What is done."""

    CREATE = "create"
    UPDATE = "update"
    RESTART = "restart"
    DELETE = "delete"


@dataclass(frozen=True)
class Edit:
    """One key that changes; None where it is not there."""

    key: str
    before: str | None
    after: str | None


@dataclass(frozen=True)
class Change:
    """One resource that changes, and why.

    `declared` is what the repository says of it, `live` what runs; None where there is none. Both
    are objects of the resource's own module, which plans the change and makes it.
    """

    kind: str
    name: str
    action: Action
    edits: tuple[Edit, ...] = ()
    note: str = ""
    declared: Any = None
    live: Any = None


def edits(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[Edit, ...]:
    """The keys in which two maps differ, sorted."""
    return tuple(
        Edit(key, before.get(key), after.get(key))
        for key in sorted(before.keys() | after.keys())
        if before.get(key) != after.get(key)
    )
