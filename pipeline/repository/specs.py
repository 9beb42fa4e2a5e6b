"""What people write: connector specs and topics.yaml. spec.schema.json comes from here."""

import json
import re
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, field_validator

from pipeline.repository.yamlfile import Model

# Kafka allows more, but `.` and `_` collide in its metrics.
TopicName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
ConnectorName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")]
Identifier = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
Property = str | int | float | bool
SECRET_KEY = re.compile(r"password|secret|token|credential|sasl\.jaas|api\.?key", re.IGNORECASE)
REFERENCE = re.compile(r"^\$\{[a-z]+:[^}]+\}$")


class Spec(Model):
    """What every connector spec has."""

    name: ConnectorName = Field(description="Name of the connector, unique in the repository.")
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


class DatagenSpec(Spec):
    """A source of synthetic records: connectors/templates/datagen.yaml.j2."""

    template: Literal["datagen"]
    topic: TopicName = Field(description="Topic to write; schemas/<topic>.avsc says what.")
    key: Identifier = Field(description="Field that becomes the record's key.")
    max_interval_ms: int = Field(
        0, ge=0, description="Longest pause between two records, in ms. 0: none."
    )
    iterations: int | None = Field(
        None, ge=1, description="Records to write before it is completed. None: no end."
    )
    seed: int | None = Field(None, description="The same seed gives the same records.")
    generator: dict[str, dict[str, Any]] = Field(
        default_factory=dict,
        description="arg.properties by field, in place of those in the topic's schema.",
    )


class JdbcSinkSpec(Spec):
    """A sink into PostgreSQL: connectors/templates/jdbc-sink.yaml.j2."""

    template: Literal["jdbc-sink"]
    topics: list[TopicName] = Field(min_length=1, description="Topics to read.")
    table: Identifier = Field(description="Table of postgres/db_setup.sql to upsert into.")
    key: list[Identifier] = Field(min_length=1, description="Columns of the table's primary key.")


class PlainSpec(Spec):
    """Any connector, without a template: `config` is all of it."""

    template: Literal["none"]


ConnectorSpec = Annotated[DatagenSpec | JdbcSinkSpec | PlainSpec, Field(discriminator="template")]


class TopicDefaults(Model):
    """What a topic has unless it says otherwise."""

    partitions: int = Field(ge=1)
    replication: int = Field(ge=1)
    compatibility: Literal[
        "NONE",
        "BACKWARD",
        "BACKWARD_TRANSITIVE",
        "FORWARD",
        "FORWARD_TRANSITIVE",
        "FULL",
        "FULL_TRANSITIVE",
    ]
    config: dict[str, Property] = Field(default_factory=dict)


class TopicSpec(Model):
    """One topic; what is left out comes from the defaults."""

    partitions: int | None = Field(None, ge=1)
    replication: int | None = Field(None, ge=1)
    compatibility: str | None = None
    config: dict[str, Property] = Field(default_factory=dict)


class TopicsFile(Model):
    """topics.yaml."""

    defaults: TopicDefaults
    topics: dict[TopicName, TopicSpec]


def json_schema() -> dict[str, Any]:
    """The JSON Schema of a connector spec, for editors."""
    schema = TypeAdapter(ConnectorSpec).json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


if __name__ == "__main__":
    print(json.dumps(json_schema(), indent=2))
