"""Why a TLS connection fails, in words. The clients' own libraries often say only that it does."""

import socket
import ssl
from dataclasses import dataclass

PATIENCE_S = 3
NO_TLS = "it speaks no TLS at this port"
# OpenSSL's X509_V_ERR_*, as in x509_vfy.h.
EXPIRED, NOT_YET_VALID = 10, 9
NOT_SIGNED = {18, 19, 20, 21}
OTHER_HOST = {62, 64}
# What OpenSSL says of a server that answers in clear text.
CLEAR_TEXT = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "UNEXPECTED_MESSAGE")
WANTS_CERTIFICATE = (
    "CERTIFICATE_REQUIRED",
    "BAD_CERTIFICATE",
    "CERTIFICATE_UNKNOWN",
    "HANDSHAKE_F",
)


@dataclass(frozen=True)
class Probe:
    """What a server did when it was asked for TLS. `reason` is "" if all is well."""

    speaks_tls: bool
    reason: str = ""


def probe(host: str, port: int, ca: str | None) -> Probe | None:
    """Asks a server for TLS, with the CAs of a PEM file or of this machine; None if it is away."""
    try:
        context = ssl.create_default_context(cafile=ca)
        with (
            socket.create_connection((host, port), PATIENCE_S) as plain,
            context.wrap_socket(plain, server_hostname=host),
        ):
            return Probe(speaks_tls=True)
    except ssl.SSLCertVerificationError as error:
        return Probe(speaks_tls=True, reason=reason(error, host, ca))
    except ssl.SSLError as error:
        return Probe(speaks_tls=not _is_clear_text(error), reason=reason(error, host, ca))
    except TimeoutError:
        return Probe(speaks_tls=False, reason="it says nothing to a client that asks for TLS")
    except ConnectionResetError:
        return Probe(speaks_tls=False, reason=NO_TLS)
    except OSError:
        return None


def reason(error: ssl.SSLError, host: str, ca: str | None) -> str:
    """Why a handshake with a host failed; `ca` is the PEM file of CAs that the client trusts."""
    by = f"the CA of {ca}" if ca else "a CA that this machine trusts"
    by_code = {
        EXPIRED: "its certificate has expired",
        NOT_YET_VALID: "its certificate is not valid yet: is the clock of this machine right?",
        **dict.fromkeys(OTHER_HOST, f"its certificate is for another host than {host}"),
        **dict.fromkeys(NOT_SIGNED, f"its certificate is not signed by {by} (ssl.ca.location)"),
    }
    code = getattr(error, "verify_code", 0)
    if code in by_code:
        return by_code[code]
    if _is_clear_text(error):
        return NO_TLS
    said = str(error.reason or error)
    if any(words in said for words in WANTS_CERTIFICATE):
        return "it refuses the client's certificate, or wants one (ssl.certificate.location)"
    return f"TLS fails: {said}"


def _is_clear_text(error: ssl.SSLError) -> bool:
    return any(words in str(error.reason or error) for words in CLEAR_TEXT) or isinstance(
        error, ssl.SSLEOFError
    )
