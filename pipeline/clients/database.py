"""Connects to a target's PostgreSQL server."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import psycopg
from psycopg import sql

from pipeline.clients import scram, waiting
from pipeline.errors import DeniedError, ServiceError, WrongAnswerError
from pipeline.repository.connections import resolve
from pipeline.repository.target import Postgres

TIMEOUT_S = 5
# The settings of a target that libpq has, too.
TLS = ("sslmode", "sslrootcert", "sslcert", "sslkey")


def connect(
    postgres: Postgres,
    user: str,
    password: str,
    *,
    dbname: str | None = None,
    autocommit: bool = False,
) -> psycopg.Connection:
    """Opens a connection to the pipeline's database, or to `dbname` on the same server.

    Raises:
        DeniedError: the server refuses the password.
        WrongAnswerError: the server is no PostgreSQL.
        ServiceError: the server is unreachable, or refuses for another reason.
    """
    place = place_of(postgres)
    options = {**parameters(postgres, user, password), "dbname": dbname or postgres.database}
    try:
        with waiting.told(place):
            return psycopg.connect(**options, autocommit=autocommit)
    except psycopg.OperationalError as error:
        reason = reason_of(error)
        if "invalid response" in reason:
            text = f"{place}: {reason}: is this the right address?"
            raise WrongAnswerError(text, "postgres.port") from None
        # libpq has no SQLSTATE for a refused password.
        error_class = DeniedError if "password authentication failed" in reason else ServiceError
        raise error_class(f"{place}: {reason}; `make status` shows if it is up") from None


def login(postgres: Postgres, secrets: Mapping[str, str]) -> tuple[str, str]:
    """Who render.py is at the server, and the password.

    Raises:
        UsageError: the password is a reference without a value.
    """
    user = postgres.user or postgres.admin
    if postgres.password:
        return user, resolve("postgres.password", postgres.password)
    return user, secrets["POSTGRES_PASSWORD"]


def place_of(postgres: Postgres) -> str:
    """What messages call the server."""
    return f"PostgreSQL at {postgres.host}:{postgres.port}"


def parameters(postgres: Postgres, user: str, password: str) -> dict[str, Any]:
    """How libpq reaches the pipeline's database."""
    return {
        "host": postgres.host,
        "port": postgres.port,
        "dbname": postgres.database,
        "user": user,
        "password": password,
        **_tls(postgres),
        "connect_timeout": TIMEOUT_S,
        # A server whose machine is gone is noticed within seconds, not hours.
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": 20_000,
    }


def _tls(postgres: Postgres) -> dict[str, str]:
    return {key: value for key in TLS if (value := getattr(postgres, key))}


def in_url(postgres: Postgres) -> str:
    """The settings of TLS at the end of a URL; libpq and JDBC have the same names for them."""
    given = _tls(postgres)
    return f"?{urlencode(given, safe='/')}" if given else ""


def reason_of(error: psycopg.OperationalError) -> str:
    """Why no connection was made, in one line."""
    if isinstance(error, psycopg.errors.ConnectionTimeout):
        return f"it said nothing for {TIMEOUT_S} s"
    # What comes after the first line is a guess of libpq's.
    first = str(error).strip().splitlines()[0]
    return first.rsplit(" failed: ", 1)[-1]


def rotated(
    connection: psycopg.Connection, roles: Mapping[str, str], secrets: Mapping[str, str]
) -> frozenset[str] | None:
    """The roles whose password is not that of the secrets. `roles` has each one's secret.

    None for who may not look: that takes a superuser.
    """
    if not _sees_passwords(connection):
        return None
    stored = "SELECT rolname, coalesce(rolpassword, '') FROM pg_authid WHERE rolname = ANY (%s)"
    return frozenset(
        role
        for role, verifier in connection.execute(stored, (list(roles),))
        if not scram.is_of(verifier, secrets[roles[role]])
    )


def _sees_passwords(connection: psycopg.Connection) -> bool:
    """Whether the role of a connection may read the verifiers of passwords."""
    allowed = connection.execute("SELECT has_table_privilege('pg_authid', 'SELECT')").fetchone()
    return allowed == (True,)


def set_password(connection: psycopg.Connection, role: str, password: str) -> None:
    """Gives a role a password. The server gets its verifier only, and logs no more."""
    encrypt = connection.pgconn.encrypt_password
    verifier = encrypt(password.encode(), role.encode(), b"scram-sha-256").decode()
    alter = sql.SQL("ALTER ROLE {} PASSWORD {}")
    connection.execute(alter.format(sql.Identifier(role), sql.Literal(verifier)))
