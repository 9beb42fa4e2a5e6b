"""The model of spark/rules.yaml."""

from pathlib import Path
from typing import Any

from pydantic import Field

from pipeline.repository import yamlfile

FILE = Path("spark") / "rules.yaml"


class TopicRules(yamlfile.Model):
    """The cleansing rules of one raw topic. Expressions are Spark SQL."""

    clean: str = Field(description="Topic that gets the clean records.")
    key: str = Field(description="Field with the record's key, in the raw and the clean topic.")
    vocabulary: dict[str, str] = Field(
        default_factory=dict, description="By column: the name of its vocabulary."
    )
    normalise: dict[str, str] = Field(
        default_factory=dict,
        description="By column: an expression for its new value. It sees the record's columns.",
    )
    lookup: dict[str, str] = Field(
        default_factory=dict, description="By pool: the column with the code to look up."
    )
    derive: dict[str, str] = Field(
        default_factory=dict,
        description="By column: an expression for its new value. It sees the record's columns and"
        " the entries that were looked up.",
    )
    valid: dict[str, str] = Field(
        default_factory=dict,
        description="By rule: a condition. If it is false or null, the record is rejected.",
    )


class Rules(yamlfile.Model):
    """spark/rules.yaml."""

    rejects: str = Field(description="Topic that gets the records that broke a rule.")
    vocabularies: dict[str, dict[str, list[str]]] = Field(
        description="By name: each spelling to write, with its other spellings in lower case."
    )
    pools: dict[str, dict[str, dict[str, Any]]] = Field(
        description="By name: the known codes, each with its attributes."
    )
    topics: dict[str, TopicRules] = Field(description="By raw topic: its rules.")

    @property
    def outputs(self) -> tuple[str, ...]:
        """The topics that the job writes: the clean topics, and the rejects."""
        return (*(topic.clean for topic in self.topics.values()), self.rejects)


def load(path: Path) -> Rules:
    """Reads the rules.

    Raises:
        SpecError: the file has mistakes.
    """
    rules: Rules = yamlfile.load(path, Rules)
    return rules
