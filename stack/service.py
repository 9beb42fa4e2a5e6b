"""One program of the stack: its command, its environment, and its health check."""

import shlex
import socket
import sysconfig
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import requests

from pipeline import servicelog
from pipeline.paths import LIB, REPOSITORY
from stack import requirements
from stack.layout import Layout

# Flink's jars come from its Python package.
FLINK_JARS = Path(sysconfig.get_paths()["purelib"]) / "pyflink"
# As in Flink's own scripts: without these, Flink cannot serialise its job graphs on Java 17.
FLINK_OPENS = (
    "java.lang", "java.lang.reflect", "java.io", "java.net", "java.nio", "java.text", "java.time",
    "java.util", "java.util.concurrent", "java.util.concurrent.atomic",
    "java.util.concurrent.locks", "sun.nio.ch",
)  # fmt: skip
# Without shared memory for its counters, which is a file: on a busy disk, a garbage collection
# would wait until it is written.
JVM = (
    "-XX:+UseParallelGC -XX:+ExitOnOutOfMemoryError -XX:+PerfDisableSharedMem"
    " -Djava.awt.headless=true -Duser.timezone=UTC"
)


@dataclass(frozen=True)
class Service:
    """One program under the supervisor."""

    name: str
    address: tuple[str, int] | None
    command: str
    healthy: Callable[[], bool]
    stop_signal: str = "TERM"
    variables: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)
    directory: Path = REPOSITORY

    @property
    def listens_at(self) -> str:
        """Host and port for display; "" if the service does not listen."""
        return "{}:{}".format(*self.address) if self.address else ""

    @property
    def environment(self) -> str:
        """The environment in supervisord's syntax. Secrets refer to supervisord's environment."""
        secrets = {name: f"%(ENV_{source})s" for name, source in self.variables.items()}
        values = {servicelog.VARIABLE: self.name, **secrets, **self.settings}
        return ",".join(f'{name}="{value}"' for name, value in values.items())


def address(url: str) -> tuple[str, int]:
    """Host and port of a URL or of host:port."""
    parts = urlsplit(url if "//" in url else f"//{url}")
    return str(parts.hostname), int(parts.port or 80)


def native(registry: str) -> str:
    """The URL of Apicurio's own API, which its converter asks, by that of Confluent's."""
    return registry.replace("/apis/ccompat/v7", "/apis/registry/v2")


def java(layout: Layout, heap_mb: int, *args: str | Path) -> str:
    """The command of a JVM with a heap of so many MiB, which logs to its console."""
    logging = f"-Dlog4j2.configurationFile={layout.run / 'log4j2.properties'}"
    # Many JVMs on few cores: what one spends on optimizing its code, the others lack.
    quick = ["-XX:TieredStopAtLevel=1"] if layout.cluster else []
    heap = [f"-Xms{heap_mb}m", f"-Xmx{heap_mb}m"]
    jvm = [requirements.java(), *heap, *JVM.split(), *quick, logging]
    return shlex.join([*jvm, *map(str, args)])


def flink_command(layout: Layout, heap_mb: int, *args: str | Path) -> str:
    """The command of a JVM with Flink's jars and ours; `args` has options, class and arguments."""
    reporter = FLINK_JARS / "plugins" / "metrics-jmx"
    classpath = f"{LIB / 'flink'}/*:{FLINK_JARS / 'lib'}/*:{reporter}/*"
    opens = [f"--add-opens=java.base/{name}=ALL-UNNAMED" for name in FLINK_OPENS]
    options = ["-Dio.netty.tryReflectionSetAccessible=true", *opens, "-cp", classpath]
    return java(layout, heap_mb, *options, *args)


def listens(at: tuple[str, int]) -> bool:
    """Whether somebody accepts connections at host and port."""
    try:
        socket.create_connection(at, timeout=2).close()
    except OSError:
        return False
    return True


def answers(url: str, ok: tuple[int, ...] = (200,)) -> bool:
    """Whether a URL is answered, and not with an error."""
    try:
        return requests.get(url, timeout=5).status_code in ok
    except requests.RequestException:
        return False
