"""Copies what the stack stores, while it runs, and puts it back.

The order makes the copy one that the pipeline can go on from. First the states that refer to
positions in Kafka: Flink's savepoints and the checkpoint of the cleansing. Then Kafka, and last
PostgreSQL, which has the schemas too. Kafka stops for the last two: so its copy has every record
that a position refers to, and every record whose row is in the database. Going on from such a copy
reads some records again, which changes no row. Nobody else stops; the others wait for Kafka.
"""

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError
from rich.console import Console

from pipeline.clients.database import connect
from pipeline.clients.flink import ENDED, Flink
from pipeline.clients.websession import CONCURRENCY
from pipeline.engines.flink import PREFIX
from pipeline.engines.store import Store
from pipeline.errors import PipelineError, UsageError
from pipeline.repository import target as targets
from stack import copies, requirements, starting
from stack.layout import Layout
from stack.services import services
from stack.supervisor import Supervisor

MANIFEST = "backup.json"
DATA = "data"
SAVEPOINT_S = 120
# PostgreSQL's manual, "Making a Base Backup Using the Low Level API", has what a copy leaves out.
NOT_POSTGRES = (
    "pg_wal", "pg_replslot", "pg_dynshmem", "pg_notify", "pg_serial", "pg_snapshots",
    "pg_stat_tmp", "pg_subtrans", "postmaster.pid", "postmaster.opts",
)  # fmt: skip
WAL = "pg_wal"


class Manifest(BaseModel):
    """What a backup is. It is written last: a folder without it is no backup.

    `brokers` are the folders of Kafka's, `postgres` is the version that has written its files.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    pipeline: str
    at: datetime
    brokers: tuple[str, ...]
    postgres: str


def take(layout: Layout, to: Path | None, console: Console) -> Path:
    """Copies what a running stack stores into a new folder; returns that folder.

    Raises:
        PipelineError: the stack is not up, the disk is too small, or a job cannot be saved. Kafka
            runs again then.
    """
    supervisor = Supervisor(layout.socket)
    if not supervisor.running():
        raise PipelineError("the stack is not up: make up")
    at = datetime.now(UTC)
    folder = (
        to or layout.root / "var" / "backups"
    ) / f"{layout.target.pipeline}-{at:%Y%m%dT%H%M%SZ}"
    requirements.check_disk(folder, copies.size(layout.data))
    folder.mkdir(parents=True, mode=0o700)
    data = folder / DATA
    _save_queries(layout, data, console)
    if (layout.data / "cleanse").is_dir():
        copies.copy_settled(layout.data / "cleanse", data / "cleanse")
        console.print("[green]✓[/] the checkpoint of the cleansing")
    brokers = _brokers(layout)
    with _kafka_stopped(layout, supervisor, console):
        for name in brokers:
            with console.status(f"copying {name}"):
                copies.copy(layout.data / name, data / name)
            console.print(f"[green]✓[/] {name}")
        with console.status("copying PostgreSQL"):
            _copy_postgres(layout, data / "postgres")
        console.print("[green]✓[/] PostgreSQL, with the schemas")
    manifest = Manifest(
        pipeline=layout.target.pipeline,
        at=at,
        brokers=brokers,
        postgres=requirements.postgres_version(),
    )
    (folder / MANIFEST).write_text(manifest.model_dump_json(indent=2) + "\n")
    return folder


def restore(layout: Layout, folder: Path, console: Console) -> None:
    """Puts a backup in place of a stack's data, which must be gone. `make up` then goes on from it.

    Raises:
        UsageError: the folder is no backup of this stack.
        PipelineError: the stack runs, it has data, or its PostgreSQL cannot read the backup's.
    """
    manifest = _manifest(folder)
    if Supervisor(layout.socket).running():
        raise PipelineError("the stack is up: make down")
    if layout.data.is_dir() and any(layout.data.iterdir()):
        raise PipelineError(
            f"{layout.data} is not empty: move it away, or remove it with `make clean`, which"
            " makes new passwords too"
        )
    if manifest.brokers != _brokers(layout):
        raise UsageError(
            f"{folder} is of a stack with {', '.join(manifest.brokers)};"
            f" this one has {', '.join(_brokers(layout))}"
        )
    version = requirements.postgres_version()
    if manifest.postgres != version:
        raise PipelineError(
            f"{folder} was written by PostgreSQL {manifest.postgres}, and this is {version}:"
            " docs/operations.md, Upgrades, says how to move the rows"
        )
    requirements.check_disk(layout.state, copies.size(folder))
    with console.status(f"copying {folder}"):
        try:
            copies.copy(folder / DATA, layout.data)
        except BaseException:
            # Half of it is no state to go on from.
            shutil.rmtree(layout.data, ignore_errors=True)
            raise
    console.print(f"[green]✓[/] {layout.data} is as of {manifest.at:%Y-%m-%d %H:%M:%S} UTC")


def _manifest(folder: Path) -> Manifest:
    file = folder / MANIFEST
    if not file.is_file():
        raise UsageError(f"{folder}: no backup, or one that has not ended: it has no {MANIFEST}")
    try:
        return Manifest.model_validate_json(file.read_bytes())
    except ValidationError as error:
        raise UsageError(f"{file}: {error.errors()[0]['msg']}") from None


def _brokers(layout: Layout) -> tuple[str, ...]:
    return tuple(
        service.name for service in services(layout, {}) if service.name.startswith("kafka")
    )


def _save_queries(layout: Layout, data: Path, console: Console) -> None:
    """A savepoint of each query's job, where a Flink that starts looks for a checkpoint."""
    places = layout.target.flink
    deployed = Store(layout.data / "flink" / "queries")
    names = deployed.read()
    if places is None or not names:
        return
    flink = Flink(places.gateway, places.cluster)
    flink.check_ready()
    jobs = {job.name: job for job in flink.jobs() if job.state not in ENDED}

    def save(name: str) -> None:
        job = jobs.get(f"{PREFIX}{name}")
        if job is None:
            raise PipelineError(f"query {name} has no job: make deploy")
        place = deployed.copy(name, data / "flink" / "queries")
        place.parent.mkdir(parents=True)
        flink.savepoint(job, place.parent, SAVEPOINT_S).rename(place)

    with console.status("saving the queries"), ThreadPoolExecutor(CONCURRENCY) as pool:
        list(pool.map(save, names))
    console.print(f"[green]✓[/] a savepoint of each of {len(names)} queries")


@contextmanager
def _kafka_stopped(layout: Layout, supervisor: Supervisor, console: Console) -> Iterator[None]:
    secrets = targets.secrets(layout.root, layout.target)
    names = _brokers(layout)
    try:
        for name in reversed(names):
            with console.status(f"stopping {name}"):
                supervisor.stop(name)
        yield
    finally:
        brokers = [one for one in services(layout, secrets) if one.name in names]
        starting.start(layout, supervisor, brokers, console)


def _copy_postgres(layout: Layout, to: Path) -> None:
    """A base backup, by PostgreSQL's low-level API; its log of changes comes last."""
    source = layout.data / "postgres"
    postgres = layout.target.postgres
    password = targets.secrets(layout.root, layout.target)["POSTGRES_PASSWORD"]
    with connect(
        postgres, postgres.admin, password, dbname="postgres", autocommit=True
    ) as connection:
        # The slot keeps the log from now on. It ends with the connection.
        connection.execute("SELECT pg_create_physical_replication_slot('backup', true, true)")
        connection.execute("SELECT pg_backup_start('backup', true)")
        copies.copy(source, to, without=NOT_POSTGRES)
        stopped = connection.execute("SELECT labelfile FROM pg_backup_stop(false)").fetchone()
        (to / "backup_label").write_text(stopped[0] if stopped else "")
        shutil.rmtree(to / WAL)
        copies.copy(source / WAL, to / WAL)
