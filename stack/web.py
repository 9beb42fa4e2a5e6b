"""The web dashboard, as a service of the stack that `make dashboard` starts."""

import shlex
import sys

from pipeline.clients.postgres import ROLE_PASSWORDS
from stack.layout import Layout
from stack.service import Service, address, answers


def services(layout: Layout) -> tuple[Service, ...]:
    """The dashboard; none if the target has no `dashboard`."""
    url = layout.target.dashboard
    if url is None:
        return ()
    # The supervisor has the password of when it was started, and the file has that of now.
    fresh = ["env", f"--unset={ROLE_PASSWORDS['bi_reader']}"]
    target = str(layout.run / "target.yaml")
    command = [*fresh, sys.executable, "-m", "dashboard", "--target", target]
    return (
        Service(
            "dashboard",
            address(url),
            shlex.join(command),
            lambda: answers(url),
        ),
    )
