"""The embedded stack of a test run: real services on free ports, removed at the end."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import yaml
from rich.console import Console

from pipeline.paths import REPOSITORY
from pipeline.repository import target as targets
from pipeline.wait import until
from stack import lifecycle
from stack.layout import Layout, layout_of
from stack.supervisor import Supervisor

FOLDER = REPOSITORY / "var" / "test"
TARGET = FOLDER / "target.yaml"


@contextmanager
def running_stack() -> Iterator[Layout]:
    """Starts the stack and waits until it is healthy; removes all of it at the end."""
    console = Console(stderr=True)
    if TARGET.is_file():
        # A run that was killed has left it behind.
        lifecycle.clean(_layout(), console)
    FOLDER.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(yaml.safe_dump(_target(free_ports(8))))
    layout = _layout()
    try:
        lifecycle.up(layout, console)
        yield layout
    finally:
        lifecycle.clean(layout, console)
        TARGET.unlink()


def _layout() -> Layout:
    return layout_of(REPOSITORY, targets.load(REPOSITORY, str(TARGET)))


def _target(ports: list[int]) -> dict[str, object]:
    kafka, controller, registry, connect, postgres, gateway, cluster, airflow = ports
    state = FOLDER / "state"
    return {
        "pipeline": "test",
        "kafka": f"127.0.0.1:{kafka}",
        "registry": f"http://127.0.0.1:{registry}/apis/ccompat/v7",
        "connect": f"http://127.0.0.1:{connect}",
        "airflow": f"http://127.0.0.1:{airflow}",
        "flink": {
            "gateway": f"http://127.0.0.1:{gateway}",
            "cluster": f"http://127.0.0.1:{cluster}",
        },
        "postgres": {
            "host": "127.0.0.1",
            "port": postgres,
            "database": "healthcare_pipeline_db",
        },
        "secrets": str(state / "secrets.env"),
        "state": str(state),
        "embedded": {"controller_port": controller},
    }


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on."""
    with ExitStack() as held:
        probes = [held.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]


def await_restart(layout: Layout, service: str, killed: int) -> None:
    """Waits until the supervisor has started a killed service again."""
    until(
        lambda: pid_of(layout, service),
        seconds=30,
        done=lambda pid: pid not in {0, killed},
        describe=lambda _: f"the supervisor does not start {service} again",
    )


def peak_mb(layout: Layout, service: str) -> float:
    """The most memory that a service and its children held, each at its own time."""
    return sum(_peak_kb(pid) for pid in _tree(pid_of(layout, service))) / 1024


def _tree(pid: int) -> list[int]:
    children = _proc(f"{pid}/task/{pid}/children").split()
    return [pid, *(descendant for child in children for descendant in _tree(int(child)))]


def _peak_kb(pid: int) -> int:
    """0 for one that has ended: Hadoop runs a chmod now and then."""
    lines = _proc(f"{pid}/status").splitlines()
    return next((int(line.split()[1]) for line in lines if line.startswith("VmHWM:")), 0)


def _proc(path: str) -> str:
    try:
        return Path("/proc", path).read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def pid_of(layout: Layout, service: str) -> int:
    """The process of a service."""
    return Supervisor(layout.socket).processes()[service].pid
