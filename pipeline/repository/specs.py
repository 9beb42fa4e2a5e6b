"""The models of connector specs and of topics.yaml."""

import re
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BeforeValidator, Field

from pipeline.repository.yamlfile import Model
from pipeline.suggest import did_you_mean

# The topics that the worker keeps itself in. Those of Kafka and of ksqlDB begin with `_`.
WORKERS_OWN = frozenset({"connect_configs", "connect_offsets", "connect_status"})


def _free(name: str) -> str:
    if is_reserved(name):
        raise ValueError(reserved(name))
    return name


def is_reserved(name: str) -> bool:
    """Whether a topic's name is one of Kafka's, of the registry's or of the worker's own."""
    return name in WORKERS_OWN or name.startswith("_")


def reserved(name: str) -> str:
    """What to say of such a name."""
    return f"{name} is a topic of Kafka's or Connect's own: call yours otherwise"


# Kafka allows more characters, but `.` and `_` collide in its metrics.
TopicName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$"), AfterValidator(_free)]
# What topics.yaml may have beside those: the dead letter queue of a connector.
_Entry = Annotated[str, Field(pattern=r"^[a-z]([a-z0-9_]*|[a-z0-9-]*_dlq)$"), AfterValidator(_free)]
ConnectorName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")]
Identifier = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
Property = str | int | float | bool
# The `template` of a spec whose `config` is the complete configuration.
NO_TEMPLATE = "none"


class Spec(Model):
    """The keys of every connector spec. A template adds its variables to them."""

    name: ConnectorName = Field(description="Name of the connector, unique in the repository.")
    template: str
    config: dict[str, Property] = Field(
        default_factory=dict,
        description="Properties of Connect or of the connector; they override the template's.",
    )

    not_secret: list[str] = Field(
        default_factory=list,
        description="Keys of the configuration that look like a secret's, and are none.",
    )


class PlainSpec(Spec):
    """Any connector, without a template. `config` is the complete configuration."""

    template: Literal["none"]


# A broker takes no more partitions in one request, and has 16 bits for the replication.
MOST_PARTITIONS, MOST_REPLICAS = 10_000, 32_767
_Level = Literal[
    "NONE",
    "BACKWARD",
    "BACKWARD_TRANSITIVE",
    "FORWARD",
    "FORWARD_TRANSITIVE",
    "FULL",
    "FULL_TRANSITIVE",
]


def _known(level: Any) -> Any:
    known = get_args(_Level)
    if isinstance(level, str) and level not in known:
        close = did_you_mean(level.upper(), known) or f"; there are: {', '.join(known)}"
        raise ValueError(f"no compatibility level{close}")
    return level


Level = Annotated[_Level, BeforeValidator(_known)]


class TopicDefaults(Model):
    """The defaults of all topics."""

    partitions: int = Field(ge=1, le=MOST_PARTITIONS, description="Number of partitions.")
    replication: int = Field(
        ge=1, le=MOST_REPLICAS, description="Number of brokers that hold each partition."
    )
    compatibility: Level = Field(
        description="The registry's compatibility level for the topic's schema."
    )
    config: dict[str, Property] = Field(
        default_factory=dict, description="Topic properties, by their names in Kafka."
    )


class TopicSpec(Model):
    """One topic. The defaults apply to every key that is left out."""

    partitions: int | None = Field(
        None, ge=1, le=MOST_PARTITIONS, description="Number of partitions."
    )
    replication: int | None = Field(
        None, ge=1, le=MOST_REPLICAS, description="Number of brokers that hold each partition."
    )
    compatibility: Level | None = Field(
        None, description="Compatibility level, as in the defaults."
    )
    config: dict[str, Property] = Field(
        default_factory=dict, description="Topic properties, added to those of the defaults."
    )
    written_by: str | None = Field(
        None, description="Who writes the topic, if nothing in this repository does."
    )
    read_by: str | None = Field(
        None, description="Who reads the topic, if nothing in this repository does."
    )


class TopicsFile(Model):
    """topics.yaml."""

    defaults: TopicDefaults
    topics: dict[_Entry, TopicSpec] = Field(
        description="Topics by name. A topic that a statement of ksql/ writes, and a dead letter"
        " queue, need no entry. An entry overrides their settings."
    )


def strings(config: dict[str, Any]) -> dict[str, str]:
    """The configuration with strings as values, as Kafka and Connect take it; True is "true"."""
    return {
        key: str(value).lower() if isinstance(value, bool) else str(value)
        for key, value in config.items()
    }


def topic_strings(config: dict[str, Any]) -> dict[str, str]:
    """The settings of a topic as Kafka gives them back: without blanks, numbers in one form."""
    return {key: _as_kafka(value) for key, value in strings(config).items()}


def _as_kafka(value: str) -> str:
    text = re.sub(r"\s*,\s*", ",", value.strip())
    if re.fullmatch(r"[+-]?\d+", text):
        return str(int(text))
    return text.lower() if text.lower() in {"true", "false"} else text
