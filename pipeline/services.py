"""The clients of a target's services, and what runs there."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from pipeline.clients.connect import Connect
from pipeline.clients.kafka import Kafka
from pipeline.clients.postgres import Database
from pipeline.clients.registry import Registry
from pipeline.engines.engine import Engine
from pipeline.plan import Live
from pipeline.repository.target import Target
from pipeline.resources import RESOURCES
from pipeline.resources.desired import Desired


@dataclass(frozen=True)
class Services:
    """One client per service; no engine where ksql/ has nothing to run."""

    kafka: Kafka
    registry: Registry
    connect: Connect
    database: Database
    engine: Engine | None


def clients(target: Target, secrets: Mapping[str, str], engine: Engine | None) -> Services:
    """Clients for a target; nothing is sent yet."""
    return Services(
        Kafka(target.kafka),
        Registry(target.registry),
        Connect(target.connect),
        Database(target.postgres, secrets),
        engine,
    )


def read(services: Services, desired: Desired) -> Live:
    """What runs now, read from all services at once.

    Raises:
        ServiceError: a service is unreachable; the first that failed, in the order of the data.
    """
    with ThreadPoolExecutor(len(RESOURCES)) as pool:
        found = {
            resource.kind: pool.submit(resource.read, services, desired.of(resource.kind))
            for resource in RESOURCES
        }
        return {kind: future.result() for kind, future in found.items()}
