"""Locks that one program holds across machines: PostgreSQL's advisory locks.

PostgreSQL gives a lock back when the connection ends: when the program dies, or within half a
minute after its machine has gone.
"""

import getpass
import os
import socket
import zlib

import psycopg

# Our key among the advisory locks of a database, and a lock's own key below it.
SPACE = 20_250_101
NOTICE = """
SELECT set_config('application_name', %s, false), set_config('tcp_keepalives_idle', '10', false),
       set_config('tcp_keepalives_interval', '5', false),
       set_config('tcp_keepalives_count', '3', false)
"""
TAKE = "SELECT pg_try_advisory_lock(%(space)s, %(key)s)"
HELD = """
FROM pg_locks l
WHERE l.locktype = 'advisory' AND l.granted AND l.classid = %(space)s AND l.objid = %(key)s
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
HOLDER = f"""
SELECT a.application_name, a.backend_start
FROM pg_stat_activity a WHERE a.pid = (SELECT l.pid {HELD})
"""  # noqa: S608 - constants
SINCE = "%Y-%m-%d %H:%M:%S"


def take(connection: psycopg.Connection, name: str, program: str) -> str | None:
    """Takes a lock for as long as the connection lives.

    Returns who has it, if somebody else has: its program, pid, user and host, and since when; ""
    if it cannot be told.
    """
    us = f"{program}, pid {os.getpid()}, {_user()}@{socket.gethostname()}"
    connection.execute(NOTICE, [us])
    row = connection.execute(TAKE, _key(name)).fetchone()
    if row and row[0]:
        return None
    holder = connection.execute(HOLDER.encode(), _key(name)).fetchone()
    return f"{holder[0]}, since {holder[1].astimezone():{SINCE}}" if holder else ""


def held(connection: psycopg.Connection, name: str) -> bool:
    """Whether a program holds a lock."""
    query = f"SELECT EXISTS (SELECT {HELD})"
    return connection.execute(query.encode(), _key(name)).fetchone() == (True,)


def _key(name: str) -> dict[str, int]:
    return {"space": SPACE, "key": zlib.crc32(name.encode()) & 0x7FFFFFFF}


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # In a container, a user may have a number only.
        return str(os.getuid())
