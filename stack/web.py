"""The web dashboard, as a service of the stack that `make dashboard` starts."""

import shlex
import sys

import requests

from stack.layout import Layout
from stack.services import Service, address

PASSWORD = "BI_READER_PASSWORD"  # noqa: S105  # the secret's name


def services(layout: Layout) -> tuple[Service, ...]:
    """The dashboard; none if the target has no `dashboard`."""
    url = layout.target.dashboard
    if url is None:
        return ()
    # The supervisor has the password of when it was started, and the file has that of now.
    fresh = ["env", f"--unset={PASSWORD}"]
    target = str(layout.run / "target.yaml")
    command = [*fresh, sys.executable, "-m", "dashboard", "--target", target]
    return (
        Service(
            "dashboard",
            address(url),
            shlex.join(command),
            lambda: _answers(url),
        ),
    )


def _answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=5).ok
    except requests.RequestException:
        return False
