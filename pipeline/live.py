"""What runs, read concurrently."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from pipeline.clients.connect import Connect, LiveConnector
from pipeline.clients.http import CONCURRENCY
from pipeline.clients.kafka import Kafka, LiveTopic
from pipeline.clients.postgres import Database
from pipeline.clients.registry import LiveSubject, Registry
from pipeline.desired import Desired
from pipeline.engines.engine import Engine, LiveQuery
from pipeline.repository.target import Target


@dataclass(frozen=True)
class Services:
    """The clients of the services; no engine where ksql/ has nothing to run."""

    kafka: Kafka
    registry: Registry
    connect: Connect
    database: Database
    engine: Engine | None


@dataclass(frozen=True)
class Live:
    """The part of what runs that the repository declares, and every connector."""

    topics: Mapping[str, LiveTopic]
    subjects: Mapping[str, LiveSubject]
    script_sha256: str | None
    connectors: Mapping[str, LiveConnector]
    queries: Mapping[str, LiveQuery] = field(default_factory=dict)


def services(target: Target, secrets: Mapping[str, str], engine: Engine | None) -> Services:
    """Clients for a target; nothing is sent yet."""
    return Services(
        Kafka(target.kafka),
        Registry(target.registry),
        Connect(target.connect),
        Database(target.postgres, secrets),
        engine,
    )


def read(clients: Services, desired: Desired) -> Live:
    """What runs now.

    Raises:
        ServiceError: a service is unreachable; the first that failed, in the order of the data.
    """
    declared = {subject.name for subject in desired.subjects}
    with ThreadPoolExecutor(CONCURRENCY) as pool:
        topics = pool.submit(clients.kafka.topics, [topic.name for topic in desired.topics])
        connectors = pool.submit(clients.connect.connectors)
        sha256 = pool.submit(clients.database.applied)
        queries = pool.submit(clients.engine.running) if clients.engine else None
        names = [name for name in clients.registry.subjects() if name in declared]
        subjects = dict(zip(names, pool.map(clients.registry.latest, names), strict=True))
        return Live(
            topics.result(),
            subjects,
            sha256.result(),
            connectors.result(),
            queries.result() if queries else {},
        )
