"""How a target says to reach its services, and what each client makes of it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.clients import database, librdkafka, websession
from pipeline.engines import choice
from pipeline.errors import SpecError, UsageError
from pipeline.paths import REPOSITORY
from pipeline.repository import connections, javaclient
from pipeline.repository import target as targets
from pipeline.repository.target import Target

EXAMPLE = "example-secured"
VALUES = {
    "KAFKA_PASSWORD": 'sl\\sh"quote',
    "CLEANSE_PASSWORD": "of the cleansing",
    "REGISTRY_USER_PASSWORD": "of: the registry",
}
SASL = {
    "bootstrap.servers": "b:1",
    "security.protocol": "sasl_ssl",
    "sasl.mechanism": "SCRAM-SHA-512",
    "sasl.username": "ann",
    "sasl.password": "${env:KAFKA_PASSWORD}",
    "ssl.ca.location": "/ca.pem",
    "client.id": "mine",
}


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch) -> Target:
    for name, value in VALUES.items():
        monkeypatch.setenv(name, value)
    return targets.load(REPOSITORY, EXAMPLE)


def _load(folder: Path, **settings: Any) -> Target:
    base = yaml.safe_load((REPOSITORY / "targets" / "embedded.yaml").read_text())
    file = folder / "t.yaml"
    file.write_text(yaml.safe_dump({**base, **settings}, sort_keys=False))
    return targets.load(folder, str(file))


def test_a_program_has_its_own_log_in_and_the_rest_of_all(example: Target) -> None:
    own = connections.resolved(example.kafka_of("cleanse"))
    assert own["sasl.username"] == "hospital-cleanse"
    assert own["sasl.password"] == "of the cleansing"
    assert (
        own["bootstrap.servers"]
        == "broker-1.example:9093,broker-2.example:9093,broker-3.example:9093"
    )
    assert own["ssl.ca.location"] == "/etc/hospital/ca.pem"


def test_no_secret_is_in_what_is_written_of_a_target(example: Target) -> None:
    written = yaml.safe_dump(example.model_dump(mode="json", by_alias=True))
    assert not [value for value in VALUES.values() if value in written]
    assert targets.load(REPOSITORY, EXAMPLE) == example
    assert set(VALUES.values()) == set(targets.referenced(example))


def test_javas_clients_log_in_by_a_module_and_trust_by_pem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAFKA_PASSWORD", VALUES["KAFKA_PASSWORD"])
    assert javaclient.with_values(SASL) == {
        "bootstrap.servers": "b:1",
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.jaas.config": (
            "org.apache.kafka.common.security.scram.ScramLoginModule required"
            ' username="ann" password="sl\\\\sh\\"quote";'
        ),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": "/ca.pem",
        "client.id": "mine",
    }


def test_elsewhere_a_client_gets_the_references_and_who_resolves_them() -> None:
    properties = {
        **SASL,
        "sasl.mechanism": "PLAIN",
        "sasl.password": "${file:/run/password}",
        "ssl.certificate.location": "/tls/me.pem",
        "ssl.key.location": "/tls/me.key",
        "ssl.endpoint.identification.algorithm": "none",
    }
    made = javaclient.by_reference(properties, "org.shaded.")
    assert made["sasl.jaas.config"] == (
        "org.shaded.org.apache.kafka.common.security.plain.PlainLoginModule required"
        ' username="ann" password="${directory:/run:password}";'
    )
    assert made["ssl.keystore.certificate.chain"] == "${directory:/tls:me.pem}"
    assert made["ssl.keystore.key"] == "${directory:/tls:me.key}"
    assert made["ssl.endpoint.identification.algorithm"] == ""
    assert made["config.providers"] == "directory"
    assert made["config.providers.directory.class"] == (
        "org.shaded.org.apache.kafka.common.config.provider.DirectoryConfigProvider"
    )


def test_a_plain_client_stays_as_it_is() -> None:
    plain = {"bootstrap.servers": "b:1"}
    assert javaclient.with_values(plain) == javaclient.by_reference(plain) == plain


def test_a_log_in_that_java_does_not_have_is_refused() -> None:
    with pytest.raises(UsageError, match=r"kafka\.sasl\.mechanism: .* PLAIN, SCRAM only, .*GSSAPI"):
        javaclient.by_reference({**SASL, "sasl.mechanism": "GSSAPI"})


def test_flink_gets_no_secret_in_its_statements(example: Target) -> None:
    addresses = choice.addresses(example)
    jaas = addresses.kafka["sasl.jaas.config"]
    assert jaas.startswith("org.apache.flink.kafka.shaded.org.apache.kafka.")
    assert "${file:/etc/hospital/flink.env:PASSWORD}" in jaas
    user_info = addresses.registry["basic-auth.user-info"]
    assert user_info == "hospital:${env:REGISTRY_USER_PASSWORD}"


def test_an_http_client_logs_in_and_trusts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGISTRY_USER_PASSWORD", VALUES["REGISTRY_USER_PASSWORD"])
    (tmp_path / "ca.pem").write_text("")
    place = {
        "url": "https://r.example",
        "basic.auth.user.info": "ann:${env:REGISTRY_USER_PASSWORD}",
        "ssl.ca.location": "ca.pem",
    }
    session = websession.session(_load(tmp_path, registry=place).registry)
    assert session.auth == ("ann", "of: the registry")
    assert session.verify == str(tmp_path / "ca.pem")
    bearer = {"url": "https://r.example", "bearer": "${env:REGISTRY_USER_PASSWORD}"}
    session = websession.session(_load(tmp_path, registry=bearer).registry)
    assert session.headers["Authorization"] == "Bearer of: the registry"


def test_postgresql_gets_the_settings_of_libpq(example: Target) -> None:
    given = database.parameters(example.postgres, "ann", "p")
    assert (given["sslmode"], given["sslrootcert"]) == ("verify-full", "/etc/hospital/ca.pem")
    assert "sslcert" not in given


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"kafka": "127.0.0.1"}, "kafka: '127.0.0.1' is no host:port"),
        ({"kafka": "[::1]:9092"}, ""),
        ({"kafka": "::1:9092"}, "kafka: '::1:9092' is no host:port"),
        ({"kafka": "a:1, b:2"}, ""),
        ({"kafka": {"security.protocol": "SSL"}}, "kafka: bootstrap.servers is missing"),
        ({"kafka": {**SASL, "client.id": None}}, "kafka: client.id has no value: give one"),
        (
            {"kafka": {**SASL, "sasl.password": "hunter2"}},
            "kafka: sasl.password is a secret in clear text: write ${env:NAME}, ${file:path}",
        ),
        (
            {"registry": {"url": "http://r", "basic.auth.user.info": "me:hunter2"}},
            "registry: basic.auth.user.info is a secret in clear text",
        ),
        (
            {
                "registry": {
                    "url": "http://r",
                    "basic.auth.user.info": "${env:A}",
                    "bearer": "${env:B}",
                }
            },
            "registry: has basic.auth.user.info and bearer: one of them logs in",
        ),
        ({"connect": {"url": "connect:8083"}}, "connect.url: must match"),
        ({"connect": {"url": "http://c", "ssl.ca.locaton": "x"}}, "did you mean ssl.ca.location"),
        ({"principals": {"cleans": {}}}, "did you mean cleanse"),
        ({"topics": {"replicaton": 3}}, "did you mean replication"),
    ],
)
def test_a_mistake_names_its_key(tmp_path: Path, settings: Mapping[str, Any], message: str) -> None:
    if not message:
        assert _load(tmp_path, **settings)
        return
    with pytest.raises(SpecError) as caught:
        _load(tmp_path, **settings)
    assert message in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_a_path_is_below_the_repository_unless_it_is_the_machines(tmp_path: Path) -> None:
    def anchored(key: str, text: str) -> str:
        return connections.anchored(tmp_path, key, text)

    assert anchored("ssl.ca.location", "ca.pem") == f"{tmp_path}/ca.pem"
    assert anchored("sslrootcert", "/ca.pem") == "/ca.pem"
    assert anchored("sslrootcert", "system") == "system"
    assert anchored("ssl.ca.location", "probe") == "probe"
    assert anchored("sasl.password", "${file:s.env:A}") == f"${{file:{tmp_path}/s.env:A}}"
    assert anchored("sasl.username", "ca.pem") == "ca.pem"


def test_a_reference_without_a_value_names_its_property(tmp_path: Path) -> None:
    def said(reference: str) -> str:
        with pytest.raises(UsageError) as caught:
            connections.resolve("sasl.password", connections.anchored(tmp_path, "", reference))
        return str(caught.value)

    assert said("${env:NOBODY_HAS_IT}") == "sasl.password: the environment has no NOBODY_HAS_IT"
    assert said("${file:s.env:A}") == f"sasl.password: {tmp_path}/s.env is missing"
    file = tmp_path / "s.env"
    file.write_text("B=1\n")
    file.chmod(0o644)
    assert said("${file:s.env:A}").endswith(f"other users can read {file}: chmod 600 {file}")
    file.chmod(0o600)
    assert said("${file:s.env:A}") == f"sasl.password: {file} has no line A=value"
    assert connections.resolve("k", f"x${{file:{file}:B}}y${{file:{file}}}") == "x1yB=1"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sasl.mechanisum": "x"}, 'No such configuration property: "sasl.mechanisum"'),
        ({"security.protocol": "TLS"}, 'Invalid value "TLS" for configuration property'),
        ({"ssl.ca.location": "/nowhere.pem"}, "ssl.ca.location failed"),
    ],
)
def test_what_librdkafka_does_not_know_is_told_by_its_name(
    change: dict[str, str], message: str
) -> None:
    properties = {"bootstrap.servers": "127.0.0.1:1", "security.protocol": "SSL"}
    with pytest.raises(UsageError, match=r"^kafka: ") as caught:
        librdkafka.admin({**properties, **change})
    assert message in str(caught.value)
