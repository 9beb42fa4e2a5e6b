"""Looks for identifiers in files: what is stored, whoever has written it."""

import os
import re
import subprocess
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.errors import PipelineError
from pipeline.paths import LIB

CHUNK = 1 << 24
# No identifier is longer.
OVERLAP = 256
SEGMENT = ".log"
AT_A_TIME = 500
TOOL = "org.apache.kafka.tools.DumpLogSegments"


@dataclass
class Scan:
    """What was looked through, by part of the stack's folder; and the files with a finding.

    `failed` is why not all was looked through, or "".
    """

    files: Counter[str] = field(default_factory=Counter)
    size: Counter[str] = field(default_factory=Counter)
    found: set[Path] = field(default_factory=set)
    failed: str = ""

    @property
    def left(self) -> str:
        """What is wrong, in lines; "" if nothing was found."""
        files = "\n".join(sorted(map(str, self.found)))
        said = f"identifiers are left in:\n{files}" if files else ""
        return "\n".join(filter(None, (said, self.failed)))


def scan(folder: Path, pattern: re.Pattern[bytes], without: Path) -> Scan:
    """Looks through every file of a stack, but for one.

    Kafka's segments may be compressed: they are read with Kafka's own DumpLogSegments.
    """
    result = Scan()
    segments = []
    for path in _files(folder):
        if path == without:
            continue
        parts = path.relative_to(folder).parts
        part = "/".join(parts[: 2 if parts[0] == "data" else 1])
        with suppress(FileNotFoundError):
            result.size[part] += path.stat().st_size
            result.files[part] += 1
            if path.suffix == SEGMENT and (path.parent / "partition.metadata").is_file():
                segments.append(path)
            elif has(path, pattern):
                result.found.add(path)
    try:
        # A command line is no longer than 128 KiB.
        for first in range(0, len(segments), AT_A_TIME):
            result.found |= _in_records(segments[first : first + AT_A_TIME], pattern)
    except PipelineError as error:
        result.failed = str(error)
    return result


def has(path: Path, pattern: re.Pattern[bytes]) -> bool:
    """Whether a file has a match, or any file of a folder."""
    if path.is_dir():
        return any(has(inner, pattern) for inner in _files(path))
    end = b""
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            if pattern.search(end + chunk):
                return True
            end = chunk[-OVERLAP:]
    return False


def _files(folder: Path) -> Iterator[Path]:
    for path, _, names in os.walk(folder):
        for name in names:
            found = Path(path, name)
            if found.is_file() and not found.is_symlink():
                yield found


def _in_records(segments: Iterable[Path], pattern: re.Pattern[bytes]) -> set[Path]:
    home = os.environ.get("JAVA_HOME")
    java = str(Path(home) / "bin" / "java") if home else "java"
    tool = [java, "-Xmx256m", "-cp", f"{LIB / 'kafka'}/*", TOOL]
    options = [
        "--print-data-log",
        "--skip-record-metadata",
        "--files",
        ",".join(map(str, segments)),
    ]
    found: set[Path] = set()
    at = Path()
    with subprocess.Popen(
        [*tool, *options], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as running:
        for line in running.stdout or ():
            if line.startswith(b"Dumping "):
                at = Path(line.removeprefix(b"Dumping ").strip().decode())
            elif pattern.search(line):
                found.add(at)
    if running.returncode:
        # Such as for a segment that is deleted meanwhile.
        raise PipelineError(f"Kafka's DumpLogSegments failed with exit code {running.returncode}")
    return found
