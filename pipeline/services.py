"""The clients of a target's services."""

from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.clients.connect import Connect
from pipeline.clients.kafka import Kafka
from pipeline.clients.postgres import Database
from pipeline.clients.registry import Registry
from pipeline.engines.engine import Engine
from pipeline.repository.target import Target


@dataclass(frozen=True)
class Services:
    """One client per service. `engine` is None if the target has none and ksql/ is empty."""

    kafka: Kafka
    registry: Registry
    connect: Connect
    database: Database
    engine: Engine | None


def clients(target: Target, secrets: Mapping[str, str], engine: Engine | None) -> Services:
    """The clients of a target. They connect when they are first used."""
    return Services(
        Kafka(target.kafka),
        Registry(target.registry),
        Connect(target.connect),
        Database(target.postgres, secrets, target.pipeline),
        engine,
    )
