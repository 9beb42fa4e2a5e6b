"""The shapes of the answers of Flink's SQL gateway and of its cluster."""

from typing import Any

from pydantic import Field

from pipeline.clients.http import Answer


class Info(Answer):
    """GET /v1/info of the gateway."""

    product: str = Field(alias="productName")


class Overview(Answer):
    """GET /overview."""

    version: str = Field(alias="flink-version")


class Job(Answer):
    """A job."""

    id: str = Field(alias="jid")
    name: str
    state: str
    started_ms: int = Field(alias="start-time")


class Jobs(Answer):
    """GET /jobs/overview."""

    jobs: list[Job]


class Vertex(Answer):
    """A vertex of a job."""

    id: str
    name: str
    status: str


class Vertices(Answer):
    """GET /jobs/ID."""

    vertices: list[Vertex]


class Failure(Answer):
    """A failure of a job."""

    stacktrace: str
    timestamp: int


class History(Answer):
    """The failures of a job, the newest first."""

    entries: list[Failure]


class Exceptions(Answer):
    """GET /jobs/ID/exceptions."""

    history: History = Field(alias="exceptionHistory")


class Checkpoint(Answer):
    """A checkpoint."""

    trigger_timestamp: int


class Latest(Answer):
    """The latest checkpoints of a job."""

    completed: Checkpoint | None = None


class Checkpoints(Answer):
    """GET /jobs/ID/checkpoints."""

    latest: Latest | None = None


class Metric(Answer):
    """A metric; without its value in a list of all."""

    id: str
    value: str = ""


class Session(Answer):
    """POST /v1/sessions."""

    handle: str = Field(alias="sessionHandle")


class Operation(Answer):
    """POST …/statements."""

    handle: str = Field(alias="operationHandle")


class Status(Answer):
    """GET …/operations/ID/status."""

    status: str


class Column(Answer):
    """A column of a result."""

    name: str


class Row(Answer):
    """A row of a result."""

    fields: list[Any]


class Results(Answer):
    """The rows of a page."""

    columns: list[Column]
    data: list[Row]


class Page(Answer):
    """GET …/operations/ID/result/TOKEN."""

    kind: str = Field(alias="resultType")
    results: Results | None = None


class Trigger(Answer):
    """POST /jobs/ID/savepoints."""

    id: str = Field(alias="request-id")


class Asynchronous(Answer):
    """The state of what was triggered."""

    id: str


class Cause(Answer):
    """Why it failed."""

    stack_trace: str = Field("", alias="stack-trace")


class Saved(Answer):
    """What a savepoint became: a folder, as a URL, or a failure."""

    location: str = ""
    failure: Cause | None = Field(None, alias="failure-cause")


class Savepoint(Answer):
    """GET /jobs/ID/savepoints/REQUEST."""

    status: Asynchronous
    operation: Saved | None = None
