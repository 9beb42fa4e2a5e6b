"""The folders of the embedded stack, all below the target's `state` folder."""

from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import UsageError
from pipeline.repository.target import Target
from stack.cluster.ports import Ports

TEMPLATES = Path(__file__).parent / "templates"
POM = Path(__file__).parent / "pom.xml"
# struct sockaddr_un holds 108 bytes; Linux refuses a longer path.
MAX_SOCKET_PATH = 107


@dataclass(frozen=True)
class Layout:
    """The folders of one stack: of a target of the repository at `root`."""

    root: Path
    target: Target
    state: Path

    @property
    def data(self) -> Path:
        """What the services store. `make down` keeps it."""
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
    def tls(self) -> Path:
        """Certificates of a cluster."""
        return self.state / "tls"

    @property
    def cluster(self) -> Ports | None:
        """The ports of a cluster; None if there is one broker."""
        embedded = self.target.embedded
        return Ports(embedded.cluster_port) if embedded and embedded.cluster_port else None

    @property
    def secrets(self) -> Path:
        """Generated passwords, mode 600.

        Raises:
            UsageError: the target has its passwords in the environment.
        """
        if self.target.secrets is None:
            raise UsageError(f"{self.target.pipeline}: this target has no `secrets` file")
        return self.root / self.target.secrets

    @property
    def socket(self) -> Path:
        """Where supervisord listens."""
        return self.run / "supervisor.sock"


def layout_of(root: Path, target: Target) -> Layout:
    """The folders of a target. They need not exist yet.

    Raises:
        UsageError: the path is too long for a socket.
    """
    layout = Layout(root, target, (root / target.state).resolve())
    if len(str(layout.socket)) > MAX_SOCKET_PATH:
        raise UsageError(
            f"{layout.socket}: the path is longer than a Unix socket allows"
            f" ({MAX_SOCKET_PATH} characters): move the repository to a shorter path"
        )
    return layout
