"""What the pipeline has deployed to its database, in a schema that only its owner reads."""

import json
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
    there = connection.execute("SELECT to_regclass(%s)", (f"{SCHEMA}.deployed",)).fetchone()
    if there == (None,):
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
