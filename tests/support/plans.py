"""A small repository and what runs of it, as the planner sees them."""

from pathlib import Path
from typing import Any

import yaml

from pipeline.live import (
    Line,
    LiveColumn,
    LiveConnector,
    LiveQuery,
    LiveScript,
    LiveSubject,
    LiveTable,
    LiveTopic,
    Task,
)
from pipeline.plan import Live
from pipeline.resources.connector import Connector
from pipeline.resources.desired import Desired
from pipeline.resources.query import Query
from pipeline.resources.script import PRIVILEGES, Script
from pipeline.resources.subject import Subject
from pipeline.resources.table import Table
from pipeline.resources.topic import Topic
from pipeline.sql.columns import Column

OWNER = "hospital"
SCHEMA: dict[str, Any] = {
    "type": "record",
    "name": "R",
    "fields": [{"name": "id", "type": "string"}],
}
SELECT, ONE, TWO = Line("select", "SELECT"), Line("1", "1 AS n"), Line("2", "2 AS n")
SINK = Connector("s", {"topics": "t", "managed.by": OWNER}, Path("s.yaml"), is_sink=True)
SOURCE = Connector("d", {"kafka.topic": "t", "managed.by": OWNER}, Path("d.yaml"), is_sink=False)
ROWS = Table("rows", (Column("id", "text", nullable=False),), ("id",), "", Path("s.yaml"))
DESIRED = Desired(
    owner=OWNER,
    topics=(Topic("t", 4, 1, {"retention.ms": "1"}),),
    subjects=(Subject("t-value", SCHEMA, "BACKWARD", Path("t.avsc")),),
    tables=(ROWS,),
    script=Script(Path("db_setup.sql"), "SELECT 1"),
    connectors=(SOURCE, SINK),
    queries=(Query("q", "1", (SELECT, ONE)),),
)
LIVE_ROWS = LiveTable(
    "rows",
    {"id": LiveColumn("id", "text", nullable=False)},
    frozenset({("id",)}),
    grants={role: frozenset(allowed) for role, allowed in PRIVILEGES.items()},
)


def running(connector: Connector, *tasks: Task) -> LiveConnector:
    """A connector with its tasks, one that is RUNNING if none is given."""
    states = tasks or (Task(0, "RUNNING"),)
    return LiveConnector(
        connector.name, connector.config, "RUNNING", "", states, is_sink=connector.is_sink
    )


CONNECTORS = {"s": running(SINK), "d": running(SOURCE)}
LIVE: Live = {
    "topic": {"t": LiveTopic("t", 4, 1, {"retention.ms": "1"})},
    "subject": {"t-value": LiveSubject("t-value", 1, 7, SCHEMA, "BACKWARD")},
    "table": {"rows": LIVE_ROWS, "db_setup.sql": LiveScript("SELECT 1", {}, {})},
    "query": {"q": LiveQuery("1", (SELECT, ONE), "RUNNING", ours=True)},
    "sink": CONNECTORS,
    "source": CONNECTORS,
}


def target_file(folder: Path, **services: object) -> Path:
    """A target whose services are nowhere, but for those that are given."""
    nowhere = {
        "pipeline": "test",
        "kafka": "127.0.0.1:1",
        "registry": "http://127.0.0.1:1",
        "connect": "http://127.0.0.1:1",
        "ksqldb": "http://127.0.0.1:1",
        "postgres": {"host": "127.0.0.1", "port": 1, "database": "d"},
        "state": str(folder / "state"),
    }
    file = folder / "target.yaml"
    file.write_text(yaml.safe_dump({**nowhere, **services}, sort_keys=False))
    return file
