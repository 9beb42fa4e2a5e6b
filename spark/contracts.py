"""The schemas that the registry holds for the job's topics."""

from collections.abc import Callable, Mapping
from typing import Any

from pipeline.clients.registry import Registry
from pipeline.errors import PipelineError
from pipeline.repository.rules import Rules
from pipeline.schemas import Schema, canonical, compact, subject_of
from pipeline.wait import until
from spark.cleanse import Output

REGISTRY_PATIENCE_S = 60


class Contracts:
    """The registered schemas; `writers` asks for new ones at every batch.

    A producer registers before it sends, and the end of a batch is fixed before it is processed:
    each id in the batch is known by then, or never was registered.
    """

    def __init__(self, registry: Registry, rules: Rules, schemas: Mapping[str, Schema]) -> None:
        self._registry = registry
        self._rules = rules
        self._schemas = schemas
        # Id and schema by subject and version. A version never changes.
        self._known: dict[tuple[str, int], tuple[int, str]] = {}
        self.outputs = {topic: self._output(topic) for topic in rules.outputs}

    def writers(self) -> dict[str, dict[int, str]]:
        """Every registered schema of the raw topics, by topic and id.

        Raises:
            DeadlineError: the registry does not answer. Going on without it would reject good
                records.
        """
        return {topic: self._versions(topic) for topic in self._rules.topics}

    def _versions(self, topic: str) -> dict[int, str]:
        subject = subject_of(topic)
        for version in _patiently(lambda: self._registry.versions(subject)):
            if (subject, version) not in self._known:
                registered = self._registry.version(subject, version)
                if not registered.foreign:
                    self._known[subject, version] = (registered.id, compact(registered.schema))
        return dict(known for (name, _), known in self._known.items() if name == subject)

    def _output(self, topic: str) -> Output:
        registered = _patiently(lambda: self._registry.latest(subject_of(topic)))
        if canonical(registered.schema) != canonical(self._schemas[topic]):
            raise PipelineError(
                f"schemas/{topic}.avsc is not version {registered.version} of {registered.name}:"
                " make deploy"
            )
        return Output(topic, registered.id, self._schemas[topic])


def _patiently(ask: Callable[[], Any]) -> Any:
    """The registry's answer, through a restart of it."""

    def probe() -> Any:
        try:
            return ask()
        except PipelineError as error:
            return error

    return until(
        probe,
        seconds=REGISTRY_PATIENCE_S,
        done=lambda answer: not isinstance(answer, PipelineError),
        describe=str,
    )
