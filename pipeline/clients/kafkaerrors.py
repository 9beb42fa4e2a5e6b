"""Why no broker can be reached. librdkafka calls most causes "Broker transport failure"."""

import re
from collections.abc import Mapping

from confluent_kafka import KafkaError, KafkaException

from pipeline.clients import tls
from pipeline.repository.connections import OF_THE_MACHINE, SERVERS
from pipeline.repository.javaclient import CA

# What librdkafka adds to its reasons: the broker before, and the connection's state after.
AROUND = re.compile(r"^\w+://\S+: |\s*\(after [^)]*\)$")
PROTOCOL = "security.protocol"
DENIALS = {
    KafkaError.CLUSTER_AUTHORIZATION_FAILED,
    KafkaError.GROUP_AUTHORIZATION_FAILED,
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
}
# The broker's errors about what is asked of it.
REFUSALS = {
    KafkaError.INVALID_CONFIG,
    KafkaError.INVALID_PARTITIONS,
    KafkaError.INVALID_REPLICATION_FACTOR,
    KafkaError.INVALID_REQUEST,
    KafkaError.POLICY_VIOLATION,
    KafkaError.TOPIC_EXCEPTION,
    # Of the client itself, for what it does not even send.
    KafkaError._INVALID_ARG,  # noqa: SLF001 - librdkafka's own name
}


class Heard:
    """The errors that one client reports beside the results of its calls."""

    def __init__(self) -> None:
        self._reasons: dict[int, str] = {}

    def add(self, error: KafkaError) -> None:
        """Takes an error: librdkafka's callback `error_cb`."""
        self._reasons[error.code()] = AROUND.sub("", AROUND.sub("", error.str()))

    def of(self, *codes: int) -> str:
        """The last reason with one of the codes; "" if there was none."""
        return next((self._reasons[code] for code in codes if code in self._reasons), "")


def cause(properties: Mapping[str, str], heard: Heard) -> str:
    """Why the brokers of a client's properties do not answer; "" if they seem to be down."""
    refused = heard.of(KafkaError._AUTHENTICATION)  # noqa: SLF001 - its public name
    if refused:
        return f"it refuses the log-in ({properties.get('sasl.username', 'no user')}): {refused}"
    protocol = properties.get(PROTOCOL, "plaintext").upper()
    asked = _asked(properties)
    if asked is None:
        return ""
    if not protocol.endswith("SSL"):
        return _in_clear_text(asked, protocol)
    return asked.reason or _behind_tls(protocol, heard)


def _behind_tls(protocol: str, heard: Heard) -> str:
    of_tls = heard.of(KafkaError._SSL, KafkaError._TRANSPORT)  # noqa: SLF001 - their public names
    if "alert" in of_tls:
        return "it refuses the client's certificate, or wants one (ssl.certificate.location)"
    if protocol == "SSL":
        return f"it ends the connection: does it want a log-in ({PROTOCOL}: SASL_SSL)?"
    return of_tls


def _in_clear_text(asked: tls.Probe, protocol: str) -> str:
    if asked.speaks_tls:
        right = "SASL_SSL" if protocol.startswith("SASL") else "SSL, or SASL_SSL"
        return f"it speaks TLS at this port, and {PROTOCOL} is {protocol}: it must be {right}"
    return ""


def _asked(properties: Mapping[str, str]) -> tls.Probe | None:
    """What the first broker that accepts connections says to TLS; None if none does."""
    given = properties.get(CA)
    authorities = None if given in OF_THE_MACHINE else given
    found = (
        tls.probe(host.strip("[]"), int(port), authorities)
        for server in properties[SERVERS].split(",")
        for host, _, port in [server.rpartition(":")]
    )
    return next((probe for probe in found if probe), None)


def is_denied(error: BaseException | None) -> bool:
    """Whether the broker refuses a request, because the client has not the right to it."""
    return isinstance(error, KafkaException) and error.args[0].code() in DENIALS
