"""What a target has in place of what topics.yaml and the connectors' specs say."""

from collections.abc import Iterator
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any

from pipeline.errors import Mistake, SpecError
from pipeline.repository import yamlfile
from pipeline.repository.project import Project
from pipeline.repository.source import Source
from pipeline.repository.target import Target
from pipeline.suggest import unknown


def applied(project: Project, target: Target) -> Project:
    """The project with what the target overrides.

    Raises:
        SpecError: a pattern of the target matches no connector.
    """
    mistakes = tuple(_unmatched(project, target))
    if mistakes:
        raise SpecError(mistakes)
    connectors = tuple(_connector(source, target) for source in project.connectors)
    defaults = project.topics.defaults
    given = target.topics.model_dump(exclude_none=True)
    config = {**defaults.config, **given.pop("config")}
    changed = defaults.model_copy(update={**given, "config": config})
    topics = project.topics.model_copy(update={"defaults": changed})
    from_target = dict.fromkeys([*given, *target.topics.config], str(target.file))
    return replace(project, topics=topics, connectors=connectors, from_target=from_target)


def _unmatched(project: Project, target: Target) -> Iterator[Mistake]:
    names = [source.spec.name for source in project.connectors]
    for pattern in target.connectors:
        if not any(fnmatchcase(name, pattern) for name in names):
            message = unknown("connector", pattern, names)
            yield yamlfile.mistake(target.file, f"connectors.{pattern}", message)


def _connector(source: Source, target: Target) -> Source:
    name = source.spec.name
    config: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for pattern, overlay in target.connectors.items():
        if fnmatchcase(name, pattern):
            config |= overlay.config
            origins |= {key: f"connectors.{pattern}.config.{key}" for key in overlay.config}
    if not config:
        return source
    spec = source.spec.model_copy(update={"config": {**source.spec.config, **config}})
    return replace(source, spec=spec, target_file=target.file, from_target=origins)
