"""The schemas that the registry holds for the job's topics, when it starts."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from pipeline.clients.registry import Registry
from pipeline.errors import PipelineError
from pipeline.schemas import Schema, canonical, compact, subject_of
from pipeline.wait import until
from spark.cleanse import Output

REGISTRY_PATIENCE_S = 60


def writers(registry: Registry, topic: str) -> dict[int, str]:
    """The registered schemas of a topic's values, by id.

    Raises:
        DeadlineError: the registry does not answer. Going on without it would reject good records.
    """
    subject = subject_of(topic)
    versions = [
        _patiently(partial(registry.version, subject, number))
        for number in _patiently(lambda: registry.versions(subject))
    ]
    return {version.id: compact(version.schema) for version in versions if not version.foreign}


def output(registry: Registry, topic: str, schemas: Mapping[str, Schema]) -> Output:
    """The contract of a topic that the job writes.

    Raises:
        PipelineError: the registry has another one.
    """
    registered = _patiently(lambda: registry.latest(subject_of(topic)))
    if canonical(registered.schema) != canonical(schemas[topic]):
        raise PipelineError(
            f"schemas/{topic}.avsc is not version {registered.version} of {registered.name}:"
            " make deploy"
        )
    return Output(topic, registered.id, schemas[topic])


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
