"""Waits for states of the pipeline, in `mode="reschedule"`: no worker slot is held meanwhile."""

from abc import abstractmethod
from typing import Any

from airflow.sdk import BaseSensorOperator, Context
from airflow.sdk.exceptions import AirflowFailException, AirflowSensorTimeout

from hospital.hooks import ROOT, PipelineHook, database
from pipeline.errors import DeniedError, PipelineError
from pipeline.resources.reader import sink_lags
from spark import status

# The job writes its status every second; a busy machine may keep it from that for a while.
SILENCE_S = 45


class PipelineSensor(BaseSensorOperator):
    """Waits for a condition; on a timeout, it says what it waited for and what it saw last."""

    waits_for = ""

    def __init__(self, *, conn_id: str = "hospital", **kwargs: Any) -> None:
        # Each poke is a new process: on two cores, one in five seconds would keep Airflow busy.
        defaults = {"mode": "reschedule", "poke_interval": 10, "timeout": 120}
        super().__init__(**{**defaults, **kwargs})
        self.conn_id = conn_id
        self._seen = "nothing"

    @abstractmethod
    def problem(self, hook: PipelineHook) -> str:
        """What keeps the condition from being met; "" once it is."""

    def poke(self, context: Context) -> bool:
        """Asks once. A service that is down is waited for; one that refuses us is not."""
        del context
        try:
            self._seen = self.problem(PipelineHook(self.conn_id))
        except DeniedError as error:
            raise AirflowFailException(str(error)) from None
        except PipelineError as error:
            self._seen = str(error)
        self.log.info("%s", self._seen or f"{self.waits_for}: yes")
        return not self._seen

    def execute(self, context: Context) -> Any:
        """Asks until the condition is met.

        Raises:
            AirflowSensorTimeout: the condition was not met in time; with the last state seen.
        """
        try:
            return super().execute(context)
        except AirflowSensorTimeout:
            raise AirflowSensorTimeout(
                f"waited {self.timeout:.0f} s for: {self.waits_for}; last seen: {self._seen}"
            ) from None


class WorkerSensor(PipelineSensor):
    """Kafka Connect answers."""

    waits_for = "the Connect worker answers"

    def problem(self, hook: PipelineHook) -> str:
        """Nothing, if it does."""
        hook.connect.plugins()
        return ""


class ConnectorsSensor(PipelineSensor):
    """Every declared connector and each of its tasks is RUNNING, or COMPLETED (a Datagen)."""

    waits_for = "every declared connector and task is RUNNING"

    def problem(self, hook: PipelineHook) -> str:
        """The connectors that are not.

        Raises:
            AirflowFailException: a task is FAILED: it was restarted before, and failed again.
        """
        live = hook.connect.connectors()
        names = [connector.name for connector in hook.declared().connectors]
        failed = [
            f"{name}: {cause}" for name in names if name in live for cause in live[name].failed
        ]
        if failed:
            raise AirflowFailException("; ".join(failed))
        states = {name: live[name].summary if name in live else "ABSENT" for name in names}
        settled = {name for name in names if name in live and live[name].settled}
        return ", ".join(
            f"{name} is {state}" for name, state in states.items() if name not in settled
        )


class LagSensor(PipelineSensor):
    """The group of every sink is near the end of its topics."""

    waits_for = "the lag of each sink is small"

    def __init__(self, *, max_lag: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.max_lag = max_lag

    def problem(self, hook: PipelineHook) -> str:
        """The sinks that are behind, in records."""
        lags = sink_lags(hook.kafka.lags, hook.declared().connectors)
        behind = {name: behind for name, behind in lags.items() if behind > self.max_lag}
        return ", ".join(f"{name} is {records:,} behind" for name, records in behind.items())


class RowsSensor(PipelineSensor):
    """Rows have been committed lately, by PostgreSQL's own clock."""

    waits_for = "fresh rows"

    def __init__(self, *, table: str, order: str, max_age_s: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.table, self.order, self.max_age_s = table, order, max_age_s

    def problem(self, hook: PipelineHook) -> str:
        """How old the newest row is."""
        del hook
        query = f"""SELECT extract(epoch FROM now() - max(pg_xact_commit_timestamp(xmin)))
            FROM (SELECT xmin FROM {self.table} ORDER BY {self.order} DESC LIMIT 100) newest"""
        with database() as connection:
            row = connection.execute(query.encode()).fetchone()
        age = row[0] if row else None
        if age is None:
            return f"{self.table} has no row"
        return "" if age <= self.max_age_s else f"{self.table}: its newest row is {age:.0f} s old"


class CleansingSensor(PipelineSensor):
    """The continuous cleansing job is alive, and near the end of the raw topics."""

    waits_for = "the cleansing makes progress"

    def __init__(self, *, max_lag: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.max_lag = max_lag

    def problem(self, hook: PipelineHook) -> str:
        """How long it has been silent, or how far it is behind."""
        written = status.read(status.file_of(hook.state))
        if written is None:
            return "the cleansing has written no status yet"
        if written.age_s > SILENCE_S:
            return f"the cleansing has been silent for {written.age_s:.0f} s"
        behind = status.behind(hook.target, ROOT)
        if behind is None:
            return f"the cleansing is {written.state}; its lag is not known"
        return "" if behind <= self.max_lag else f"the cleansing is {behind:,} records behind"


class RawSensor(PipelineSensor):
    """There are raw records."""

    waits_for = "raw records"

    def problem(self, hook: PipelineHook) -> str:
        """Nothing, if there are."""
        sources = [c for c in hook.declared().connectors if not c.is_sink]
        topics = {topic for source in sources for topic in source.topics}
        return "" if sum(hook.kafka.ends(topics).values()) else f"no record in {sorted(topics)}"
