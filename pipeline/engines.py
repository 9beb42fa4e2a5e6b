"""Which engine runs ksql/*.sql on a target, and what it is to run."""

from pathlib import Path

from pipeline.desired import Query
from pipeline.errors import UsageError
from pipeline.flink import engine as flink
from pipeline.flink.gateway import Flink
from pipeline.flink.relations import Script, Services
from pipeline.flink.translate import script
from pipeline.ksqldb import KsqlDb, check_topics, declared
from pipeline.project import Project, declared_topics
from pipeline.queries import Engine
from pipeline.target import Target


def translated(project: Project, target: Target) -> Script:
    """The statements as Flink's. On every target, so that a file that runs on one runs on both.

    Raises:
        SpecError: a statement would not mean the same on both, or ksqlDB would refuse its topic.
    """
    check_topics(project.statements, {topic.name: topic for topic in declared_topics(project)})
    services = Services(target.kafka, target.registry, f"{target.pipeline}-flink")
    return script(project.statements, project.schemas, services)


def write(project: Project, target: Target, folder: Path) -> Path:
    """Writes the statements as Flink's to `folder`; returns the file."""
    file = folder / "ksql" / "flink.sql"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(f"{s};\n\n" for s in translated(project, target).statements))
    return file


def choose(root: Path, project: Project, target: Target) -> tuple[Engine | None, tuple[Query, ...]]:
    """The target's engine, and the declared queries.

    Raises:
        UsageError: there are statements, but the target names no engine.
        SpecError: a statement would not mean the same on both engines.
    """
    if not project.statements:
        return None, ()
    found = translated(project, target)
    if target.ksqldb:
        return KsqlDb(target.ksqldb, project.statements), declared(project.statements)
    if target.flink:
        folder = root / target.state / "data" / "flink"
        client = Flink(target.flink.gateway, target.flink.cluster)
        return flink.FlinkEngine(client, found, folder), (flink.query(found),)
    raise UsageError("ksql/ needs `ksqldb` or `flink` in the target's file")
