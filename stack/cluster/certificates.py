"""Certificates of the cluster: a CA of its own, made anew by `make clean` and `make up`."""

from datetime import datetime
from pathlib import Path

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs12

CA, TRUST = "ca.pem", "ca.p12"
# The brokers, among themselves; and what clients reach by TLS.
BROKER, SERVER = "broker", "server"
HOST, OWNER = "127.0.0.1", "Hospital (synthetic)"


def ensure(folder: Path) -> None:
    """Makes the CA and what it signs, unless they are there.

    ca.pem is for all; ca.p12 has the same for JVMs. broker.pem and server.pem have a certificate
    and its key; the key of the CA is not kept.
    """
    if (folder / CA).is_file():
        return
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    ca = trustme.CA(organization_name=OWNER)
    for name in (BROKER, SERVER):
        write(folder / f"{name}.pem", issued(ca, name))
    certificate = pkcs12.PKCS12Certificate(
        x509.load_pem_x509_certificate(ca.cert_pem.bytes()), b"hospital"
    )
    trust = pkcs12.serialize_java_truststore([certificate], serialization.NoEncryption())
    _write(folder / TRUST, trust)
    # Last: its presence says that all is there.
    _write(folder / CA, ca.cert_pem.bytes())


def issued(ca: trustme.CA, name: str, not_after: datetime | None = None) -> trustme.LeafCert:
    """A certificate of this machine, for a server of a name or for a client."""
    return ca.issue_cert(
        HOST,
        common_name=name,
        organization_name=OWNER,
        organization_unit_name="pipeline",
        not_after=not_after,
    )


def write(path: Path, leaf: trustme.LeafCert) -> None:
    """Writes the key, as Java reads it (PKCS 8), and the certificate."""
    key = serialization.load_pem_private_key(leaf.private_key_pem.bytes(), None)
    pkcs8 = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    _write(path, pkcs8 + b"".join(blob.bytes() for blob in leaf.cert_chain_pems))


def _write(path: Path, content: bytes) -> None:
    path.touch(0o600)
    path.write_bytes(content)
