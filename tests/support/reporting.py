"""A database as `make deploy` makes it, with rows whose numbers are known. No data is real."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from pipeline.clients.database import connect
from pipeline.clients.postgres import Database
from pipeline.paths import REPOSITORY
from pipeline.repository import desired, loader
from pipeline.repository import target as targets
from pipeline.repository.target import Postgres
from pipeline.resources.table import whole_script
from pipeline.sql.steps import split

# Three days of admissions, one in two hours; the newest at 2025-01-04 10:00.
KNOWN = """
INSERT INTO patients (patient_id, first_name, last_name, gender, race, birth_date, insurance)
SELECT 'P' || i, 'First', 'Last', (ARRAY['F', 'M', 'X'])[1 + i % 3], 'White',
       date '1950-06-15' + i * interval '7 years', 'Private'
FROM generate_series(0, 9) i;
INSERT INTO admissions (admission_id, patient_id, department, admission_type, admission_date,
                        length_of_stay_hours)
SELECT 'A' || i, 'P' || i % 12, (ARRAY['Cardiology', 'Surgery', NULL])[1 + i % 3],
       (ARRAY['Emergency', 'Elective'])[1 + i % 2],
       timestamptz '2025-01-01 00:00+00' + i * interval '2 hours', 1 + i * 5 % 50
FROM generate_series(0, 41) i;
INSERT INTO diagnoses
SELECT 'D' || i, 'A' || i % 42, 'I' || i % 4, 'Disease ' || i % 4,
       CASE WHEN i < 42 THEN 'Primary' ELSE 'Secondary' END,
       timestamptz '2025-01-01 01:00+00' + i % 42 * interval '2 hours'
FROM generate_series(0, 83) i;
INSERT INTO lab_results
SELECT 'L' || i, 'A' || i, 'T' || i % 3, 'Test ' || i % 3, 'mg/dL', 60 + i, 70, 90,
       timestamptz '2025-01-01 01:30+00' + i * interval '2 hours'
FROM generate_series(0, 41) i;
INSERT INTO admissions_hourly
SELECT coalesce(department, 'Unknown'), admission_type, date_trunc('hour', admission_date),
       date_trunc('hour', admission_date) + interval '1 hour', count(*)
FROM admissions GROUP BY 1, 2, 3, 4;
INSERT INTO length_of_stay_daily
SELECT coalesce(department, 'Unknown'), date_trunc('day', admission_date),
       date_trunc('day', admission_date) + interval '1 day', count(*), avg(length_of_stay_hours)
FROM admissions GROUP BY 1, 2, 3;
INSERT INTO rejected_records
SELECT 'patients-0-' || i, 'patients', 0, i, now() - i * interval '1 minute',
       CASE WHEN i % 2 = 0 THEN 'gender_known,birth_date_not_in_future' ELSE 'gender_known' END
FROM generate_series(1, 10) i;
INSERT INTO alerts (key, message, closed_at)
VALUES ('lag:labs-sink', 'labs-sink is 5,000 records behind', NULL),
       ('silence:patients', 'no patients for 10 minutes', now());
"""


def script(root: Path = REPOSITORY) -> str:
    """All that makes the database, without psql's own commands."""
    declared = desired.render(loader.load(root), "test")
    text = whole_script(declared.tables, declared.script)
    return re.sub(r"(?m)^(\\set.*|BEGIN;|COMMIT;)$", "", text)


@dataclass(frozen=True)
class Known:
    """A database of its own on the stack's server."""

    postgres: Postgres
    secrets: dict[str, str]

    def admin(self) -> psycopg.Connection:
        """A connection that may do everything."""
        return connect(self.postgres, self.postgres.admin, self.secrets["POSTGRES_PASSWORD"])

    def reader(self) -> psycopg.Connection:
        """A connection as dashboards have it."""
        return connect(self.postgres, "bi_reader", self.secrets["BI_READER_PASSWORD"])


@contextmanager
def database(target: targets.Target, secrets: dict[str, str], name: str) -> Iterator[Known]:
    """A database of its own on a target's server, with nothing in its tables."""
    postgres = target.postgres
    password = secrets["POSTGRES_PASSWORD"]
    own = postgres.model_copy(update={"database": name})
    with connect(postgres, postgres.admin, password, autocommit=True) as server:
        server.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)".encode())
        server.execute(f"CREATE DATABASE {name}".encode())
        try:
            with connect(own, postgres.admin, password) as connection:
                for step in split(script()):
                    connection.execute(step.text.encode())
            with Database(own, secrets, target.pipeline).transaction(deploying=True) as transaction:
                transaction.set_passwords()
            yield Known(own, secrets)
        finally:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def fill(connection: psycopg.Connection) -> None:
    """Writes the known rows."""
    for step in split(KNOWN):
        connection.execute(step.text.encode())
