"""The embedded stack of a test run."""

import os
import re
import secrets as random
import subprocess
from collections.abc import Iterator
from contextlib import suppress

from pipeline.paths import REPOSITORY
from pipeline.wait import until
from stack import throwaway
from stack.layout import Layout
from stack.supervisor import Supervisor

# Of what short-lived JVMs do on two cores, half is optimizing code that they then hardly run, and a
# sixth is verifying the classes of jars that we trust.
JAVA_OPTIONS = (
    "-XX:TieredStopAtLevel=1",
    "-XX:+UnlockDiagnosticVMOptions",
    "-XX:-BytecodeVerificationRemote",
)
JAVA = {"JAVA_TOOL_OPTIONS": " ".join(JAVA_OPTIONS)}
# Each worker of a run has a stack of its own.
FOLDER = REPOSITORY / "var" / f"test{os.environ.get('PYTEST_XDIST_WORKER', '')}"
TARGET = FOLDER / throwaway.TARGET
# The cluster's: short, because its sockets' paths are, too.
CLUSTER = FOLDER.with_name(FOLDER.name.replace("test", "testcluster"))


def await_restart(layout: Layout, service: str, killed: int) -> None:
    """Waits until the supervisor has started a killed service again."""
    until(
        lambda: pid_of(layout, service),
        seconds=30,
        done=lambda pid: pid not in {0, killed},
        describe=lambda _: f"the supervisor does not start {service} again",
    )


def pid_of(layout: Layout, service: str) -> int:
    """The process of a service."""
    return Supervisor(layout.socket).processes()[service].pid


def rotate(layout: Layout, *names: str) -> dict[str, str]:
    """Gives secrets other values; returns those of before."""
    lines = layout.secrets.read_text().splitlines()
    before = dict(line.split("=", 1) for line in lines if "=" in line)
    after = {**before, **{name: random.token_urlsafe(24) for name in names}}
    layout.secrets.write_text("".join(f"{name}={value}\n" for name, value in after.items()))
    return before


def listening(layout: Layout) -> set[str]:
    """The addresses that the services of a stack listen on, and what they have started."""
    groups = {process.pid for process in Supervisor(layout.socket).processes().values()}
    shown = subprocess.run(["ss", "-ltnpH"], capture_output=True, text=True, check=True).stdout
    # An address of IPv4 that is written as one of IPv6 is the same.
    return {
        line.split()[3].replace("[::ffff:127.0.0.1]", "127.0.0.1")
        for line in shown.splitlines()
        if groups & set(_groups(line))
    }


def _groups(line: str) -> Iterator[int]:
    """The process groups that a line of ss names: a service, and what it has started."""
    for pid in re.findall(r"pid=(\d+)", line):
        # Since ss was asked, some have ended.
        with suppress(ProcessLookupError):
            yield os.getpgid(int(pid))
