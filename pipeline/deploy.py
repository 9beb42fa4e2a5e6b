"""Reads what runs from the services, checks a plan with them, and applies it."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from pipeline.plan import Live, Plan
from pipeline.resources import RESOURCES
from pipeline.resources.desired import Desired
from pipeline.resources.resource import Result, Run
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
    """
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
    return Outcome(tuple(results))


def destroy(desired: Desired, run: Run, report: Callable[[str], None]) -> None:
    """Removes everything declared, in reverse order: connectors go before the topics they use.

    `report` gets the kind and name of each resource when it is removed.

    Raises:
        PipelineError: a resource could not be removed.
    """
    for resource in reversed(RESOURCES):
        resource.remove(desired.of(resource.kind), run, report)
