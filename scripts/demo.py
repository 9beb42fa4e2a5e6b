"""The first success: waits until rows of every kind have landed in PostgreSQL, and shows them.

On both targets. It starts nothing.
"""

import time
from collections.abc import Iterable, Mapping
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
from pipeline.repository import facts, loader
from pipeline.repository import target as targets
from pipeline.repository.target import Target
from pipeline.wait import until

DEADLINE_S = 180
# How long for more rows, if all that is looked for is there.
PATIENCE_S = 10
REFUSED_PATIENTS = "SELECT count(*) FROM rejected_records WHERE source_topic = 'patients'"
SAMPLE = """
SELECT a.admission_id AS admission, to_char(a.admission_date, 'YYYY-MM-DD HH24:MI') AS at,
       p.patient_id AS patient, coalesce(p.gender, '') AS gender,
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
    """Rows per table, and how many came per second while we waited."""

    rows: Mapping[str, int]
    per_second: float


@app.command(help=__doc__)
def main(
    target_name: Annotated[
        str, typer.Option("--target", help="A file in targets/, or a path.")
    ] = "embedded",
) -> None:
    """Waits for rows and shows them."""
    root = Path()
    target = targets.load(root, target_name)
    declared = loader.load(root)
    tables = facts.tables(declared)
    patients = facts.records_of(declared, "patients") or 0
    password = targets.secrets(root, target)["BI_READER_PASSWORD"]
    data = Console()
    with connect(target.postgres, "bi_reader", password, autocommit=True) as connection:
        landed = _wait(connection, tables, patients)
        _show(connection, landed, data)
    data.print(_hints(target), highlight=False, soft_wrap=True)


def _wait(connection: psycopg.Connection, tables: Iterable[str], patients: int) -> Landed:
    """Until every table has rows, and so many patients are registered or were refused."""
    begun = time.monotonic()
    with Console(stderr=True).status("waiting for rows") as status:
        before = _counts(connection, tables)

        def counts() -> dict[str, int]:
            rows = _counts(connection, tables)
            status.update(f"waiting for rows: {_listed(rows)}")
            return rows

        def is_enough(rows: Mapping[str, int]) -> bool:
            refused = _number(connection, sql.SQL(REFUSED_PATIENTS))
            are_all = all(rows.values()) and rows["patients"] + refused >= patients
            # A rate takes some more, and more comes until the sources have written all.
            is_over = time.monotonic() > begun + PATIENCE_S
            return are_all and (is_over or sum(rows.values()) > sum(before.values()))

        landed = until(
            counts,
            seconds=DEADLINE_S,
            done=is_enough,
            describe=lambda rows: f"rows landed: {_listed(rows or {})}",
        )
        more = sum(landed.values()) - sum(before.values())
        return Landed(landed, more / max(0.001, time.monotonic() - begun))


def _show(connection: psycopg.Connection, landed: Landed, data: Console) -> None:
    counts = Table("table", "rows", box=None)
    for table, rows in landed.rows.items():
        counts.add_row(table, f"{rows:,}")
    data.print(counts)
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
    address = postgres.published or f"{postgres.host}:{postgres.port}"
    at = f": {target.dashboard}" if target.dashboard and not postgres.published else ""
    return f"""
All of it is synthetic, and more comes every second. Where to look next:
  make dashboard                   the trends in a browser, live{at}
  make status                      services, connectors, tasks
  make plan                        what an edit of connectors/ would change
  make monitor                     topics, records, consumer groups
  postgresql://bi_reader@{address}/{postgres.database}
                                   password: BI_READER_PASSWORD in {target.secrets or ".env"}
  make down                        stop everything; make clean also drops the data"""


def _counts(connection: psycopg.Connection, tables: Iterable[str]) -> dict[str, int]:
    count = sql.SQL("SELECT count(*) FROM {}")
    return {table: _number(connection, count.format(sql.Identifier(table))) for table in tables}


def _number(connection: psycopg.Connection, query: sql.SQL | sql.Composed) -> int:
    row = connection.execute(query).fetchone()
    return int(row[0]) if row else 0


def _listed(rows: Mapping[str, int]) -> str:
    return ", ".join(f"{table} {count:,}" for table, count in rows.items())


if __name__ == "__main__":
    command.run(app)
