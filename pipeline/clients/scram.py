"""Passwords as PostgreSQL stores them."""

import base64
import hashlib
import hmac
import re

VERIFIER = re.compile(
    r"SCRAM-SHA-256\$(?P<rounds>\d+):(?P<salt>[^$]+)\$(?P<stored>[^:]+):(?P<server>.+)"
)


def is_of(verifier: str, password: str) -> bool:
    """Whether a verifier of pg_authid is that of a password, which has ASCII letters only."""
    parts = VERIFIER.fullmatch(verifier)
    if parts is None:
        return False
    salt = base64.b64decode(parts["salt"])
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, int(parts["rounds"]))
    server = hmac.digest(salted, b"Server Key", "sha256")
    return hmac.compare_digest(server, base64.b64decode(parts["server"]))
