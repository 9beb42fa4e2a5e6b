"""The pipeline's services, from Airflow's connections."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from airflow.sdk import BaseHook, Connection
from airflow.sdk.exceptions import AirflowFailException, AirflowNotFoundException

from pipeline.clients.connect import Connect
from pipeline.clients.database import TIMEOUT_S, TLS, reason_of
from pipeline.clients.kafka import Kafka
from pipeline.engines import choice
from pipeline.engines.engine import Engine
from pipeline.errors import PipelineError, UsageError
from pipeline.repository import desired, loader
from pipeline.repository import target as targets
from pipeline.resources.desired import Desired

# The repository: this file is in airflow/hospital/.
ROOT = Path(__file__).resolve().parent.parent.parent


class PipelineHook(BaseHook):
    """The target that the connection's extra `target` names: a file of targets/, or a path.

    Raises:
        AirflowFailException: in every method, if there is no such connection or target. Trying
            again would not help.
    """

    conn_type = "generic"

    def __init__(self, conn_id: str = "hospital") -> None:
        super().__init__()
        self._conn_id = conn_id

    @property
    def target_file(self) -> str:
        """The name or path of the target's file."""
        name = _connection(self._conn_id).extra_dejson.get("target")
        if not name:
            raise AirflowFailException(f"connection {self._conn_id}: its extra has no target")
        return str(name)

    @property
    def target(self) -> targets.Target:
        """Where the pipeline runs."""
        name = self.target_file
        with failing_at_once():
            return targets.load(ROOT, name)

    @property
    def state(self) -> Path:
        """The folder of the cleansing's state."""
        return ROOT / self.target.state

    @property
    def connect(self) -> Connect:
        """Kafka Connect."""
        return Connect(self.target.connect)

    @property
    def kafka(self) -> Kafka:
        """The broker."""
        return Kafka(self.target.kafka_of("airflow"))

    def unread(self) -> dict[str, str]:
        """Topics with records that no statement of ksql/ could read, and how many."""
        return {
            topic: f"{count} records could not be read and were passed over"
            for topic, count in self._engine().skipped().items()
        }

    def failing(self) -> dict[str, str]:
        """Statements of ksql/ whose query fails, and why."""
        return {
            name: f"{query.state}: {query.note}"
            for name, query in self._engine().running().items()
            if query.failed
        }

    def _engine(self) -> Engine:
        engine, _ = choice.choose(ROOT, loader.load(ROOT, self.target), self.target)
        if engine is None:
            raise UsageError("the target has neither `ksqldb` nor `flink`")
        return engine

    def declared(self) -> Desired:
        """What the repository declares, read now: a new spec needs no edit of a DAG."""
        with failing_at_once():
            target = self.target
            return desired.render(
                loader.load(ROOT, target), target.pipeline, variables=target.variables
            )


@contextmanager
def database(conn_id: str = "hospital_db") -> Iterator[psycopg.Connection]:
    """A transaction in the pipeline's database.

    Raises:
        AirflowFailException: there is no such connection, or PostgreSQL refuses it.
    """
    settings = _connection(conn_id)
    try:
        connection = psycopg.connect(
            host=settings.host,
            port=settings.port,
            dbname=settings.schema,
            user=settings.login,
            password=settings.password,
            connect_timeout=TIMEOUT_S,
            **{key: value for key, value in settings.extra_dejson.items() if key in TLS},
        )
    except psycopg.OperationalError as error:
        raise AirflowFailException(f"connection {conn_id}: {reason_of(error)}") from None
    with connection:
        yield connection


@contextmanager
def failing_at_once() -> Iterator[None]:
    """Turns an error of the pipeline into one line that fails the task, without a retry."""
    try:
        yield
    except PipelineError as error:
        raise AirflowFailException(str(error)) from None


def _connection(conn_id: str) -> Connection:
    try:
        return BaseHook.get_connection(conn_id)
    except AirflowNotFoundException:
        raise AirflowFailException(
            f"there is no connection {conn_id}: `make airflow` defines it; elsewhere, set"
            f" AIRFLOW_CONN_{conn_id.upper()}"
        ) from None
