"""Which engine runs ksql/*.sql on a target, and what it is to run."""

from pathlib import Path

from pipeline.clients.flink import Flink
from pipeline.clients.ksqldb import KsqlDb
from pipeline.engines import flink, ksqldb
from pipeline.engines.engine import Engine
from pipeline.engines.store import Store
from pipeline.errors import UsageError
from pipeline.repository import desired
from pipeline.repository.project import Project
from pipeline.repository.target import Target
from pipeline.resources.query import Query
from pipeline.sql.flink.tables import Services
from pipeline.sql.flink.translate import Job, jobs


def addresses(target: Target) -> Services:
    """Where Flink finds what it reads and writes."""
    return Services(target.kafka, target.registry, f"{target.pipeline}-flink")


def translated(project: Project, target: Target) -> tuple[Job, ...]:
    """The statements as Flink's jobs. On every target: what runs on one has to run on both.

    Raises:
        SpecError: a statement would not mean the same on both, or ksqlDB would refuse its topic.
    """
    ksqldb.check_topics(
        project.statements, {topic.name: topic for topic in desired.topics(project)}
    )
    return jobs(project.analysis, addresses(target))


def choose(root: Path, project: Project, target: Target) -> tuple[Engine | None, tuple[Query, ...]]:
    """The target's engine, and the declared queries.

    Raises:
        UsageError: there are statements, but the target names no engine.
        SpecError: a statement would not mean the same on both engines.
    """
    found = translated(project, target)
    if target.ksqldb:
        engine = ksqldb.KsqlDbEngine(KsqlDb(target.ksqldb), project.statements)
        return engine, ksqldb.queries(project.statements)
    if target.flink:
        client = Flink(target.flink.gateway, target.flink.cluster)
        store = Store(root / target.state / "data" / "flink" / "queries")
        return flink.FlinkEngine(client, addresses(target), found, store), flink.queries(found)
    if project.statements:
        raise UsageError("ksql/ needs `ksqldb` or `flink` in the target's file")
    return None, ()
