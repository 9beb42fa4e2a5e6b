"""What a worker's validation of a connector's configuration tells of it, and what it does not."""

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from pipeline.suggest import did_you_mean

if TYPE_CHECKING:
    from pipeline.clients.connect import Validation

Config = Mapping[str, str]
# Plugins accept any key with these prefixes, but do not list them.
OPEN_PREFIXES = (
    "admin.override.",
    "consumer.override.",
    "producer.override.",
    "transforms.",
    "predicates.",
    "topic.creation.",
    "key.converter.",
    "value.converter.",
    "header.converter.",
    "hibernate.",
)
# Property that marks the connectors that this repository deployed.
OWNER_KEY = "managed.by"
OUR_KEYS = {"name", OWNER_KEY}
CLEAR_TEXT = (
    "is a secret in clear text: write a reference such as ${env:JDBC_PASSWORD}, or"
    " ${file:/path:key}"
)
# Debezium's JDBC sink reads this property, but does not list it.
UNLISTED_KEYS = {"use.reduction.buffer"}


def problems(config: Config, validation: "Validation") -> Iterator[tuple[str, str]]:
    """Each key of a configuration that is not valid, with the reason."""
    yield from validation.errors
    plugin = config.get("connector.class")
    for key, hint in _unknown_keys(config, validation):
        yield key, f"{plugin} has no such property{hint}"
    for key in _clear_text(config, validation):
        yield key, CLEAR_TEXT


def secrets(configs: Iterable[Config], validation: "Validation") -> Iterator[str]:
    """The secrets that stand in configurations as they are."""
    for config in configs:
        yield from (config[key] for key in _clear_text(config, validation))


def _clear_text(config: Config, validation: "Validation") -> Iterator[str]:
    """The plugin's passwords that stand in a configuration as they are."""
    for key in sorted(validation.passwords & config.keys()):
        if config[key] and "${" not in config[key]:
            yield key


def _unknown_keys(config: Config, validation: "Validation") -> Iterator[tuple[str, str]]:
    allowed = validation.known | OUR_KEYS | UNLISTED_KEYS
    for key in config if validation.known else ():
        if key not in allowed and not key.startswith(OPEN_PREFIXES):
            yield key, did_you_mean(key, validation.known)
