"""Who makes what on a target with `strimzi`: topics and connectors are of Strimzi's operators.

There, a deployment makes the rest, and waits for what the operators have yet to make.
"""

from dataclasses import replace
from typing import Any

from pipeline import deploy as deployment
from pipeline.change import Action, Change, Problem
from pipeline.plan import Live, Plan
from pipeline.resources import RESOURCES
from pipeline.resources.desired import Desired
from pipeline.resources.needs import closure, needs
from pipeline.resources.resource import Resource
from pipeline.services import Services

OPERATED = {r.kind: r.custom_resource for r in RESOURCES if r.custom_resource}
MADE = {Action.CREATE, Action.RECREATE}


def read(services: Services, desired: Desired) -> Live:
    """Reads what runs now, as far as it is asked for.

    Raises:
        ServicesError: services are unreachable; the message names each.
    """
    return deployment.read(services, desired, asked(desired))


def asked(desired: Desired) -> tuple[Resource[Any, Any], ...]:
    """The kinds to ask for: not those of the operators that nothing of ours needs.

    Kafka Connect can be started later, and answers nobody but the operator.
    """
    needed = {kind for keys in needs(desired, {}).values() for kind, _ in keys}
    return tuple(r for r in RESOURCES if r.kind in needed or r.kind not in OPERATED)


def ours(plan: Plan) -> Plan:
    """The plan for what is ours. What it needs and the operators have not made is a problem."""
    changes = tuple(change for change in plan.changes if change.kind not in OPERATED)
    needed = closure([change.key for change in changes], plan.needs)
    theirs = [c for c in plan.changes if c.kind in OPERATED and c.key in needed]
    missing = (Problem(c.kind, c.name, _missing(c)) for c in theirs if c.action in MADE)
    own = (problem for problem in plan.problems if problem.kind not in OPERATED)
    left = tuple(name for name in plan.leftovers if name.split()[0] not in OPERATED)
    return replace(plan, changes=changes, problems=(*own, *missing), leftovers=left)


def _missing(change: Change) -> str:
    if change.action is Action.CREATE:
        return (
            f"{change.name} is not there yet: Strimzi makes it of the {OPERATED[change.kind]} that"
            " `render.py render --format strimzi` writes"
        )
    return (
        f"{change.name} would be made anew with its records, and it is Strimzi's: use a target"
        " without `strimzi`"
    )
