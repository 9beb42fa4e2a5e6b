"""What people write: connector specs and topics.yaml, as models."""

import re
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from pipeline.repository.yamlfile import Model

# Kafka allows more, but `.` and `_` collide in its metrics.
TopicName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
ConnectorName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")]
Identifier = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
Property = str | int | float | bool
SECRET_KEY = re.compile(r"password|secret|token|credential|sasl\.jaas|api\.?key", re.IGNORECASE)
REFERENCE = re.compile(r"^\$\{[a-z]+:[^}]+\}$")
# The template of a spec that is all config.
NO_TEMPLATE = "none"


class Spec(Model):
    """What every connector spec has; its template adds variables."""

    name: ConnectorName = Field(description="Name of the connector, unique in the repository.")
    template: str
    config: dict[str, Property] = Field(
        default_factory=dict,
        description="Properties of Connect or of the connector; they override the template's.",
    )

    @field_validator("config")
    @classmethod
    def _no_clear_text_secret(cls, config: dict[str, Property]) -> dict[str, Property]:
        for key, value in config.items():
            if SECRET_KEY.search(key) and not REFERENCE.match(str(value)):
                raise ValueError(
                    f"{key} is a secret in clear text: write a reference such as"
                    " ${env:JDBC_PASSWORD}"
                )
        return config


class PlainSpec(Spec):
    """Any connector, without a template: `config` is all of it."""

    template: Literal["none"]


class TopicDefaults(Model):
    """What a topic has unless it says otherwise."""

    partitions: int = Field(ge=1, description="How many partitions.")
    replication: int = Field(ge=1, description="How many brokers hold each partition.")
    compatibility: Literal[
        "NONE",
        "BACKWARD",
        "BACKWARD_TRANSITIVE",
        "FORWARD",
        "FORWARD_TRANSITIVE",
        "FULL",
        "FULL_TRANSITIVE",
    ] = Field(description="What the registry asks of a new version of the topic's schema.")
    config: dict[str, Property] = Field(
        default_factory=dict, description="Properties of the topic, by Kafka's names."
    )


class TopicSpec(Model):
    """One topic; what is left out comes from the defaults."""

    partitions: int | None = Field(None, ge=1, description="How many partitions.")
    replication: int | None = Field(None, ge=1, description="How many brokers hold each.")
    compatibility: str | None = Field(None, description="As in the defaults.")
    config: dict[str, Property] = Field(
        default_factory=dict, description="Properties of the topic, beside those of the defaults."
    )
    written_by: str | None = Field(
        None, description="Who writes the topic, if nothing of this repository does."
    )
    read_by: str | None = Field(
        None, description="Who reads the topic, if nothing of this repository does."
    )


class TopicsFile(Model):
    """topics.yaml."""

    defaults: TopicDefaults
    topics: dict[TopicName, TopicSpec] = Field(
        description="Topics by name. Those that a statement of ksql/ writes follow from it, and are"
        " here only where they differ; so are dead letter queues."
    )


def strings(config: dict[str, Any]) -> dict[str, str]:
    """Connect's and Kafka's configurations are maps of strings; YAML's true is their "true"."""
    return {
        key: str(value).lower() if isinstance(value, bool) else str(value)
        for key, value in config.items()
    }
