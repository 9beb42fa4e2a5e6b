"""Between a plan and the services: reads what runs, asks, makes the changes, removes."""

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
    """Each change with the reason why it was not made; None where it was."""

    results: tuple[Result, ...]

    @property
    def failures(self) -> tuple[str, ...]:
        """One message per change that failed."""
        return tuple(f"{c.kind} {c.name}: {error}" for c, error in self.results if error)


def read(services: Services, desired: Desired) -> Live:
    """What runs now, read from all services at once.

    Raises:
        ServiceError: a service is unreachable; the first that failed, in the order of the data.
    """
    with ThreadPoolExecutor(len(RESOURCES)) as pool:
        found = {
            resource.kind: pool.submit(resource.read, services, desired.of(resource.kind))
            for resource in RESOURCES
        }
        return {kind: future.result() for kind, future in found.items()}


def checked(plan: Plan, desired: Desired, services: Services) -> Plan:
    """The plan with the problems that the services themselves see in it. Writes nothing."""
    with ThreadPoolExecutor(len(RESOURCES)) as pool:
        found = pool.map(
            lambda one: one.check(plan.of(one.kind), desired.of(one.kind), services), RESOURCES
        )
        return replace(plan, problems=(*plan.problems, *(p for some in found for p in some)))


def apply(plan: Plan, run: Run) -> Outcome:
    """Makes the changes, kind by kind, those of one kind at once where they can be.

    A change that fails stops no other of its kind, but what comes after builds on it and is then
    left alone; the outcome says so for each.
    """
    results: list[Result] = []
    failed = ""
    for resource in RESOURCES:
        changes = plan.of(resource.kind)
        if failed:
            results += [(change, f"not done: a {failed} failed before it") for change in changes]
            continue
        made = resource.apply(changes, run) if changes else []
        results += made
        if resource.needed and any(error for _, error in made):
            failed = resource.kind
    return Outcome(tuple(results))


def destroy(desired: Desired, run: Run, report: Callable[[str], None]) -> None:
    """Removes what is declared, against the order of the data: nothing writes to what goes next.

    Raises:
        PipelineError: something could not be removed; what was removed has been reported.
    """
    for resource in reversed(RESOURCES):
        resource.remove(desired.of(resource.kind), run, report)
