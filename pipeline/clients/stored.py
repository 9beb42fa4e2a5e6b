"""What the pipeline has deployed to its database, in a schema that only its owner reads."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import psycopg
from psycopg import sql

from pipeline.clients.catalog import SCHEMA
from pipeline.sql.objects import Catalog, Object

# An older version left this mark in the database's comment.
MARK = "db_setup.sql sha256:"
MARKED = """
SELECT datname FROM pg_database
WHERE datname = current_database() AND starts_with(shobj_description(oid, 'pg_database'), %s)
"""
MAKE = (
    f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}",
    f"COMMENT ON SCHEMA {SCHEMA} IS 'What render.py has deployed: its own notes'",
    f"""
    CREATE TABLE IF NOT EXISTS {SCHEMA}.deployed (
      pipeline    text PRIMARY KEY,
      script      text NOT NULL,
      made        jsonb NOT NULL,
      server      integer NOT NULL,
      deployed_at timestamptz NOT NULL
    )
    """,
)
MAKE_OWNED = (
    *MAKE[:2],
    f"""
    CREATE TABLE IF NOT EXISTS {SCHEMA}.owned (
      pipeline text, kind text, name text, PRIMARY KEY (pipeline, kind, name)
    )
    """,
)
OWNED = f"SELECT name FROM {SCHEMA}.owned WHERE pipeline = %s AND kind = %s"
OWN = f"INSERT INTO {SCHEMA}.owned SELECT %s, %s, unnest(%s::text[]) ON CONFLICT DO NOTHING"
DISOWN = f"DELETE FROM {SCHEMA}.owned WHERE pipeline = %s AND kind = %s AND name = ANY(%s)"
# Another major version of PostgreSQL may write the same definition differently.
SERVER = "current_setting('server_version_num')::integer / 10000"
READ = f"SELECT script, made, server = {SERVER} FROM {SCHEMA}.deployed WHERE pipeline = %s"
WRITE = f"""
INSERT INTO {SCHEMA}.deployed VALUES (%s, %s, %s, {SERVER}, now())
ON CONFLICT (pipeline) DO UPDATE SET script = excluded.script, made = excluded.made,
  server = excluded.server, deployed_at = excluded.deployed_at
"""


@dataclass(frozen=True)
class Stored:
    """A script that ran, and what it made. `made` is None if PostgreSQL was of another version."""

    script: str
    made: Catalog | None


def read(connection: psycopg.Connection, pipeline: str) -> Stored | None:
    """What a pipeline deployed last; None if nothing, or by a version that stored nothing."""
    if not _is_there(connection, "deployed"):
        return None
    row = connection.execute(READ.encode(), (pipeline,)).fetchone()
    if row is None:
        return None
    script, made, is_same = row
    by_object = {Object(*item): definition for *item, definition in made}
    return Stored(script, by_object if is_same else None)


def write(connection: psycopg.Connection, pipeline: str, script: str, made: Catalog) -> None:
    """Stores what a pipeline has deployed."""
    for statement in MAKE:
        connection.execute(statement.encode())
    rows = [[item.kind, item.name, item.parent, made[item]] for item in sorted(made)]
    connection.execute(WRITE.encode(), (pipeline, script, json.dumps(rows)))
    for (marked,) in connection.execute(MARKED, (MARK,)).fetchall():
        unmark = sql.SQL("COMMENT ON DATABASE {} IS NULL")
        connection.execute(unmark.format(sql.Identifier(marked)))


def owned(connection: psycopg.Connection, pipeline: str, kind: str) -> frozenset[str]:
    """The names of the resources of one kind that a pipeline's deployments have made."""
    if not _is_there(connection, "owned"):
        return frozenset()
    return frozenset(name for (name,) in connection.execute(OWNED.encode(), (pipeline, kind)))


def own(connection: psycopg.Connection, pipeline: str, kind: str, names: Sequence[str]) -> None:
    """Stores names of resources that a deployment makes."""
    for statement in MAKE_OWNED:
        connection.execute(statement.encode())
    connection.execute(OWN.encode(), (pipeline, kind, list(names)))


def disown(connection: psycopg.Connection, pipeline: str, kind: str, names: Sequence[str]) -> None:
    """Forgets names of resources that are gone."""
    if _is_there(connection, "owned"):
        connection.execute(DISOWN.encode(), (pipeline, kind, list(names)))


def _is_there(connection: psycopg.Connection, table: str) -> bool:
    row = connection.execute("SELECT to_regclass(%s)", (f"{SCHEMA}.{table}",)).fetchone()
    return row != (None,)
