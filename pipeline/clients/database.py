"""Opens connections to the PostgreSQL server of a target."""

import psycopg

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
    """A connection to the pipeline's database, or to another one of the server.

    Raises:
        DeniedError: the server does not accept the password.
        ServiceError: the server cannot be reached, or refuses for another reason.
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
        # libpq gives a refused log-in no SQLSTATE.
        kind = DeniedError if "password authentication failed" in reason else ServiceError
        raise kind(
            f"PostgreSQL at {postgres.host}:{postgres.port}: {reason};"
            " `make status` shows if it is up"
        ) from None
