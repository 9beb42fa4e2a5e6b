"""Where what runs from this repository keeps its data."""

from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import UsageError
from pipeline.repository.target import Target

TEMPLATES = Path(__file__).parent / "templates"
POM = Path(__file__).parent / "pom.xml"
# struct sockaddr_un holds 108 bytes; Linux refuses a longer path.
MAX_SOCKET_PATH = 107


@dataclass(frozen=True)
class Layout:
    """The folders of one instance of the stack."""

    root: Path
    target: Target
    state: Path

    @property
    def data(self) -> Path:
        """What the services store. Survives `make down`."""
        return self.state / "data"

    @property
    def logs(self) -> Path:
        """One file per service."""
        return self.state / "logs"

    @property
    def run(self) -> Path:
        """Rendered configuration, sockets and pid files."""
        return self.state / "run"

    @property
    def secrets(self) -> Path:
        """Generated passwords, mode 600.

        Raises:
            UsageError: the target has them in the environment.
        """
        if self.target.secrets is None:
            raise UsageError(f"{self.target.pipeline}: this target has no file of `secrets`")
        return self.root / self.target.secrets

    @property
    def socket(self) -> Path:
        """Where supervisord listens."""
        return self.run / "supervisor.sock"


def layout(root: Path, target: Target) -> Layout:
    """The layout of `target`.

    Raises:
        UsageError: its path is too long for a socket.
    """
    found = Layout(root, target, (root / target.state).resolve())
    if len(str(found.socket)) > MAX_SOCKET_PATH:
        raise UsageError(
            f"{found.socket}: the path is longer than a Unix socket allows"
            f" ({MAX_SOCKET_PATH} characters): keep the repository in a shorter path"
        )
    return found
