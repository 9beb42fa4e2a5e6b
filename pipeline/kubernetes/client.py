"""How Kafka Connect reaches Kafka, in the words of the resource KafkaConnect."""

from collections.abc import Mapping
from typing import Any

from pipeline.errors import UsageError
from pipeline.kubernetes.secret import Secret, file_key, key_of
from pipeline.repository.connections import SERVERS
from pipeline.repository.javaclient import (
    CA,
    CERTIFICATE,
    CHECK,
    KEY,
    MECHANISM,
    PASSWORD,
    USER,
    mechanism_of,
)

TYPES = {"PLAIN": "plain", "SCRAM-SHA-256": "scram-sha-256", "SCRAM-SHA-512": "scram-sha-512"}
# Of whose clients the worker's properties are, by what their names begin with.
CLIENTS = ("", "admin.", "consumer.", "producer.")


def connection(properties: Mapping[str, str], secret: Secret) -> dict[str, Any]:
    """`bootstrapServers`, `tls` and `authentication` of a client with librdkafka's properties.

    Certificates and passwords are keys of the Secret.

    Raises:
        UsageError: Strimzi has no such log-in, or the password is no reference.
    """
    protocol = properties.get("security.protocol", "plaintext").upper()
    made: dict[str, Any] = {"bootstrapServers": properties[SERVERS]}
    if protocol.endswith("SSL"):
        made["tls"] = {"trustedCertificates": _trusted(properties, secret)}
    if protocol.startswith("SASL"):
        made["authentication"] = _log_in(properties, secret)
    elif protocol == "SSL" and CERTIFICATE in properties:
        certificate = properties[CERTIFICATE]
        made["authentication"] = {
            "type": "tls",
            "certificateAndKey": {
                "secretName": secret.name,
                "certificate": file_key(certificate),
                "key": file_key(properties.get(KEY, certificate)),
            },
        }
    return made


def settings(properties: Mapping[str, str]) -> dict[str, str]:
    """What stands in the worker's own configuration of how it reaches Kafka."""
    if CHECK not in properties:
        return {}
    check = properties[CHECK]
    return {f"{client}{CHECK}": "" if check == "none" else check for client in CLIENTS}


def _trusted(properties: Mapping[str, str], secret: Secret) -> list[dict[str, str]]:
    """The CA; none is the CAs of the image."""
    if CA not in properties:
        return []
    return [{"secretName": secret.name, "certificate": file_key(properties[CA])}]


def _log_in(properties: Mapping[str, str], secret: Secret) -> dict[str, Any]:
    mechanism = mechanism_of(properties)
    if mechanism not in TYPES:
        raise UsageError(
            f"kafka.{MECHANISM[0]}: Strimzi's workers log in with {', '.join(TYPES)}, and this is"
            f" {mechanism or 'not set'}"
        )
    user = properties.get(USER, "")
    if not user or "${" in user:
        raise UsageError(f"kafka.{USER}: write the name itself: KafkaConnect takes no reference")
    password = key_of(f"kafka.{PASSWORD}", properties.get(PASSWORD, ""))
    return {
        "type": TYPES[mechanism],
        "username": user,
        "passwordSecret": {"secretName": secret.name, "password": password},
    }
