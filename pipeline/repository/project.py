"""The repository's files after loading and checking."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pipeline.repository.rules import Rules
from pipeline.repository.source import Source
from pipeline.repository.specs import TopicsFile
from pipeline.repository.templates import Template
from pipeline.schemas import Schema
from pipeline.sql.flink.translate import Analysis
from pipeline.sql.statements import Statement


@dataclass(frozen=True)
class Project:
    """The files of the repository.

    `schemas` has the value schema of each topic, also of the topics that ksql/ writes. `rules` is
    None if there is no spark/rules.yaml.
    """

    root: Path
    topics: TopicsFile
    schemas: Mapping[str, Schema]
    templates: Mapping[str, Template]
    connectors: tuple[Source, ...]
    analysis: Analysis
    rules: Rules | None

    @property
    def statements(self) -> tuple[Statement, ...]:
        """The statements of ksql/, in order."""
        return self.analysis.statements
