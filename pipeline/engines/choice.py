"""Chooses a target's engine for ksql/*.sql, and prepares the queries for it."""

from pathlib import Path

from pipeline.clients.flink import Flink
from pipeline.clients.ksqldb import KsqlDb
from pipeline.engines import flink, ksqldb
from pipeline.engines.engine import Engine
from pipeline.engines.store import Store
from pipeline.engines.topics import check_topics
from pipeline.errors import UsageError
from pipeline.repository import desired, javaclient
from pipeline.repository.connections import Http
from pipeline.repository.project import Project
from pipeline.repository.target import Target
from pipeline.resources.query import Query
from pipeline.sql.flink.tables import Addresses
from pipeline.sql.flink.translate import Job, jobs

# What the names of Kafka's classes begin with in Flink's connector.
SHADED = "org.apache.flink.kafka.shaded."


def addresses(target: Target) -> Addresses:
    """How Flink reaches Kafka and the registry, and the prefix of its consumer groups.

    Raises:
        UsageError: its Kafka client cannot log in as the target says.
    """
    kafka = javaclient.by_reference(target.kafka_of("flink"), SHADED)
    return Addresses(kafka, _of_registry(target.registry), f"{target.pipeline}-flink")


def _of_registry(registry: Http) -> dict[str, str]:
    """The registry by the options of Flink's format `avro-confluent`."""
    options = {"url": registry.url}
    if registry.user_info:
        options["basic-auth.credentials-source"] = "USER_INFO"
        options["basic-auth.user-info"] = javaclient.of_java(registry.user_info)
    if registry.bearer:
        options["bearer-auth.credentials-source"] = "STATIC_TOKEN"
        options["bearer-auth.token"] = javaclient.of_java(registry.bearer)
    return options


def translated(project: Project, target: Target) -> tuple[Job, ...]:
    """The statements as Flink jobs.

    It runs for every target, because each statement must work on both engines.

    Raises:
        SpecError: a statement would give other results on one of the engines, or ksqlDB would
            refuse its topic.
    """
    check_topics(project.statements, {topic.name: topic for topic in desired.topics(project)})
    return jobs(project.analysis, addresses(target))


def choose(root: Path, project: Project, target: Target) -> tuple[Engine | None, tuple[Query, ...]]:
    """The target's engine and the declared queries.

    The engine is None if the target has none and ksql/ has no statements.

    Raises:
        UsageError: there are statements, but the target has no engine.
        SpecError: a statement would give other results on one of the engines.
    """
    flink_jobs = translated(project, target)
    if target.ksqldb:
        engine = ksqldb.KsqlDbEngine(KsqlDb(target.ksqldb), project.statements)
        return engine, ksqldb.queries(project.statements)
    if target.flink:
        client = Flink(target.flink.gateway, target.flink.cluster)
        store = Store(root / target.state / "data" / "flink" / "queries")
        flink_engine = flink.FlinkEngine(client, addresses(target), flink_jobs, store)
        return flink_engine, flink.queries(flink_jobs)
    if project.statements:
        raise UsageError("ksql/ has statements: add `ksqldb` or `flink` to the target's file")
    return None, ()
