"""Starts services under the supervisor, and waits until they are healthy."""

import time
from collections.abc import Sequence

from rich.console import Console

from pipeline.errors import PipelineError
from pipeline.wait import until
from stack.layout import Layout
from stack.service import Service
from stack.supervisor import Supervisor, tail

START_S = 90


def start(
    layout: Layout, supervisor: Supervisor, wave: Sequence[Service], console: Console
) -> None:
    """Starts services side by side.

    Raises:
        PipelineError: one did not become healthy; the message has the last lines of its log.
    """
    begun = time.monotonic()
    for service in wave:
        supervisor.start(service.name)
    for service in wave:
        with console.status(f"starting {service.name}"):
            _wait_healthy(layout, supervisor, service)
        took = time.monotonic() - begun
        console.print(f"[green]✓[/] {service.name:<9} {service.listens_at:<16} {took:4.1f} s")


def _wait_healthy(layout: Layout, supervisor: Supervisor, service: Service) -> None:
    log = layout.logs / f"{service.name}.log"

    def is_healthy() -> bool:
        if service.healthy():
            return True
        process = supervisor.processes()[service.name]
        if not process.alive:
            raise PipelineError(f"{service.name} is {process.state}; its log ends:\n{tail(log)}")
        return False

    until(
        is_healthy,
        seconds=START_S,
        describe=lambda _: f"{service.name} is not healthy; its log ends:\n{tail(log)}",
    )


def ports(wanted: Sequence[Service]) -> dict[str, tuple[str, int]]:
    """Where services listen, by name."""
    return {service.name: service.address for service in wanted if service.address}
