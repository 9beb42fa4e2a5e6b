"""The kinds of resources, in deployment order: each kind needs the ones before it."""

from typing import Any

from pipeline.resources import connector
from pipeline.resources.connector import Connectors
from pipeline.resources.query import Queries
from pipeline.resources.resource import Resource
from pipeline.resources.subject import Subjects
from pipeline.resources.tables import Tables
from pipeline.resources.topic import Topics

RESOURCES: tuple[Resource[Any, Any], ...] = (
    Topics(),
    Subjects(),
    Tables(),
    Queries(),
    Connectors(connector.SINK),
    Connectors(connector.SOURCE),
)
