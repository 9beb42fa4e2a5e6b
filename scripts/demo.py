"""The first success: waits until rows of every kind have landed in PostgreSQL, and shows them.

On both targets: it starts nothing.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import psycopg
import typer
from psycopg import sql
from rich.console import Console
from rich.table import Table

from pipeline import command
from pipeline.clients.database import connect
from pipeline.repository import target as targets
from pipeline.repository.target import Target
from pipeline.wait import until

# What the demonstration waits for: all patients but those that the cleansing refuses (some 430 of
# 50,000) are registered, the streams flow, and so do the trends.
ENOUGH = {
    "patients": 49_500,
    "admissions": 1_000,
    "diagnoses": 1_000,
    "lab_results": 1_000,
    "rejected_records": 400,
    "admissions_hourly": 500,
    "discharges_hourly": 500,
    "length_of_stay_daily": 30,
    "diagnoses_daily": 60,
    "abnormal_labs_hourly": 300,
    "admissions_by_age_daily": 60,
}
DEADLINE_S = 180
SAMPLE = """
SELECT a.admission_id AS admission, to_char(a.admission_date, 'YYYY-MM-DD HH24:MI') AS at,
       p.first_name || ' ' || p.last_name AS patient,
       coalesce(a.department, '') AS department, d.diagnosis_code AS icd_10_cm
FROM admissions a
JOIN patients p USING (patient_id)
JOIN diagnoses d ON d.admission_id = a.admission_id AND d.diagnosis_rank = 'Primary'
ORDER BY a.admission_date DESC
LIMIT 5
"""
app = typer.Typer(add_completion=False)


@dataclass(frozen=True)
class Landed:
    """Rows per table, and how many came per second while we looked."""

    rows: Mapping[str, int]
    per_second: float


@app.command(help=__doc__)
def main(
    target: Annotated[str, typer.Option(help="A file in targets/, or a path.")] = "embedded",
) -> None:
    """Waits for ENOUGH, and shows it."""
    place = targets.load(Path(), target)
    data = Console()
    password = targets.secrets(Path(), place)["BI_READER_PASSWORD"]
    with connect(place.postgres, "bi_reader", password, autocommit=True) as connection:
        landed = _wait(connection, Console(stderr=True))
        _show(connection, landed, data)
    data.print(_hints(place), highlight=False, soft_wrap=True)


def _wait(connection: psycopg.Connection, words: Console) -> Landed:
    begun = time.monotonic()
    with words.status("waiting for rows") as status:
        before = _counts(connection)

        def counts() -> dict[str, int]:
            rows = _counts(connection)
            status.update(f"waiting for rows: {_listed(rows)}")
            return rows

        landed = until(
            counts,
            seconds=DEADLINE_S,
            done=lambda rows: all(rows[table] >= enough for table, enough in ENOUGH.items()),
            describe=lambda rows: f"rows landed: {_listed(rows or {})}",
        )
        more = sum(landed.values()) - sum(before.values())
        return Landed(landed, more / max(0.001, time.monotonic() - begun))


def _show(connection: psycopg.Connection, landed: Landed, data: Console) -> None:
    counts = Table("table", "rows", box=None)
    for table, rows in landed.rows.items():
        counts.add_row(table, f"{rows:,}")
    data.print(counts)
    if landed.per_second >= 1:
        data.print(f"{landed.per_second:,.0f} rows/s into PostgreSQL while we waited\n")
    cursor = connection.execute(SAMPLE)
    sample = Table(box=None)
    for column in cursor.description or ():
        sample.add_column(column.name, no_wrap=True)
    for row in cursor:
        sample.add_row(*map(str, row))
    data.print(sample)


def _hints(target: Target) -> str:
    postgres = target.postgres
    place = postgres.published or f"{postgres.host}:{postgres.port}"
    return f"""
All of it is synthetic, and more comes every second. Where to look next:
  make status                      services, connectors, tasks
  make plan                        what an edit of connectors/ would change
  make monitor                     topics, records, consumer groups
  postgresql://bi_reader@{place}/{postgres.database}
                                   password: BI_READER_PASSWORD in {target.secrets or ".env"}
  make down                        stop everything; make clean also drops the data"""


def _counts(connection: psycopg.Connection) -> dict[str, int]:
    return {table: _count(connection, table) for table in ENOUGH}


def _count(connection: psycopg.Connection, table: str) -> int:
    query = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))
    row = connection.execute(query).fetchone()
    return int(row[0]) if row else 0


def _listed(rows: Mapping[str, int]) -> str:
    return ", ".join(f"{table} {count:,}" for table, count in rows.items())


if __name__ == "__main__":
    command.run(app)
