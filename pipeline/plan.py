"""Compares what is declared with what runs. Reads no file and calls no service."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from typing import Any

from pipeline.change import Action, Change
from pipeline.errors import UsageError
from pipeline.resources import RESOURCES
from pipeline.resources.desired import Desired
from pipeline.suggest import unknown

# What runs, by kind of resource and by name.
Live = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Plan:
    """The changes, and the problems. If there is a problem, no change may be made.

    `leftovers` are resources that we deployed and that are not declared any more. Only `--prune`
    turns them into changes. `remarks` are about things that are not declared and always stay.
    """

    changes: tuple[Change, ...]
    problems: tuple[str, ...] = ()
    leftovers: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()

    def only(self, names: frozenset[str]) -> "Plan":
        """The plan with the changes to these resources only. All problems stay."""
        return replace(self, changes=tuple(c for c in self.changes if c.name in names))

    def of(self, kind: str) -> tuple[Change, ...]:
        """The changes to one kind of resource."""
        return tuple(change for change in self.changes if change.kind == kind)


def compare(desired: Desired, live: Live, *, prune: bool = False) -> Plan:
    """The plan. With `prune`, it deletes what we deployed and do not declare any more."""
    changes: list[Change] = []
    problems: list[str] = []
    deletions: list[Change] = []
    remarks: list[str] = []
    for resource in RESOURCES:
        declared = desired.of(resource.kind)
        running = live.get(resource.kind, {})
        for item in declared:
            changes += resource.difference(item, running.get(item.name))
            problems += resource.problems(item, running.get(item.name), desired.owner)
        deletions += resource.undeclared(declared, running, desired.owner)
        remarks += resource.remarks(declared, running)
    leftovers = () if prune else tuple(f"{change.kind} {change.name}" for change in deletions)
    pruned = deletions if prune else []
    return Plan((*changes, *pruned), tuple(problems), leftovers, tuple(remarks))


def selected(patterns: Iterable[str], desired: Desired, plan: Plan) -> frozenset[str]:
    """The names of resources that match one of the patterns. * and ? match.

    Raises:
        UsageError: no resource matches a pattern.
    """
    names = {item.name for resource in RESOURCES for item in desired.of(resource.kind)}
    names |= {change.name for change in plan.changes}
    matching: set[str] = set()
    for pattern in patterns:
        found = {name for name in names if fnmatch(name, pattern)}
        if not found:
            raise UsageError(unknown("resource", pattern, names))
        matching |= found
    return frozenset(matching)


def everything(desired: Desired, live: Live) -> Plan:
    """A plan with a change for every declared resource, even if it is up to date.

    `validate` checks all of them with the services.
    """
    plan = compare(desired, live)
    planned = {(change.kind, change.name) for change in plan.changes}
    unchanged = tuple(
        Change(
            kind, item.name, Action.UPDATE, declared=item, live=live.get(kind, {}).get(item.name)
        )
        for kind in (resource.kind for resource in RESOURCES)
        for item in desired.of(kind)
        if (kind, item.name) not in planned
    )
    return replace(plan, changes=(*plan.changes, *unchanged))
