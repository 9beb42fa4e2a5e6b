"""Checks that the machine has what the stack needs, before anything starts."""

import os
import re
import shutil
import socket
import subprocess
from collections.abc import Mapping
from pathlib import Path

from pipeline.errors import PipelineError

JAVA_AT_LEAST = 17
FREE_DISK_GB = 2
UNPRIVILEGED = ("unshare", "--user", "--map-user=65534", "--map-group=65534")


def java() -> str:
    """The java command: that of JAVA_HOME, or the one on the PATH.

    Raises:
        PipelineError: there is none, or it is too old.
    """
    home = os.environ.get("JAVA_HOME")
    command = str(Path(home) / "bin" / "java") if home else "java"
    advice = f"install JDK {JAVA_AT_LEAST} (on Debian: apt-get install openjdk-17-jdk-headless)"
    try:
        done = subprocess.run([command, "-version"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise PipelineError(f"no Java: {command} does not run ({error}); {advice}") from None
    version = re.search(r'version "(\d+)', done.stderr)
    if not version or int(version[1]) < JAVA_AT_LEAST:
        raise PipelineError(f"{command} is too old: {done.stderr.splitlines()[0]}; {advice}")
    return command


def maven() -> str:
    """The mvn command.

    Raises:
        PipelineError: there is none.
    """
    command = shutil.which("mvn")
    if not command:
        raise PipelineError("no Maven: install it (on Debian: apt-get install maven)")
    return command


def unprivileged() -> tuple[str, ...]:
    """The prefix under which PostgreSQL, which refuses to be root, can run here.

    For root: a user namespace in which root's files belong to an ordinary user. No account is
    created and no file changes its owner.

    Raises:
        PipelineError: we are root, and the kernel or container allows no user namespace.
    """
    if os.geteuid() != 0:
        return ()
    try:
        subprocess.run([*UNPRIVILEGED, "true"], capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        raise PipelineError(
            "PostgreSQL refuses to run as root, and this machine allows root no user namespace"
            " (unshare --user): run as an ordinary user, for example"
            " useradd -m pipeline && chown -R pipeline . && su pipeline -c 'make demo'"
        ) from None
    return UNPRIVILEGED


def check_disk(folder: Path) -> None:
    """Refuses to start on a disk that is about to be full.

    Raises:
        PipelineError: less than FREE_DISK_GB is free.
    """
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    free_gb = shutil.disk_usage(existing).free / 1e9
    if free_gb < FREE_DISK_GB:
        raise PipelineError(
            f"{existing}: {free_gb:.1f} GB free, {FREE_DISK_GB} GB needed: free some space,"
            " or `make clean` to drop the stack's data"
        )


def check_ports(ports: Mapping[str, tuple[str, int]]) -> None:
    """Refuses to start when something else listens where a service should.

    Raises:
        PipelineError: that names each port in use and the service that needs it.
    """
    taken = [
        f"{host}:{port} ({name})" for name, (host, port) in ports.items() if _in_use(host, port)
    ]
    if taken:
        raise PipelineError(
            f"already in use: {', '.join(taken)}. Stop what listens there (ss -ltnp shows it),"
            " or give the service another port in targets/embedded.yaml"
        )


def _in_use(host: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return True
        return False
