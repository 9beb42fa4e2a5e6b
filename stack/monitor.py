"""`make monitor` without Kafdrop: kaskade, a terminal UI for Kafka, set up for this stack."""

import os
import sys
from pathlib import Path

from stack.layout import Layout

PROGRAM = Path(sys.executable).parent / "kaskade"


def watch(where: Layout, topic: str | None) -> None:
    """Becomes kaskade: over the cluster, or over one topic's records."""
    target = where.target
    command = [str(PROGRAM), "admin", "--bootstrap-servers", target.kafka]
    if topic:
        command[1] = "consumer"
        command += ["--topic", topic, "--earliest", "--key", "string", "--value", "registry"]
        command += ["--registry", f"url={target.registry}"]
    os.execv(command[0], command)  # noqa: S606
