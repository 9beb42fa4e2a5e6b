"""The programs as Strimzi's users: a KafkaUser each, with its log-in and its rights."""

from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Any

from pipeline.kubernetes.resources import CLUSTER, VERSION, metadata
from pipeline.kubernetes.settings import Strimzi
from pipeline.repository.javaclient import mechanism_of
from pipeline.repository.rights import Right

# What Strimzi's User Operator can make a log-in of; of others, it has the rights only.
SCRAM = "SCRAM-SHA-512"
PREFIX = "User:"
# Rights say Literal as Kafka's tools do, and Strimzi in its own letters.
PATTERNS = {"literal": "literal", "prefixed": "prefix"}


def users(
    rights: Iterable[Right], kafka: Mapping[str, str], names: Strimzi
) -> dict[str, dict[str, Any]]:
    """The users by their names: those of the principals. `kafka` has a client's properties."""
    log_in = _log_in(kafka)
    by_principal = groupby(sorted(rights), lambda right: right.principal)
    return {
        name: _user(name, list(theirs), log_in, names)
        for principal, theirs in by_principal
        for name in [principal.removeprefix(PREFIX)]
    }


def _user(
    name: str, rights: Iterable[Right], log_in: Mapping[str, Any], names: Strimzi
) -> dict[str, Any]:
    rules = [
        {
            "resource": {
                "type": right.kind,
                "name": right.name,
                "patternType": PATTERNS[right.pattern],
            },
            "operations": list(right.operations),
        }
        for right in rights
    ]
    return {
        "apiVersion": VERSION,
        "kind": "KafkaUser",
        "metadata": {**metadata(name, names), "labels": {CLUSTER: names.kafka}},
        "spec": {**log_in, "authorization": {"type": "simple", "acls": rules}},
    }


def _log_in(kafka: Mapping[str, str]) -> dict[str, Any]:
    """How the users log in: the User Operator makes their passwords or certificates."""
    if mechanism_of(kafka) == SCRAM:
        return {"authentication": {"type": "scram-sha-512"}}
    if kafka.get("security.protocol", "").upper() == "SSL":
        return {"authentication": {"type": "tls"}}
    return {}
