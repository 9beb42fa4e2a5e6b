"""What a deployment does with connectors on the worker, and what it waits for."""

import time
from collections.abc import Callable, Iterable, Mapping
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
    """Makes a change, and waits until the connector and all its tasks run or completed."""
    connect = run.services.connect
    if change.action is Action.DELETE:
        delete(connect, change.name, run.deadline_s)
        return
    if change.action is not Action.CREATE:
        # After a PUT or a restart, Connect still shows the states of the old tasks for a while.
        # A STOPPED connector has no tasks, so every state seen after it is that of a new task.
        stop(connect, change.name, run.deadline_s)
    if change.action is not Action.RESTART:
        connect.put(change.name, change.declared.config)
    if change.action is not Action.CREATE:
        connect.resume(change.name)
    _wait_running(connect, change.name, run.deadline_s)


def stop(connect: "Connect", name: str, deadline_s: float) -> None:
    """Stops a connector, and waits until it has no task."""
    connect.stop(name)
    until(
        lambda: connect.connectors().get(name),
        seconds=deadline_s,
        done=lambda live: live.state == "STOPPED" and not live.tasks,
        describe=lambda _: f"{name} did not stop",
    )


def delete(connect: "Connect", name: str, deadline_s: float) -> None:
    """Deletes a connector, and waits until it is gone."""
    connect.delete(name)
    until(
        lambda: name not in connect.connectors(),
        seconds=deadline_s,
        describe=lambda _: f"{name} was not deleted",
    )


def _wait_running(connect: "Connect", name: str, deadline_s: float) -> None:
    def probe() -> LiveConnector | None:
        live = connect.connectors().get(name)
        if live and live.failed:
            raise PipelineError("; ".join(live.failed))
        return live

    until(probe, seconds=deadline_s, done=lambda live: live.settled, describe=_last_seen)


def _last_seen(live: LiveConnector | None) -> str:
    if live is None:
        return "never appeared on the worker"
    tasks = ", ".join(f"task {task.id} {task.state}" for task in live.tasks) or "no tasks"
    return f"not RUNNING: connector {live.state}, {tasks}"


def watch(
    names: Iterable[str], connect: "Connect", idle: Callable[[], set[str]]
) -> tuple[Mapping[str, str], set[str]]:
    """Watches connectors for a while, all at once: the cause of each that fails, by name.

    `idle` are those that have work and have not begun it. They are watched for longer; the second
    result is those that still have not.
    """
    left = set(names)
    errors: dict[str, str] = {}
    begun = time.monotonic()
    while left and time.monotonic() < begun + MOVE_S:
        try:
            live = connect.connectors()
            if time.monotonic() > begun + SETTLE_S:
                left &= idle()
        except PipelineError as error:
            return errors | dict.fromkeys(left, str(error)), set()
        for name in left & live.keys():
            if live[name].failed:
                errors[name] = "; ".join(live[name].failed)
        left = {n for n in left - errors.keys() if n in live and live[n].summary != "COMPLETED"}
        time.sleep(EVERY_S)
    return errors, left
