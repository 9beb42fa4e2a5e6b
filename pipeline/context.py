"""What a command of the command line works with: what a target declares, and its services."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pipeline import deploy as deployment
from pipeline import operated, report
from pipeline import plan as planning
from pipeline.engines import choice
from pipeline.errors import InterruptedRunError
from pipeline.repository import desired as declarations
from pipeline.repository import loader
from pipeline.repository import target as targets
from pipeline.repository.project import Project
from pipeline.repository.target import Target
from pipeline.resources.desired import Desired
from pipeline.selection import recreated, selected
from pipeline.services import Services, clients


@dataclass(frozen=True)
class Context:
    """What the files say and declare, the clients, and the secrets that no output shows.

    `operated` is whether topics and connectors are of Strimzi's operators.
    """

    target: Target
    project: Project
    hidden: tuple[str, ...]
    desired: Desired
    services: Services
    operated: bool

    @property
    def ours(self) -> Desired:
        """What is declared and ours to remove."""
        return self.desired.without_operated() if self.operated else self.desired

    def redacted(self, text: str) -> str:
        """The text without secrets."""
        return report.redact(text, self.hidden)

    @contextmanager
    def alone(self, name: str) -> Iterator[None]:
        """A block in which nobody else deploys this pipeline."""
        try:
            with self.services.database.locked(f"render.py {name}"):
                yield
        except InterruptedRunError as error:
            raise InterruptedRunError(self.redacted(str(error)), error.signal) from None

    def planned(
        self, only: Sequence[str], recreate: Sequence[str], *, prune: bool, adopt: bool
    ) -> planning.Plan:
        """The changes that are to be made, checked with the services.

        Raises:
            PipelineError: a service is unreachable, or a name is none of what is declared.
        """
        again = recreated(recreate, self.desired)
        plan = planning.compare(
            self.desired, self._live(), prune=prune, adopt=adopt, recreate=again
        )
        if only:
            plan = plan.only(selected(only, self.desired, plan))
        return self._checked(plan)

    def everything(self) -> planning.Plan:
        """A change for everything that is declared, checked with the services.

        Raises:
            PipelineError: a service is unreachable.
        """
        return self._checked(planning.everything(self.desired, self._live()))

    def _live(self) -> planning.Live:
        read = operated.read if self.operated else deployment.read
        return read(self.services, self.desired)

    def _checked(self, plan: planning.Plan) -> planning.Plan:
        plan = operated.ours(plan) if self.operated else plan
        plan = deployment.checked(plan, self.desired, self.services)
        return report.safe(plan, self.hidden)


def load(root: Path, target_name: str) -> Context:
    """Reads the repository and a target.

    Raises:
        PipelineError: they have mistakes, or the target's secrets are missing.
    """
    target = targets.load(root, target_name)
    project = loader.load(root, target)
    engine, queries = choice.choose(root, project, target)
    desired = declarations.render(project, target.pipeline, queries, target.variables)
    secrets = targets.secrets(root, target)
    hidden = (*secrets.values(), *targets.referenced(target))
    services = clients(target, secrets, engine)
    return Context(target, project, hidden, desired, services, target.strimzi is not None)
