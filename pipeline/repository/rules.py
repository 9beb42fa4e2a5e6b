"""spark/rules.yaml as a model."""

from pathlib import Path
from typing import Any

from pydantic import Field

from pipeline.repository import yamlfile


class TopicRules(yamlfile.Model):
    """How the records of one raw topic are cleansed; expressions are Spark SQL."""

    clean: str
    key: str
    vocabulary: dict[str, str] = Field(default_factory=dict)
    normalise: dict[str, str] = Field(default_factory=dict)
    lookup: dict[str, str] = Field(default_factory=dict)
    derive: dict[str, str] = Field(default_factory=dict)
    valid: dict[str, str] = Field(default_factory=dict)


class Rules(yamlfile.Model):
    """The whole file."""

    window_minutes: int = Field(ge=1)
    rejects: str
    vocabularies: dict[str, dict[str, list[str]]]
    pools: dict[str, dict[str, dict[str, Any]]]
    topics: dict[str, TopicRules]


def load(path: Path) -> Rules:
    """The rules.

    Raises:
        SpecError: the file has mistakes.
    """
    rules: Rules = yamlfile.load(path, Rules)
    return rules
