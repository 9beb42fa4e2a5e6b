"""A client of supervisord, which starts the services and restarts them if they exit."""

import os
import signal
import subprocess
import sys
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xmlrpc.client import Fault, ServerProxy

from supervisor.xmlrpc import Faults, SupervisorTransport

from pipeline.errors import PipelineError
from pipeline.report import redact
from pipeline.wait import until

ALIVE = {"STARTING", "RUNNING"}


@dataclass(frozen=True)
class Process:
    """The state of one program under supervisord."""

    name: str
    state: str
    pid: int
    uptime_s: int

    @property
    def alive(self) -> bool:
        """Whether the program starts or runs. False between two attempts to start it (BACKOFF)."""
        return self.state in ALIVE


class Supervisor:
    """A client of the supervisord that listens on `socket`."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket

    def _call(self, method: str, *args: Any) -> Any:
        # A new connection per call: an open one breaks when supervisord restarts.
        transport = SupervisorTransport(None, None, f"unix://{self._socket}")
        proxy = ServerProxy("http://localhost", transport=transport)
        try:
            return getattr(proxy.supervisor, method)(*args)
        finally:
            transport.close()

    def running(self) -> bool:
        """Whether a supervisord answers."""
        try:
            return bool(self._call("getState")["statename"] == "RUNNING")
        except (OSError, Fault):
            return False

    def launch(self, config: Path, log: Path, secrets: Mapping[str, str]) -> None:
        """Starts supervisord as a daemon, with the secrets in its environment.

        Raises:
            PipelineError: it did not come up; the message has the end of its output.
        """
        command = [sys.executable, "-m", "supervisor.supervisord", "-c", str(config)]
        done = subprocess.run(
            command, env={**os.environ, **secrets}, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            # supervisord quotes values of its environment that it cannot parse.
            output = redact((done.stderr or done.stdout).strip(), secrets.values())
            raise PipelineError(f"supervisord does not start: {output}")
        until(
            self.running,
            seconds=10,
            describe=lambda _: f"supervisord does not answer; its log ends:\n{tail(log)}",
        )

    def environment(self) -> dict[str, str]:
        """The environment that it was started with, and its programs."""
        text = Path(f"/proc/{self._call('getPID')}/environ").read_bytes().decode()
        pairs = (line.partition("=") for line in text.split("\0") if line)
        return {name: value for name, _, value in pairs}

    def start(self, name: str) -> None:
        """Starts a program, or does nothing if it runs."""
        try:
            self._call("startProcess", name, False)
        except Fault as fault:
            if fault.faultCode == Faults.BAD_NAME:
                raise PipelineError(
                    f"the running stack has no program {name}: make down, then make up"
                ) from None
            if fault.faultCode != Faults.ALREADY_STARTED:
                raise PipelineError(f"{name}: {fault.faultString}") from None

    def stop(self, name: str) -> None:
        """Stops a program and waits until it is gone, or does nothing if it does not run."""
        try:
            self._call("stopProcess", name, True)
        except Fault as fault:
            # A stack that an older version started may not have the program.
            if fault.faultCode not in {Faults.NOT_RUNNING, Faults.BAD_NAME}:
                raise PipelineError(f"{name}: {fault.faultString}") from None

    def shutdown(self) -> None:
        """Stops supervisord. Stop the programs first, in the right order."""
        pid = self._call("getPID")
        self._call("shutdown")
        self._await_end(pid)

    def _await_end(self, pid: int) -> None:
        until(
            lambda: not Path(f"/proc/{pid}").exists(),
            seconds=60,
            describe=lambda _: f"supervisord (pid {pid}) does not stop",
        )

    def end(self, gently: Collection[str]) -> None:
        """Ends supervisord and its programs at once, and all but some of them without notice."""
        pids = [p.pid for p in self.processes().values() if p.pid and p.name not in gently]
        pid = self._call("getPID")
        # First: it starts nothing again while it shuts down.
        self._call("shutdown")
        for one in pids:
            with suppress(ProcessLookupError):
                os.killpg(one, signal.SIGKILL)
        self._await_end(pid)

    def processes(self) -> dict[str, Process]:
        """Every program by name."""
        return {
            info["name"]: Process(
                name=info["name"],
                state=info["statename"],
                pid=info["pid"],
                uptime_s=max(0, info["now"] - info["start"]) if info["pid"] else 0,
            )
            for info in self._call("getAllProcessInfo")
        }


def tail(log: Path, lines: int = 15) -> str:
    """The last lines of a log."""
    if not log.is_file():
        return f"({log} does not exist)"
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
