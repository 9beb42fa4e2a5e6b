"""A temporary stack on free ports, for tests and benchmarks. It is removed afterwards."""

import re
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from zlib import crc32

import yaml
from rich.console import Console

from pipeline.repository import target as targets
from stack import exporters, lifecycle, requirements
from stack.cluster.ports import COUNT
from stack.layout import Layout, layout_of
from stack.supervisor import Supervisor

TARGET = "target.yaml"
# Below those that Linux gives to clients (ip_local_port_range).
FIRST_PORT, LAST_PORT = 10_000, 32_000
# A cluster has about 50.
APART = 100
# The ports in targets/cluster.yaml, and no other number of its text.
PORT = re.compile(r"(?<=127\.0\.0\.1:)\d+|(?<=port: )1\d{4}")


@contextmanager
def running(root: Path, folder: Path, *, cluster: bool = False) -> Iterator[Layout]:
    """A healthy stack, or a cluster. Its target file is `folder`/target.yaml."""
    console = Console(stderr=True)
    file = folder / TARGET
    clean(root, folder)
    folder.mkdir(parents=True, exist_ok=True)
    made = _cluster(root, folder) if cluster else _target(folder)
    file.write_text(yaml.safe_dump(made, sort_keys=False))
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


def _cluster(root: Path, folder: Path) -> dict[str, object]:
    """targets/cluster.yaml with other ports and another folder."""
    text = (root / "targets" / "cluster.yaml").read_text()
    ports = sorted(set(PORT.findall(text)))
    unused = _unused(folder)
    new = {port: str(_in_a_row(unused, 1)) for port in ports}
    text = PORT.sub(lambda found: new[found.group()], text)
    text = text.replace("var/cluster", str(folder / "state"))
    made: dict[str, object] = yaml.safe_load(text)
    first = _in_a_row(unused, COUNT)
    own = {"embedded": {"cluster_port": first}, "metrics": _metrics(unused)}
    return {**made, "pipeline": folder.name, **own}


def _unused(folder: Path) -> Iterator[int]:
    """Ports that no program listens on, from one on that depends on the folder.

    None is of those that the system gives to clients: a service that is started later would find
    it taken. Two stacks that start side by side look in different places.
    """
    first = FIRST_PORT + crc32(str(folder).encode()) % ((LAST_PORT - FIRST_PORT) // APART) * APART
    return (p for p in range(first, LAST_PORT) if not requirements.in_use("127.0.0.1", p))


def _in_a_row(unused: Iterator[int], count: int) -> int:
    """The first of so many ports, one after the other."""
    found = [next(unused)]
    while len(found) < count:
        port = next(unused)
        found = [*found, port] if port == found[-1] + 1 else [port]
    return found[0]


def _target(folder: Path) -> dict[str, object]:
    state = folder / "state"
    unused = _unused(folder)
    kafka, controller, registry, connect, postgres, gateway, cluster, airflow, web = (
        _in_a_row(unused, 1) for _ in range(9)
    )
    return {
        "pipeline": folder.name,
        "kafka": f"127.0.0.1:{kafka}",
        "registry": f"http://127.0.0.1:{registry}/apis/ccompat/v7",
        "connect": f"http://127.0.0.1:{connect}",
        "airflow": f"http://127.0.0.1:{airflow}",
        "dashboard": f"http://127.0.0.1:{web}",
        "metrics": _metrics(unused),
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


def _metrics(unused: Iterator[int]) -> dict[str, object]:
    return {
        "prometheus": f"http://127.0.0.1:{_in_a_row(unused, 1)}",
        "alertmanager": f"http://127.0.0.1:{_in_a_row(unused, 1)}",
        "exporters_port": _in_a_row(unused, exporters.COUNT),
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
