"""Compares what is declared with what runs. Reads no file and calls no service."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any

from pipeline.change import Action, Change, Key, Problem
from pipeline.resources import RESOURCES
from pipeline.resources.desired import Desired
from pipeline.resources.needs import Needs, anew, closure, made_from, needs

# What runs, by kind of resource and by name.
Live = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Plan:
    """The changes, and the problems.

    What has a problem is not changed, nor is what needs it, nor what it is made from. What is made
    anew is so as a whole.

    `leftovers` are resources that we deployed and that are not declared any more. Only `--prune`
    turns them into changes. `remarks` are about things that are not declared and always stay.
    `unseen` is what the services do not let us see or check.
    `needs` is what each declared resource needs directly, `made_from` what it has to fit.
    """

    changes: tuple[Change, ...]
    problems: tuple[Problem, ...] = ()
    leftovers: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()
    needs: Needs = field(default_factory=dict)
    made_from: Needs = field(default_factory=dict)

    def only(self, names: frozenset[str]) -> "Plan":
        """The plan for these resources and what they need, with the problems of both."""
        named = {key for key in self._keys() if key[1] in names}
        wanted = closure(named, self.needs)
        if wanted & self.recreated:
            wanted = closure(wanted | self.recreated, self.needs)
        return replace(
            self,
            changes=tuple(change for change in self.changes if change.key in wanted),
            problems=tuple(p for p in self.problems if p.key in wanted),
            leftovers=(),
            remarks=(),
            needs={key: needed for key, needed in self.needs.items() if key in wanted},
        )

    @property
    def recreated(self) -> frozenset[Key]:
        """What is made anew: all of it, or nothing."""
        return frozenset(c.key for c in self.changes if c.action is Action.RECREATE)

    def _keys(self) -> Iterable[Key]:
        return chain(self.needs, (change.key for change in self.changes))

    def with_problems(self, found: Iterable[Problem]) -> "Plan":
        """The plan with more problems, if they concern something in it."""
        keys = set(self._keys())
        kinds = {change.kind for change in self.changes}
        more = [p for p in found if p.key in keys or (not p.name and p.kind in kinds)]
        return replace(self, problems=(*self.problems, *more))

    def of(self, kind: str) -> tuple[Change, ...]:
        """The changes to one kind of resource."""
        return tuple(change for change in self.changes if change.kind == kind)

    def broken(self) -> frozenset[Key]:
        """The resources that have a problem."""
        whole = {problem.kind for problem in self.problems if not problem.name}
        return frozenset(
            {problem.key for problem in self.problems if problem.name}
            | {change.key for change in self.changes if change.kind in whole}
        )

    def blocked(self, broken: Iterable[Key], *, begun: bool = False) -> Mapping[Key, Key]:
        """The changes that cannot be made if these resources cannot, each with one of those.

        Once it has `begun`, what is made anew is gone already: each is made that still can be.
        """
        bad = {key: key for key in broken}
        together = frozenset() if begun else self.recreated
        origins = {of: key for key in bad for of in self.made_from.get(key, ())}
        origins |= {of: key for key in bad if key in together for of in together}
        causes = {**origins, **bad}
        found: dict[Key, Key] = {}
        for change in self.changes:
            hit = closure([change.key], self.needs) & causes.keys()
            if hit:
                found[change.key] = causes[change.key if change.key in hit else min(hit)]
        return found


def compare(
    desired: Desired,
    live: Live,
    *,
    prune: bool = False,
    adopt: bool = False,
    recreate: frozenset[str] = frozenset(),
) -> Plan:
    """The plan. With `prune`, it deletes what we deployed and do not declare any more.

    With `adopt`, it takes over what others deployed under our names. It makes anew what `recreate`
    names and what has ended for good, each with all that hangs on it.
    """
    needed = needs(desired, live)
    again = anew(desired, _begun(desired, live, recreate))
    changes: list[Change] = []
    problems: list[Problem] = []
    deletions: list[Change] = []
    remarks: list[str] = []
    unseen: list[str] = []
    for resource in RESOURCES:
        declared = desired.of(resource.kind)
        running = live.get(resource.kind, {})
        whole = "" if adopt else resource.problem(declared, running, desired.owner)
        problems += [Problem(resource.kind, "", whole)] if whole else []
        for item in declared:
            existing = running.get(item.name)
            key = resource.kind, item.name
            if key in again:
                stays = _declared(desired, closure([key], needed) - again)
                changes += resource.anew(item, existing, stays)
            else:
                changes += resource.difference(item, existing)
            found = resource.problems(item, existing, desired.owner, adopt=adopt or bool(whole))
            problems += [Problem(resource.kind, item.name, message) for message in found]
        names = frozenset(
            item.name
            for other in RESOURCES
            if other.space == resource.space
            for item in desired.of(other.kind)
        )
        deletions += resource.undeclared(names, running, desired.owner)
        remarks += resource.remarks(declared, running)
        unseen += resource.unseen(declared, running)
    leftovers = () if prune else tuple(f"{change.kind} {change.name}" for change in deletions)
    pruned = deletions if prune else []
    return Plan(
        (*changes, *pruned),
        tuple(problems),
        leftovers,
        tuple(remarks),
        tuple(unseen),
        needed,
        made_from(desired),
    )


def _begun(desired: Desired, live: Live, names: frozenset[str]) -> Iterator[Key]:
    """What is made anew by its name, or because it has ended."""
    for resource in RESOURCES:
        running = live.get(resource.kind, {})
        for item in desired.of(resource.kind):
            named = resource.recreatable and item.name in names
            if named or resource.is_over(running.get(item.name)):
                yield resource.kind, item.name


def _declared(desired: Desired, keys: frozenset[Key]) -> tuple[Any, ...]:
    """The declared resources of these keys."""
    kinds = [resource.kind for resource in RESOURCES]
    return tuple(i for kind in kinds for i in desired.of(kind) if (kind, i.name) in keys)


def everything(desired: Desired, live: Live) -> Plan:
    """A plan with a change for every declared resource, even if it is up to date.

    `validate` checks all of them with the services.
    """
    plan = compare(desired, live)
    planned = {change.key for change in plan.changes}
    unchanged = tuple(
        Change(
            kind, item.name, Action.UPDATE, declared=item, live=live.get(kind, {}).get(item.name)
        )
        for kind in (resource.kind for resource in RESOURCES)
        for item in desired.of(kind)
        if (kind, item.name) not in planned
    )
    return replace(plan, changes=(*plan.changes, *unchanged))
