"""`make monitor` on embedded: kaskade, a terminal UI for Kafka, configured for this stack."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from pipeline.repository.connections import resolved
from stack.layout import Layout

PROGRAM = Path(sys.executable).parent / "kaskade"


def watch(layout: Layout, topic: str | None) -> None:
    """Replaces this process by kaskade, for the whole cluster or for one topic's records."""
    target = layout.target
    registry = target.registry.model_dump(by_alias=True, exclude_none=True)
    file = _in_memory(
        {"kafka": resolved(target.kafka_of("monitor")), "registry": resolved(registry)}
    )
    command = [str(PROGRAM), "admin", "--config-file", file]
    if topic:
        command[1] = "consumer"
        command += ["--topic", topic, "--earliest", "--key", "string", "--value", "registry"]
    os.execv(command[0], command)  # noqa: S606


def _in_memory(sections: Mapping[str, Mapping[str, str]]) -> str:
    """An INI file that only this process and what replaces it can read: it has passwords."""
    handle = os.memfd_create("kaskade.ini", 0)
    os.set_inheritable(handle, True)  # noqa: FBT003 - it takes no keyword
    lines = [
        line
        for section, values in sections.items()
        for line in (f"[{section}]", *(f"{key}={value}" for key, value in values.items()))
    ]
    Path(f"/proc/self/fd/{handle}").write_text("\n".join(lines) + "\n")
    return f"/proc/self/fd/{handle}"
