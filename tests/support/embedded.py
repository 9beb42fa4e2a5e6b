"""The embedded stack of a test run."""

import os
import secrets as random

from pipeline.paths import REPOSITORY
from pipeline.wait import until
from stack import throwaway
from stack.layout import Layout
from stack.supervisor import Supervisor

# Half of what short-lived JVMs do on two cores is optimizing code that they then hardly run.
JAVA = {"JAVA_TOOL_OPTIONS": "-XX:TieredStopAtLevel=1"}
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
