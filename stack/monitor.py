"""`make monitor` on embedded: kaskade, a terminal UI for Kafka, configured for this stack."""

import os
import sys
from pathlib import Path

from stack.layout import Layout

PROGRAM = Path(sys.executable).parent / "kaskade"


def watch(layout: Layout, topic: str | None) -> None:
    """Replaces this process by kaskade, for the whole cluster or for one topic's records."""
    target = layout.target
    command = [str(PROGRAM), "admin", "--bootstrap-servers", target.kafka]
    if topic:
        command[1] = "consumer"
        command += ["--topic", topic, "--earliest", "--key", "string", "--value", "registry"]
        command += ["--registry", f"url={target.registry}"]
    os.execv(command[0], command)  # noqa: S606
