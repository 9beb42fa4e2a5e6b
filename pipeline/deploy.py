"""Reads what runs from the services, checks a plan with them, and applies it."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

from pipeline import interrupt
from pipeline.change import Change
from pipeline.errors import ServiceError
from pipeline.plan import Live, Plan
from pipeline.resources import RESOURCES
from pipeline.resources.desired import Desired
from pipeline.resources.resource import Resource, Result, Run, Status
from pipeline.services import Services


@dataclass(frozen=True)
class Outcome:
    """The result of each change: the error, or None if the change was made."""

    results: tuple[Result, ...]

    @property
    def failures(self) -> tuple[str, ...]:
        """One message per change that failed."""
        return tuple(f"{c.kind} {c.name}: {error}" for c, error in self.results if error)


def read(services: Services, desired: Desired) -> Live:
    """Reads what runs now, from all services in parallel.

    Raises:
        ServiceError: a service is unreachable. If several are, the error is that of the first
            resource in RESOURCES.
    """
    with ThreadPoolExecutor(len(RESOURCES)) as pool:
        futures = {
            resource.kind: pool.submit(resource.read, services, desired.of(resource.kind))
            for resource in RESOURCES
        }
        return {kind: future.result() for kind, future in futures.items()}


def states(services: Services, desired: Desired) -> tuple[list[Status], tuple[str, ...]]:
    """The states of each kind of resource that has some, and the services that are not well."""

    def ask(resource: Resource[Any, Any]) -> Status | ServiceError | None:
        try:
            return resource.status(desired.of(resource.kind), services)
        except ServiceError as error:
            return error

    with ThreadPoolExecutor(len(RESOURCES)) as pool:
        found = list(pool.map(ask, RESOURCES))
    errors = dict.fromkeys(str(item) for item in found if isinstance(item, ServiceError))
    return [item for item in found if isinstance(item, Status)], tuple(errors)


def checked(plan: Plan, desired: Desired, services: Services) -> Plan:
    """The plan with the problems that the services find in it. Writes nothing.

    Raises:
        ServiceError: a service is unreachable.
    """
    with ThreadPoolExecutor(len(RESOURCES)) as pool:
        by_kind = pool.map(
            lambda resource: resource.check(
                plan.of(resource.kind), desired.of(resource.kind), services
            ),
            RESOURCES,
        )
        found = [problem for problems in by_kind for problem in problems]
        return replace(plan, problems=(*plan.problems, *found))


def apply(plan: Plan, run: Run) -> Outcome:
    """Makes the changes, one kind of resource after the other.

    If a change fails, the other changes of its kind are still made. If later kinds need that kind,
    none of their changes is made, and the outcome has an error for each of them.

    Raises:
        InterruptedRunError: a signal cut it off; the message says what was made.
    """
    reported: list[Result] = []

    def report(change: Change, error: str | None) -> None:
        reported.append((change, error))
        run.report(change, error)

    with interrupt.heeded(run, lambda: interrupted(plan, reported)):
        return Outcome(tuple(_results(plan, replace(run, report=report))))


def _results(plan: Plan, run: Run) -> list[Result]:
    results: list[Result] = []
    failed = ""
    for resource in RESOURCES:
        changes = plan.of(resource.kind)
        if failed:
            results += [(change, f"not made, because a {failed} failed") for change in changes]
            continue
        of_kind = resource.apply(changes, run) if changes else []
        results += of_kind
        if resource.needed and any(error for _, error in of_kind):
            failed = resource.kind
    return results


def interrupted(plan: Plan, results: Sequence[Result]) -> str:
    """What was done, what was left, and in what state, when a run ended before its end."""
    errors = {(change.kind, change.name): error for change, error in results}
    made = [key for key, error in errors.items() if not error]
    left = [f"{kind} {name}: {error}" for (kind, name), error in errors.items() if error]
    rest = [f"{c.kind} {c.name}" for c in plan.changes if (c.kind, c.name) not in errors]
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
