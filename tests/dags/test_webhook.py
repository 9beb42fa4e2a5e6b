"""The alerts' webhook: a real HTTPS server with a path, a log-in and a certificate of its own."""

import ipaddress
import json
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from airflow.sdk.exceptions import AirflowException
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hospital import alerts

from tests.support.serving import serving

NOTICE = {"key": "rejects:share", "status": "open", "message": "12 % rejected"}
PATH = "/services/T1/B2?token=x"


@dataclass
class Webhook:
    """What it was sent, and where it is."""

    url: str = ""
    certificate: str = ""
    notices: list[tuple[str, str, Any]] = field(default_factory=list)

    def answer(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        self.notices.append((method, path, body))
        return (200, None) if path == PATH else (404, {"message": "no such webhook"})


@pytest.fixture
def webhook(tmp_path: Path) -> Iterator[Webhook]:
    file = _certificate(tmp_path)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(file)
    started = Webhook(certificate=str(file))
    with serving(started.answer, tls=tls, login="hospital:secret") as started.url:
        yield started


def _certificate(folder: Path) -> Path:
    """A self-signed certificate of 127.0.0.1 and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file = folder / "certificate.pem"
    file.write_bytes(private + certificate.public_bytes(pem))
    return file


def _connect(monkeypatch: pytest.MonkeyPatch, host: str, **more: Any) -> None:
    connection = {"conn_type": "http", "host": host, "login": "hospital", "password": "secret"}
    monkeypatch.setenv("AIRFLOW_CONN_ALERTS_WEBHOOK", json.dumps({**connection, **more}))


def test_a_notice_is_posted_over_https_to_the_path_with_the_log_in(
    webhook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    _connect(monkeypatch, webhook.url + PATH, extra={"verify": webhook.certificate})
    alerts.post(NOTICE)
    assert webhook.notices == [("POST", PATH, NOTICE)]


def test_the_connection_can_do_without_verification(
    webhook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    _connect(monkeypatch, webhook.url + PATH, extra={"verify": False})
    with pytest.warns(match="Unverified HTTPS request"):
        alerts.post(NOTICE)
    assert webhook.notices == [("POST", PATH, NOTICE)]


def test_a_certificate_that_nobody_vouches_for_is_refused(
    webhook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    _connect(monkeypatch, webhook.url + PATH)
    with pytest.raises(requests.exceptions.SSLError, match="certificate verify failed"):
        alerts.post(NOTICE)
    assert webhook.notices == []


def test_an_answer_that_is_an_error_is_one(
    webhook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    extra = {"verify": webhook.certificate}
    _connect(monkeypatch, webhook.url + PATH, extra=extra, password="wrong")
    with pytest.raises(AirflowException, match="401"):
        alerts.post(NOTICE)
    assert webhook.notices == []
    _connect(monkeypatch, f"{webhook.url}/elsewhere", extra=extra)
    with pytest.raises(AirflowException, match="404"):
        alerts.post(NOTICE)


def test_without_a_connection_nothing_is_sent() -> None:
    alerts.post(NOTICE)
