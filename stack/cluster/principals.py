"""The cluster's principals: who may log in at Kafka, and what each may do."""

from collections.abc import Iterable
from typing import get_args

from confluent_kafka import KafkaException
from confluent_kafka.admin import (
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)

from pipeline.clients import librdkafka
from pipeline.repository import desired, loader
from pipeline.repository.connections import SERVERS, resolve
from pipeline.repository.rights import PREFIXED, TOPIC, Right, rights
from pipeline.repository.target import Program
from pipeline.wait import until
from stack.cluster import ports as numbers
from stack.cluster.certificates import BROKER, CA
from stack.cluster.ports import Ports
from stack.layout import Layout

# Rounds of the hash. Kafka takes no fewer.
ITERATIONS = 4096
TIMEOUT_S = 20
OPERATIONS = {name.replace("_", ""): AclOperation[name] for name in AclOperation.__members__}


def ensure(layout: Layout, ports: Ports) -> None:
    """Gives every program of the target its log-in, and the rights that it needs."""
    admin = librdkafka.admin(as_broker(layout, ports))
    _await(admin)
    target = layout.target
    clients = [target.kafka, *map(target.kafka_of, get_args(Program))]
    users = {of["sasl.username"]: of["sasl.password"] for of in clients}
    _settle(
        admin.alter_user_scram_credentials(
            [
                UserScramCredentialUpsertion(
                    user,
                    ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, ITERATIONS),
                    resolve("sasl.password", password).encode(),
                )
                for user, password in users.items()
            ],
            request_timeout=TIMEOUT_S,
        ).values()
    )
    project = loader.load(layout.root, target)
    grant(layout, ports, rights(project, desired.render(project, target.pipeline), target))


def grant(layout: Layout, ports: Ports, wanted: Iterable[Right]) -> None:
    """Gives rights. Those that are there stay."""
    bindings = [binding for right in wanted for binding in _bindings(right)]
    admin = librdkafka.admin(as_broker(layout, ports))
    _settle(admin.create_acls(bindings, request_timeout=TIMEOUT_S).values())


def _bindings(right: Right) -> list[AclBinding]:
    kind = ResourceType.TOPIC if right.kind == TOPIC else ResourceType.GROUP
    is_prefix = right.pattern == PREFIXED
    pattern = ResourcePatternType.PREFIXED if is_prefix else ResourcePatternType.LITERAL
    return [
        AclBinding(
            kind,
            right.name,
            pattern,
            right.principal,
            "*",
            OPERATIONS[operation.upper()],
            AclPermissionType.ALLOW,
        )
        for operation in right.operations
    ]


def as_broker(layout: Layout, ports: Ports) -> dict[str, str]:
    """The properties of a client that is a broker to the others, by its certificate.

    A broker may do all.
    """
    certificate = str(layout.tls / f"{BROKER}.pem")
    servers = [f"127.0.0.1:{ports.among_brokers(number)}" for number in numbers.BROKERS]
    return {
        SERVERS: ",".join(servers),
        "security.protocol": "SSL",
        "ssl.ca.location": str(layout.tls / CA),
        "ssl.certificate.location": certificate,
        "ssl.key.location": certificate,
    }


def _await(admin: AdminClient) -> None:
    """Waits until all brokers are there: a topic made before would have too few replicas."""

    def present() -> int:
        try:
            return len(admin.list_topics(timeout=5).brokers)
        except KafkaException:
            return 0

    until(
        present,
        seconds=60,
        done=lambda count: count == len(numbers.BROKERS),
        describe=lambda count: f"{count} of {len(numbers.BROKERS)} brokers are in the cluster",
    )


def _settle(futures: Iterable[object]) -> None:
    for future in futures:
        future.result(timeout=TIMEOUT_S)  # type: ignore[attr-defined]
