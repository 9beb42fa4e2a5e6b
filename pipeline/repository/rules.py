"""spark/rules.yaml as a model."""

from pathlib import Path
from typing import Any

from pydantic import Field

from pipeline.repository import yamlfile

FILE = Path("spark") / "rules.yaml"


class TopicRules(yamlfile.Model):
    """How the records of one raw topic are cleansed; expressions are Spark SQL."""

    clean: str = Field(description="Topic of the clean records.")
    key: str = Field(description="Field that is the record's key, in the raw and the clean topic.")
    vocabulary: dict[str, str] = Field(
        default_factory=dict, description="Vocabulary of a column, by column."
    )
    normalise: dict[str, str] = Field(
        default_factory=dict, description="What a column becomes, over the columns as they are."
    )
    lookup: dict[str, str] = Field(
        default_factory=dict, description="Column that holds the code, by pool."
    )
    derive: dict[str, str] = Field(
        default_factory=dict,
        description="What a column becomes, over columns and the entries that were looked up.",
    )
    valid: dict[str, str] = Field(
        default_factory=dict, description="Rules by name: what must be true of a record."
    )


class Rules(yamlfile.Model):
    """The whole file."""

    window_minutes: int = Field(
        ge=1, description="How long a record is remembered, to drop it if it is delivered again."
    )
    rejects: str = Field(description="Topic of the records that broke a rule.")
    vocabularies: dict[str, dict[str, list[str]]] = Field(
        description="By name: the spelling to write, and other spellings of it in lower case."
    )
    pools: dict[str, dict[str, dict[str, Any]]] = Field(
        description="By name: codes, and what is known of each."
    )
    topics: dict[str, TopicRules] = Field(description="Raw topics.")

    @property
    def outputs(self) -> tuple[str, ...]:
        """The topics that the job writes: the clean ones, and the rejects."""
        return (*(topic.clean for topic in self.topics.values()), self.rejects)


def load(path: Path) -> Rules:
    """The rules.

    Raises:
        SpecError: the file has mistakes.
    """
    rules: Rules = yamlfile.load(path, Rules)
    return rules
