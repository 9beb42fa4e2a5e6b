"""Checks that the machine has what the stack needs, before anything starts."""

import os
import re
import shutil
import socket
import subprocess
from collections.abc import Mapping
from pathlib import Path

from pipeline.errors import PipelineError
from pipeline.paths import LIB

JAVA_AT_LEAST = 17
FREE_DISK_GB = 2
UNPRIVILEGED = ("unshare", "--user", "--map-user=65534", "--map-group=65534")


def java() -> str:
    """The java command of JAVA_HOME, or else of the PATH.

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


def postgres_version() -> str:
    """The major version of the stack's PostgreSQL, such as 17."""
    program = LIB / "postgres" / "bin" / "postgres"
    done = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    return done.stdout.split()[-1].split(".")[0]


def maven() -> str:
    """The mvn command.

    Raises:
        PipelineError: there is none.
    """
    command = shutil.which("mvn")
    if not command:
        raise PipelineError("no Maven: install it (on Debian: apt-get install maven)")
    return command


def nginx() -> str:
    """The nginx command.

    Raises:
        PipelineError: there is none.
    """
    # Debian has it where only root's PATH looks.
    command = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if not command:
        raise PipelineError(
            "no nginx, which stands before the cluster's services: install it (on Debian:"
            " apt-get install nginx-light; systemctl disable --now nginx)"
        )
    return command


def unprivileged() -> tuple[str, ...]:
    """The command prefix that PostgreSQL needs, because it refuses to run as root.

    Empty for an ordinary user. For root, it starts a user namespace in which root's files belong to
    an ordinary user. No account is created and no file changes its owner.

    Raises:
        PipelineError: the user is root, and the kernel or container allows no user namespace.
    """
    if os.geteuid() != 0:
        return ()
    try:
        subprocess.run([*UNPRIVILEGED, "true"], capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        raise PipelineError(
            "PostgreSQL refuses to run as root, and root cannot create a user namespace here"
            " (unshare --user): run as an ordinary user, for example"
            " useradd -m pipeline && chown -R pipeline . && su pipeline -c 'make demo'"
        ) from None
    return UNPRIVILEGED


def check_disk(folder: Path, more: int = 0) -> None:
    """Checks that the disk of a folder has enough free space: for so many bytes more than usual.

    Raises:
        PipelineError: less than FREE_DISK_GB, and these, is free.
    """
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    free_gb = shutil.disk_usage(existing).free / 1e9
    needed_gb = FREE_DISK_GB + more / 1e9
    if free_gb < needed_gb:
        raise PipelineError(
            f"{existing}: {free_gb:.1f} GB free, {needed_gb:.3g} GB needed: free some space,"
            " or remove the stack's data with `make clean`"
        )


def check_ports(ports: Mapping[str, tuple[str, int]]) -> None:
    """Checks that no other program listens on the services' ports.

    Raises:
        PipelineError: ports are in use; the message has each of them and the service that needs it.
    """
    taken = [
        f"{host}:{port} ({name})" for name, (host, port) in ports.items() if in_use(host, port)
    ]
    if taken:
        raise PipelineError(
            f"already in use: {', '.join(taken)}. Stop the program that listens there"
            " (ss -ltnp shows it), or give the service another port in targets/embedded.yaml"
        )


def in_use(host: str, port: int) -> bool:
    """Whether a program listens at host and port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return True
        return False
