"""Reads what runs from the services, checks a plan with them, and applies it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import chain
from typing import Any

from pipeline import interrupt
from pipeline.change import Action, Change, Key, Problem
from pipeline.errors import DeniedError, PipelineError, ServiceError, ServicesError
from pipeline.plan import Live, Plan
from pipeline.resources import RESOURCES
from pipeline.resources.desired import Desired
from pipeline.resources.resource import Outcome, Resource, Result, Run, Status
from pipeline.services import Services


def read(
    services: Services, desired: Desired, resources: Sequence[Resource[Any, Any]] = RESOURCES
) -> Live:
    """Reads what runs now of these kinds, from all services in parallel.

    Raises:
        ServicesError: services are unreachable; the message names each.
    """

    def ask(resource: Resource[Any, Any]) -> Mapping[str, Any] | ServiceError:
        try:
            return resource.read(services, desired.of(resource.kind))
        except ServiceError as error:
            return error

    with ThreadPoolExecutor(len(RESOURCES)) as pool:
        found = list(pool.map(ask, resources))
    errors = tuple(answer for answer in found if isinstance(answer, ServiceError))
    if errors:
        raise ServicesError(errors)
    kinds = (resource.kind for resource in resources)
    return {
        k: live for k, live in zip(kinds, found, strict=True) if not isinstance(live, ServiceError)
    }


def states(services: Services, desired: Desired) -> tuple[list[Status], ServicesError | None]:
    """The states of each kind of resource that has some, and the services that are not well."""

    def ask(resource: Resource[Any, Any]) -> Status | ServiceError | None:
        try:
            return resource.status(desired.of(resource.kind), services)
        except ServiceError as error:
            return error

    with ThreadPoolExecutor(len(RESOURCES)) as pool:
        found = list(pool.map(ask, RESOURCES))
    errors = tuple(item for item in found if isinstance(item, ServiceError))
    states = [item for item in found if isinstance(item, Status)]
    return states, ServicesError(errors) if errors else None


def checked(plan: Plan, desired: Desired, services: Services) -> Plan:
    """The plan with the problems that the services find in it, and what they refuse to check.

    Writes nothing.

    Raises:
        ServiceError: a service is unreachable.
    """

    def check(resource: Resource[Any, Any]) -> list[Problem] | DeniedError:
        changes = [c for c in plan.of(resource.kind) if c.action is not Action.DELETE]
        try:
            return resource.check(changes, desired.of(resource.kind), services)
        except DeniedError as error:
            return error

    with ThreadPoolExecutor(len(RESOURCES)) as pool:
        answers = dict(zip(RESOURCES, pool.map(check, RESOURCES), strict=True))
    found = [answer for answer in answers.values() if isinstance(answer, list)]
    denied = tuple(
        f"whether each {resource.kind} can be made so: {answer}"
        for resource, answer in answers.items()
        if isinstance(answer, DeniedError)
    )
    unseen = tuple(dict.fromkeys((*plan.unseen, *denied)))
    return replace(plan, unseen=unseen).with_problems(chain.from_iterable(found))


def apply(plan: Plan, run: Run) -> Outcome:
    """Makes the changes, one kind of resource after the other.

    What has a problem is left alone, and so is what needs it, or needs what failed. The rest is
    made, and watched for a moment at the end.

    Raises:
        InterruptedRunError: a signal cut it off; the message says what was made.
    """
    made: list[Result] = []
    recording = replace(run, record=lambda change, error: made.append((change, error)))
    with interrupt.heeded(run, lambda: interrupted(plan, made)):
        return _made(plan, recording)


def _made(plan: Plan, run: Run) -> Outcome:
    blocked = plan.blocked(plan.broken())
    again = [c for c in plan.changes if c.key in plan.recreated and c.key not in blocked]
    made: set[Key] = set()

    def record(change: Change, error: str | None) -> None:
        run.record(change, error)
        if error is None:
            made.add(change.key)

    try:
        return _in_order(plan, replace(run, record=record), _cleared(again, run))
    finally:
        for resource, left in _by_kind([change for change in again if change.key not in made]):
            resource.release(left, run)


def _cleared(changes: Sequence[Change], run: Run) -> list[Result]:
    """Takes away what is made anew, the last kind first. Returns what failed: that ended it."""
    silent = replace(run, record=lambda *_: None, report=lambda *_: None)
    for resource, of_kind in reversed(_by_kind(changes)):
        failed = [result for result in resource.clear(of_kind, silent) if result[1]]
        if failed:
            for change, error in failed:
                run.record(change, error)
                run.report(change, error)
            return failed
    return []


def _by_kind(changes: Sequence[Change]) -> list[tuple[Resource[Any, Any], list[Change]]]:
    """The changes of each kind that has some, in the order of the kinds."""
    of_kind = [(r, [c for c in changes if c.kind == r.kind]) for r in RESOURCES]
    return [(resource, found) for resource, found in of_kind if found]


def _in_order(plan: Plan, run: Run, failed: list[Result]) -> Outcome:
    """Makes the changes but for those that `failed` before they were begun."""
    results = list(failed)
    left: list[tuple[Change, str]] = []
    unfit = plan.broken()
    broken = {*unfit, *(change.key for change, _ in failed)}
    tried = broken - unfit
    held = plan.blocked(broken)
    for resource in RESOURCES:
        blocked = {**plan.blocked(broken, begun=True), **held}
        changes = [c for c in plan.of(resource.kind) if c.key not in tried]
        changes = [c for c in changes if not _is_last(resource, c)]
        left += [(c, _reason(blocked[c.key], c, unfit)) for c in changes if c.key in blocked]
        free = [change for change in changes if change.key not in blocked]
        made = resource.apply(free, run) if free else []
        broken |= {change.key for change, error in made if error}
        results += made
    for resource in reversed(RESOURCES):
        last = [change for change in plan.of(resource.kind) if _is_last(resource, change)]
        if broken or left:
            left += [(change, "not deleted, because not all else was made") for change in last]
        elif last:
            results += resource.apply(last, run)
    return Outcome(_settled(results, run), tuple(left))


def _is_last(resource: Resource[Any, Any], change: Change) -> bool:
    """Whether it deletes data, which what was there before may still use."""
    return resource.holds_data and change.action is Action.DELETE


def _reason(cause: Key, change: Change, unfit: frozenset[Key]) -> str:
    if cause == change.key:
        return "not made, because of its problem"
    return f"not made, because {' '.join(cause)} {'has a problem' if cause in unfit else 'failed'}"


def _settled(results: Iterable[Result], run: Run) -> tuple[Result, ...]:
    """The results, with the errors of what does not go on running. All kinds at the same time."""
    by_key = {change.key: (change, error) for change, error in results}
    with ThreadPoolExecutor(len(RESOURCES)) as pool:
        watched = {
            resource.kind: pool.submit(_watched, resource, made, run)
            for resource in RESOURCES
            if (made := [c for c, e in by_key.values() if c.kind == resource.kind and not e])
        }
        late = {
            (kind, name): error
            for kind, future in watched.items()
            for name, error in future.result().items()
        }
    return tuple((change, error or late.get(key)) for key, (change, error) in by_key.items())


def _watched(resource: Resource[Any, Any], made: Sequence[Change], run: Run) -> Mapping[str, str]:
    """The errors that settling finds. If a service does not answer, they say so."""
    try:
        return resource.settle(made, run)
    except PipelineError as error:
        unknown = f"made, but whether it goes on is not known: {error}"
        for change in made:
            run.report(change, unknown)
        return {change.name: unknown for change in made}


def unfinished(outcome: Outcome, services: Services) -> list[str]:
    """In which state is what a deployment did not make; empty if the services do not tell."""
    open_ = [*(change for change, error in outcome.results if error), *(c for c, _ in outcome.left)]
    found = []
    for resource in RESOURCES:
        declared = [c.declared for c in open_ if c.kind == resource.kind and c.declared]
        try:
            status = resource.status(declared, services) if declared else None
        except PipelineError:
            continue
        found += [f"{resource.kind} {row[0]} is {row[1]}" for row in status.rows] if status else []
    return found


def removed(desired: Desired) -> list[str]:
    """What `destroy` removes: a line for each kind, in its order."""
    by_kind = {
        resource.kind: [item.name for item in desired.of(resource.kind)]
        for resource in reversed(RESOURCES)
        if not resource.stays
    }
    return [f"{kind:<8} {', '.join(names)}" for kind, names in by_kind.items() if names]


def interrupted(plan: Plan, results: Sequence[Result]) -> str:
    """What was done, what was left, and in what state, when a run ended before its end."""
    errors = {change.key: error for change, error in results}
    made = [key for key, error in errors.items() if not error]
    left = [f"{kind} {name}: {error}" for (kind, name), error in errors.items() if error]
    rest = [f"{c.kind} {c.name}" for c in plan.changes if c.key not in errors]
    if rest:
        left.append(f"not made: {', '.join(rest)}")
    said = "; ".join([f"{len(made)} of {len(plan.changes)} changes were made", *left])
    return f"interrupted: {said}." + (" `deploy` makes the rest" if left else "")


def destroy(desired: Desired, run: Run, report: Callable[[str], None]) -> None:
    """Removes everything declared, in reverse order: connectors go before the topics they use.

    `report` gets the kind and name of each resource when it is removed.

    Raises:
        PipelineError: a resource could not be removed.
        InterruptedRunError: a signal cut it off; the message says what was removed.
    """
    removed: list[str] = []

    def report_and_keep(name: str) -> None:
        removed.append(name)
        report(name)

    with interrupt.heeded(run, lambda: cut_short(removed)):
        for resource in reversed(RESOURCES):
            resource.remove(desired.of(resource.kind), run, report_and_keep)


def cut_short(removed: Sequence[str]) -> str:
    """What was removed, when a removal ended before its end."""
    done = ", ".join(removed) or "nothing"
    return f"interrupted: removed: {done}. The rest is still there, and runs"
