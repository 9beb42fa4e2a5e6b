"""A temporary stack on free ports, for tests and benchmarks. It is removed afterwards."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import yaml
from rich.console import Console

from pipeline.repository import target as targets
from stack import lifecycle
from stack.layout import Layout, layout_of
from stack.supervisor import Supervisor

TARGET = "target.yaml"


@contextmanager
def running(root: Path, folder: Path) -> Iterator[Layout]:
    """A healthy stack. Its target file is `folder`/target.yaml."""
    console = Console(stderr=True)
    file = folder / TARGET
    clean(root, folder)
    folder.mkdir(parents=True, exist_ok=True)
    file.write_text(yaml.safe_dump(_target(folder.name, folder / "state", free_ports(9))))
    layout = _layout(root, file)
    try:
        lifecycle.up(layout, console)
        yield layout
    finally:
        lifecycle.clean(layout, console)
        file.unlink()


def clean(root: Path, folder: Path) -> None:
    """Removes the stack that a run has left behind because it was killed, if it has."""
    file = folder / TARGET
    if file.is_file():
        lifecycle.clean(_layout(root, file), Console(stderr=True))
        file.unlink()


def _layout(root: Path, file: Path) -> Layout:
    return layout_of(root, targets.load(root, str(file)))


def _target(pipeline: str, state: Path, ports: list[int]) -> dict[str, object]:
    kafka, controller, registry, connect, postgres, gateway, cluster, airflow, web = ports
    return {
        "pipeline": pipeline,
        "kafka": f"127.0.0.1:{kafka}",
        "registry": f"http://127.0.0.1:{registry}/apis/ccompat/v7",
        "connect": f"http://127.0.0.1:{connect}",
        "airflow": f"http://127.0.0.1:{airflow}",
        "dashboard": f"http://127.0.0.1:{web}",
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
    """Ports that no program listens on."""
    with ExitStack() as held:
        probes = [held.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]


def peak_mb(layout: Layout, service: str) -> float:
    """The sum of the peak memory of a service and its child processes, in MiB."""
    process = Supervisor(layout.socket).processes()[service]
    return sum(_peak_kb(pid) for pid in _tree(process.pid)) / 1024


def _tree(pid: int) -> list[int]:
    children = _proc(f"{pid}/task/{pid}/children").split()
    return [pid, *(found for child in children for found in _tree(int(child)))]


def _peak_kb(pid: int) -> int:
    """A process's peak memory in KiB; 0 if it has ended, as the chmods that Hadoop runs do."""
    lines = _proc(f"{pid}/status").splitlines()
    return next((int(line.split()[1]) for line in lines if line.startswith("VmHWM:")), 0)


def _proc(path: str) -> str:
    try:
        return Path("/proc", path).read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""
