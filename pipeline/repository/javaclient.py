"""A Kafka client's properties as Kafka's Java clients have them: of Connect, Spark and Flink.

librdkafka and Java differ in how they log in, and in how they get certificates. All other names are
the same, or unknown to Java, which warns of them.
"""

import re
from collections.abc import Mapping
from pathlib import Path

from pipeline.errors import UsageError
from pipeline.repository.connections import REFERENCE, resolved

SECURITY = "org.apache.kafka.common.security"
PROVIDERS = "org.apache.kafka.common.config.provider"
CLASSES = {
    "env": "EnvVarConfigProvider",
    "file": "FileConfigProvider",
    "directory": "DirectoryConfigProvider",
}
MODULES = {"PLAIN": "plain.PlainLoginModule", "SCRAM": "scram.ScramLoginModule"}
MECHANISM = ("sasl.mechanism", "sasl.mechanisms")
USER, PASSWORD = "sasl.username", "sasl.password"
CA, CERTIFICATE, KEY = "ssl.ca.location", "ssl.certificate.location", "ssl.key.location"
CHECK = "ssl.endpoint.identification.algorithm"
TRANSLATED = {*MECHANISM, USER, PASSWORD, CA, CERTIFICATE, KEY, CHECK}


def with_values(properties: Mapping[str, str]) -> dict[str, str]:
    """The properties for a client in a process of ours: with the values of their references.

    Raises:
        UsageError: a reference has no value, or Java's clients cannot log in so.
    """
    values = resolved(properties)
    made = _properties(values, "")
    for name, path in _certificates(values).items():
        made[name] = Path(path).read_text()
    return made


def by_reference(properties: Mapping[str, str], shaded: str = "") -> dict[str, str]:
    """The properties for a client elsewhere: it resolves the references where it runs (KIP-421).

    `shaded` is what the names of Kafka's classes begin with there, for example `org.shaded.`.

    Raises:
        UsageError: Java's clients cannot log in so, or have no such reference.
    """
    made = _properties({key: of_java(value) for key, value in properties.items()}, shaded)
    for name, path in _certificates(properties).items():
        file = Path(path)
        made[name] = f"${{directory:{file.parent}:{file.name}}}"
    used = [name for name in CLASSES if any(f"${{{name}:" in value for value in made.values())]
    if used:
        made["config.providers"] = ",".join(used)
        made |= {
            f"config.providers.{name}.class": f"{shaded}{PROVIDERS}.{CLASSES[name]}"
            for name in used
        }
    return made


def of_java(text: str) -> str:
    """A text with its references in Java's form: a file as a whole is one of a directory."""

    def one(found: re.Match[str]) -> str:
        provider, place, line = found.groups()
        if provider == "file" and line is None:
            return f"${{directory:{Path(place).parent}:{Path(place).name}}}"
        return found.group()

    return REFERENCE.sub(one, text)


def mechanism_of(properties: Mapping[str, str]) -> str:
    """How a client logs in by SASL; "" if it does not. librdkafka has two names for it."""
    return next((properties[name] for name in MECHANISM if name in properties), "")


def _properties(properties: Mapping[str, str], shaded: str) -> dict[str, str]:
    made = {key: value for key, value in properties.items() if key not in TRANSLATED}
    if "security.protocol" in made:
        made["security.protocol"] = made["security.protocol"].upper()
    mechanism = mechanism_of(properties)
    if mechanism:
        made["sasl.mechanism"] = mechanism
    if USER in properties:
        made["sasl.jaas.config"] = _jaas(properties, mechanism, shaded)
    if CA in properties:
        made |= {"ssl.truststore.type": "PEM", "ssl.truststore.location": properties[CA]}
    if CERTIFICATE in properties:
        made["ssl.keystore.type"] = "PEM"
    if CHECK in properties:
        check = properties[CHECK]
        made[CHECK] = "" if check == "none" else check
    return made


def _jaas(properties: Mapping[str, str], mechanism: str, shaded: str) -> str:
    module = MODULES.get(mechanism.split("-", maxsplit=1)[0])
    if module is None:
        raise UsageError(
            f"kafka.sasl.mechanism: Java's clients log in by {USER} with"
            f" {', '.join(MODULES)} only, and this is {mechanism or 'not set'}"
        )
    user, password = (_quoted(properties.get(key, "")) for key in (USER, PASSWORD))
    return f"{shaded}{SECURITY}.{module} required username={user} password={password};"


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _certificates(properties: Mapping[str, str]) -> dict[str, str]:
    """The files with the client's certificate and key, by the Java properties of their texts."""
    if CERTIFICATE not in properties:
        return {}
    certificate = properties[CERTIFICATE]
    return {
        "ssl.keystore.certificate.chain": certificate,
        "ssl.keystore.key": properties.get(KEY, certificate),
    }
