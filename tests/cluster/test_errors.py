"""What goes wrong between a client and a secured service is one line, within 15 s."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import trustme
import yaml
from confluent_kafka.admin import AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType

from pipeline.clients import librdkafka, tls
from pipeline.clients.database import connect
from pipeline.clients.kafka import Kafka
from pipeline.clients.registry import Registry
from pipeline.errors import PipelineError
from pipeline.paths import REPOSITORY
from pipeline.repository import target as targets
from pipeline.repository.target import Target
from pipeline.wait import until
from stack.cluster import certificates
from tests.support import hands
from tests.support.stacks import Cluster

# One query, and what it takes to find out what is wrong. Under load, it is more than on its own.
WITHIN_S = 15
# A broker gives new connections to its network threads (num.network.threads, 3) in turn.
CONNECTIONS = 9


def _changed(file: Path, changes: Mapping[str, Mapping[str, Any]]) -> Target:
    settings = yaml.safe_load(file.read_text())
    for key, change in changes.items():
        merged = {**settings[key], **change}
        settings[key] = {name: value for name, value in merged.items() if value is not None}
    file.write_text(yaml.safe_dump(settings, sort_keys=False))
    return targets.load(REPOSITORY, str(file))


def _said(ask: Callable[[], object]) -> str:
    begun = time.monotonic()
    with pytest.raises(PipelineError) as caught:
        ask()
    assert time.monotonic() - begun < WITHIN_S
    said = str(caught.value)
    assert "\n" not in said
    return said


@pytest.fixture
def wrong(tmp_path: Path) -> dict[str, str]:
    """A password, and a CA, that are not those of the cluster."""
    password, ca = tmp_path / "password", tmp_path / "other-ca.pem"
    password.write_text("hunter2-is-wrong")
    password.chmod(0o600)
    trustme.CA().cert_pem.write_to_path(ca)
    return {"password": f"${{file:{password}}}", "ca": str(ca)}


def _of_kafka(file: Path, **changes: Any) -> str:
    change = {name.replace("_", "."): value for name, value in changes.items()}
    target = _changed(file, {"kafka": change})
    return _said(lambda: Kafka(target.kafka).topics(["patients"]))


def test_kafka_says_what_is_wrong(own_target: Path, stack: Cluster, wrong: dict[str, str]) -> None:
    text = own_target.read_text()

    def said(**changes: Any) -> str:
        own_target.write_text(text)
        return _of_kafka(own_target, **changes)

    servers = yaml.safe_load(text)["kafka"]["bootstrap.servers"]
    begin = f"Kafka at {servers}: "
    denied = said(sasl_password=wrong["password"])
    assert denied.startswith(f"{begin}it refuses the log-in (deploy): ")
    assert "invalid credentials" in denied
    assert "hunter2" not in denied
    not_signed = f"its certificate is not signed by the CA of {wrong['ca']} (ssl.ca.location)"
    assert said(ssl_ca_location=wrong["ca"]) == begin + not_signed
    by_name = servers.replace("127.0.0.1", "localhost")
    assert said(bootstrap_servers=by_name) == (
        f"Kafka at {by_name}: its certificate is for another host than localhost"
    )
    assert said(security_protocol="SASL_PLAINTEXT") == (
        f"{begin}it speaks TLS at this port, and security.protocol is SASL_PLAINTEXT: it must be"
        " SASL_SSL"
    )
    assert "it ends the connection: does it want a log-in" in said(
        security_protocol="SSL", sasl_mechanism=None, sasl_username=None, sasl_password=None
    )
    assert "Unsupported SASL mechanism: broker's supported mechanisms: SCRAM-SHA-512" in said(
        sasl_mechanism="PLAIN"
    )
    of_brokers = hands.kafka(stack.layout.target)["bootstrap.servers"]
    assert said(bootstrap_servers=of_brokers).endswith(
        "it refuses the client's certificate, or wants one (ssl.certificate.location)"
    )
    assert stack.layout.cluster
    other = f"127.0.0.1:{stack.layout.cluster.registry}"
    assert said(bootstrap_servers=other) == f"Kafka at {other}: it speaks no TLS at this port"


def test_kafka_with_an_expired_certificate(own_target: Path, stack: Cluster) -> None:
    with _expired(stack) as broker:
        said = _of_kafka(own_target, bootstrap_servers=broker)
    assert said == f"Kafka at {broker}: its certificate has expired"


@contextmanager
def _expired(stack: Cluster) -> Iterator[str]:
    """A broker whose clients get a certificate of the year 2020; its host and port."""
    ca, folder = trustme.CA(), stack.layout.tls
    certificates.write(
        folder / "expired.pem", certificates.issued(ca, "broker", datetime(2020, 1, 1, tzinfo=UTC))
    )
    trusted = (folder / "ca.pem").read_bytes()
    (folder / "ca.pem").write_bytes(trusted + ca.cert_pem.bytes())
    broker = stack.layout.target.kafka["bootstrap.servers"].split(",")[-1]
    try:
        _set_certificate(stack, "expired.pem")
        _await(broker, folder, "its certificate has expired")
        yield broker
    finally:
        _set_certificate(stack, "broker.pem")
        _await(broker, folder, "")
        (folder / "ca.pem").write_bytes(trusted)


def _await(broker: str, folder: Path, reason: str) -> None:
    """Waits until each network thread of a broker has the certificate: they change one by one."""
    host, _, port = broker.rpartition(":")

    def reasons() -> set[str]:
        found = [tls.probe(host, int(port), str(folder / "ca.pem")) for _ in range(CONNECTIONS)]
        return {"no answer" if answer is None else answer.reason for answer in found}

    until(reasons, seconds=30, done=lambda found: found == {reason}, describe=str)


def _set_certificate(stack: Cluster, name: str) -> None:
    """Gives the last broker's clients another certificate, while it runs."""
    key = "listener.name.client.ssl.keystore"
    entries = [
        ConfigEntry(f"{key}.{what}", value, incremental_operation=AlterConfigOpType.SET)
        for what, value in {"type": "PEM", "location": str(stack.layout.tls / name)}.items()
    ]
    broker = ConfigResource(ResourceType.BROKER, "3", incremental_configs=entries)
    admin = librdkafka.admin(hands.kafka(stack.layout.target))
    for future in admin.incremental_alter_configs([broker]).values():
        future.result(timeout=20)


def test_http_services_say_what_is_wrong(own_target: Path, wrong: dict[str, str]) -> None:
    text = own_target.read_text()
    url = yaml.safe_load(text)["registry"]["url"]

    def said(**changes: str) -> str:
        own_target.write_text(text)
        change = {name.replace("_", "."): value for name, value in changes.items()}
        target = _changed(own_target, {"registry": change})
        return _said(Registry(target.registry).subjects)

    denied = said(basic_auth_user_info=f"hospital:{wrong['password']}")
    assert denied == (
        "Schema Registry: GET /subjects: 401: Unauthorized: is the log-in of `registry:` right, in"
        " the target's file?"
    )
    not_signed = f"its certificate is not signed by the CA of {wrong['ca']} (ssl.ca.location)"
    assert said(ssl_ca_location=wrong["ca"]) == f"Schema Registry at {url}: {not_signed}"
    by_name = url.replace("127.0.0.1", "localhost")
    assert said(url=by_name) == (
        f"Schema Registry at {by_name}: its certificate is for another host than localhost"
    )
    plain = url.replace("https:", "http:")
    assert said(url=plain).startswith(
        f"Schema Registry at {plain}: it speaks TLS at this port: write https://"
    )
    connect_url = yaml.safe_load(text)["connect"]["url"]
    assert "is this the right address?" in said(url=connect_url)


def test_postgresql_says_what_is_wrong(own_target: Path, wrong: dict[str, str]) -> None:
    text = own_target.read_text()
    secret = targets.secrets(REPOSITORY, targets.load(REPOSITORY, str(own_target)))

    def said(password: str = secret["POSTGRES_PASSWORD"], **changes: str) -> str:
        own_target.write_text(text)
        postgres = _changed(own_target, {"postgres": changes}).postgres
        return _said(lambda: connect(postgres, postgres.admin, password))

    assert 'password authentication failed for user "postgres"' in said("wrong")
    assert "certificate verify failed" in said(sslrootcert=wrong["ca"])
    assert 'does not match host name "localhost"' in said(host="localhost")
    assert "no encryption" in said(sslmode="disable")
