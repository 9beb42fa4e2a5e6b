"""How a connector is changed on its worker, step by step. No step leaves it stopped."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING

from pipeline.change import Action, Change
from pipeline.errors import PipelineError
from pipeline.live import LiveConnector
from pipeline.resources.resource import Run
from pipeline.wait import until

if TYPE_CHECKING:
    from pipeline.clients.connect import Connect

# How long connectors are watched: many a task fails with the first record.
SETTLE_S = 4.0
# How long a sink has for its first rows: the worker commits offsets every few seconds.
MOVE_S = 12.0
EVERY_S = 0.5


def make(change: Change, run: Run) -> None:
    """Makes one change, and waits until the connector and its tasks run or completed.

    Raises:
        PipelineError: the worker refuses the change, a task fails, or the run is stopping.
        DeadlineError: that takes more than the run's deadline.
    """
    connect = run.services.connect
    if change.action is Action.DELETE:
        _delete(connect, change.name, run.deadline_s)
        return
    if change.action is Action.CREATE:
        connect.put(change.name, change.declared.config)
    else:
        _put_while_stopped(change, run)
    _wait_running(connect, change.name, run)


def _put_while_stopped(change: Change, run: Run) -> None:
    """Stops a connector, changes it, and resumes it, also if the change fails.

    After a PUT or a restart, Connect still shows the states of the old tasks for a while. A STOPPED
    connector has no tasks, so every state seen after it is that of a new task.
    """
    connect = run.services.connect
    declared, live = change.declared.config, change.live.config if change.live else {}
    with _resumed_if_it_fails(change.name, run):
        _stop(change.name, run)
        if dict(live) != dict(declared):
            connect.put(change.name, declared)
    connect.resume(change.name)


@contextmanager
def _resumed_if_it_fails(name: str, run: Run) -> Iterator[None]:
    """If the block fails, the connector is resumed. If that fails too, the error has both."""
    try:
        yield
    except BaseException as first:
        try:
            run.services.connect.resume(name)
        except PipelineError as second:
            said = f"{name} could not be resumed: {second}"
            if isinstance(first, PipelineError):
                raise PipelineError(f"{first}; {said}") from None
            run.tell(said)
        raise


def _stop(name: str, run: Run) -> None:
    """Stops a connector, and waits until it has no task."""
    connect = run.services.connect
    connect.stop(name)

    def probe() -> LiveConnector | None:
        run.go_on("it runs on as it was")
        return connect.connectors().get(name)

    until(
        probe,
        seconds=run.deadline_s,
        done=lambda live: live.state == "STOPPED" and not live.tasks,
        describe=lambda _: f"{name} did not stop",
    )


def rewind(name: str, run: Run) -> None:
    """Stops a connector and deletes its offsets. If that does not come to its end, it runs on."""
    with _resumed_if_it_fails(name, run):
        _stop(name, run)
        run.services.connect.forget_offsets(name)


def remove(name: str, run: Run) -> None:
    """Deletes a connector with its offsets. If that does not come to its end, it runs on."""
    rewind(name, run)
    _delete(run.services.connect, name, run.deadline_s)


def _delete(connect: "Connect", name: str, deadline_s: float) -> None:
    connect.delete(name)
    until(
        lambda: name not in connect.connectors(),
        seconds=deadline_s,
        describe=lambda _: f"{name} was not deleted",
    )


def _wait_running(connect: "Connect", name: str, run: Run) -> None:
    def probe() -> LiveConnector | None:
        run.go_on("it is as declared, and was not waited for")
        live = connect.connectors().get(name)
        if live and live.failed:
            raise PipelineError("; ".join(live.failed))
        return live

    until(probe, seconds=run.deadline_s, done=lambda live: live.settled, describe=_last_seen)


def _last_seen(live: LiveConnector | None) -> str:
    if live is None:
        return "never appeared on the worker"
    tasks = ", ".join(f"task {task.id} {task.state}" for task in live.tasks) or "no tasks"
    return f"not RUNNING: connector {live.state}, {tasks}"


def watch(
    names: Iterable[str], run: Run, idle: Callable[[], set[str]]
) -> tuple[Mapping[str, str], set[str]]:
    """Watches connectors for a while, all at once: the cause of each that fails, by name.

    `idle` are those that have work and have not begun it. They are watched for longer; the second
    result is those that still have not. A run that is stopping watches no more,
    and knows of none.
    """
    left = set(names)
    errors: dict[str, str] = {}
    begun = monotonic()
    while left and monotonic() < begun + MOVE_S:
        try:
            live = run.services.connect.connectors()
            if monotonic() > begun + SETTLE_S:
                left &= idle()
        except PipelineError as error:
            return errors | dict.fromkeys(left, str(error)), set()
        for name in left & live.keys():
            if live[name].failed:
                errors[name] = "; ".join(live[name].failed)
        left = {n for n in left - errors.keys() if n in live and live[n].summary != "COMPLETED"}
        if run.stopping.wait(EVERY_S):
            return errors, set()
    return errors, left
