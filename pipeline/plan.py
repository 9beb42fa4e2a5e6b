"""What has to change so that what runs is what is declared. Pure: no input, no output."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from pipeline.change import Action, Change
from pipeline.resources import RESOURCES
from pipeline.resources.desired import Desired

# What runs: by kind of resource, then by name.
Live = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Plan:
    """The changes, and the problems for which none of them may be made.

    `leftovers` run though they are not declared any more; they are no changes without `--prune`.
    `remarks` are of what is not declared and stays in any case.
    """

    changes: tuple[Change, ...]
    problems: tuple[str, ...] = ()
    leftovers: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()

    def only(self, names: frozenset[str]) -> "Plan":
        """The part that is about these resources; the problems stay."""
        return replace(self, changes=tuple(c for c in self.changes if c.name in names))

    def of(self, kind: str) -> tuple[Change, ...]:
        """The changes of one kind of resource."""
        return tuple(change for change in self.changes if change.kind == kind)


def compare(desired: Desired, live: Live, *, prune: bool = False) -> Plan:
    """The plan; with `prune`, what is ours but not declared goes."""
    changes: list[Change] = []
    problems: list[str] = []
    gone: list[Change] = []
    remarks: list[str] = []
    for resource in RESOURCES:
        declared = desired.of(resource.kind)
        running = live.get(resource.kind, {})
        for one in declared:
            changes += resource.difference(one, running.get(one.name))
            problems += resource.problems(one, running.get(one.name), desired.owner)
        gone += resource.undeclared(declared, running, desired.owner)
        remarks += resource.remarks(declared, running)
    leftovers = () if prune else tuple(f"{change.kind} {change.name}" for change in gone)
    pruned = gone if prune else []
    return Plan((*changes, *pruned), tuple(problems), leftovers, tuple(remarks))


def everything(desired: Desired, live: Live) -> Plan:
    """A plan with everything that is declared in it, also what is as it should be."""
    plan = compare(desired, live)
    planned = {(change.kind, change.name) for change in plan.changes}
    unchanged = tuple(
        Change(kind, one.name, Action.UPDATE, declared=one, live=live.get(kind, {}).get(one.name))
        for kind in (resource.kind for resource in RESOURCES)
        for one in desired.of(kind)
        if (kind, one.name) not in planned
    )
    return replace(plan, changes=(*plan.changes, *unchanged))
