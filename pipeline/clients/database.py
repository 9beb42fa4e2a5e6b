"""Connects to a target's PostgreSQL server."""

import psycopg
from psycopg import sql

from pipeline.errors import DeniedError, ServiceError
from pipeline.repository.target import Postgres

TIMEOUT_S = 5


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
        ServiceError: the server is unreachable, or refuses for another reason.
    """
    try:
        return psycopg.connect(
            host=postgres.host,
            port=postgres.port,
            dbname=dbname or postgres.database,
            user=user,
            password=password,
            autocommit=autocommit,
            connect_timeout=TIMEOUT_S,
        )
    except psycopg.OperationalError as error:
        reason = str(error).strip().splitlines()[-1]
        # libpq has no SQLSTATE for a refused password.
        error_class = DeniedError if "password authentication failed" in reason else ServiceError
        raise error_class(
            f"PostgreSQL at {postgres.host}:{postgres.port}: {reason};"
            " `make status` shows if it is up"
        ) from None


def set_password(connection: psycopg.Connection, role: str, password: str) -> None:
    """Gives a role a password, which the server gets as a verifier only."""
    connection.execute(
        sql.SQL("ALTER ROLE {} PASSWORD {}").format(
            sql.Identifier(role), sql.Literal(verifier(connection, role, password))
        )
    )


def verifier(connection: psycopg.Connection, role: str, password: str) -> str:
    """What PostgreSQL stores of a password."""
    encrypt = connection.pgconn.encrypt_password
    return encrypt(password.encode(), role.encode(), b"scram-sha-256").decode()
