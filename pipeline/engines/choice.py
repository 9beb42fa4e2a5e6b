"""Which engine runs ksql/*.sql on a target, and what it is to run."""

from pathlib import Path

from pipeline.clients.flink import Flink
from pipeline.desired import Query
from pipeline.engines import flink
from pipeline.engines.engine import Engine
from pipeline.engines.ksqldb import KsqlDb, check_topics, declared
from pipeline.engines.store import Store
from pipeline.errors import UsageError
from pipeline.repository.project import Project, declared_topics
from pipeline.repository.target import Target
from pipeline.sql.flink.tables import Services
from pipeline.sql.flink.translate import Translation, translate


def services(target: Target) -> Services:
    """Where Flink finds what it reads and writes."""
    return Services(target.kafka, target.registry, f"{target.pipeline}-flink")


def translated(project: Project, target: Target) -> Translation:
    """The statements as Flink's. On every target, so that a file that runs on one runs on both.

    Raises:
        SpecError: a statement would not mean the same on both, or ksqlDB would refuse its topic.
    """
    check_topics(project.statements, {topic.name: topic for topic in declared_topics(project)})
    return translate(project.statements, project.schemas, services(target))


def write(project: Project, target: Target, folder: Path) -> list[Path]:
    """Writes the statements as Flink's to `folder`, a file each; returns the files."""
    place = folder / "ksql"
    place.mkdir(parents=True, exist_ok=True)
    files = {
        place / f"{job.statement.name.lower()}.sql": job.text
        for job in translated(project, target).jobs
    }
    for stale in {*place.glob("*.sql")} - files.keys():
        stale.unlink()
    for file, text in files.items():
        file.write_text(text)
    return list(files)


def choose(root: Path, project: Project, target: Target) -> tuple[Engine | None, tuple[Query, ...]]:
    """The target's engine, and the declared queries.

    Raises:
        UsageError: there are statements, but the target names no engine.
        SpecError: a statement would not mean the same on both engines.
    """
    found = translated(project, target)
    if target.ksqldb:
        return KsqlDb(target.ksqldb, project.statements), declared(project.statements)
    if target.flink:
        client = Flink(target.flink.gateway, target.flink.cluster)
        store = Store(root / target.state / "data" / "flink" / "queries")
        engine = flink.FlinkEngine(client, services(target), found.jobs, store)
        return engine, flink.queries(found.jobs)
    if project.statements:
        raise UsageError("ksql/ needs `ksqldb` or `flink` in the target's file")
    return None, ()
