"""Fetches the stack's pinned jars and PostgreSQL's binaries into build/stack."""

import hashlib
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import Any

from rich.console import Console

from pipeline.errors import PipelineError
from pipeline.paths import LIB, REPOSITORY
from stack import requirements
from stack.layout import POM

STAMP = LIB / "installed.sha256"
LOG = LIB.parent / "maven.log"


def install(console: Console) -> None:
    """Builds stack/pom.xml into build/stack, unless that was built from the same sources.

    Raises:
        PipelineError: Maven failed; the message has the end of its output.
    """
    wanted = _digest()
    if STAMP.is_file() and STAMP.read_text() == wanted:
        return
    requirements.java()
    # Start from an empty folder, so that no older version of a jar stays in a class path.
    shutil.rmtree(LIB, ignore_errors=True)
    LIB.mkdir(parents=True)
    with console.status(
        "fetching Kafka, Connect, registry, Flink, Spark and PostgreSQL (a minute or so)"
    ):
        _maven()
        _unpack_postgres()
    STAMP.write_text(wanted)
    console.print("[green]✓[/] the stack's jars and binaries are in build/stack")


def _sources() -> list[Path]:
    poms = [POM, *POM.parent.glob("*/pom.xml"), REPOSITORY / "datagen" / "pom.xml"]
    folders = [REPOSITORY / "datagen" / "src", *POM.parent.glob("*/src")]
    code = [file for folder in folders for file in folder.rglob("*") if file.is_file()]
    return sorted([*poms, *code])


def _digest() -> str:
    # The resolved path: `build` can be a link.
    digest = hashlib.sha256(str(LIB.resolve()).encode())
    for file in _sources():
        digest.update(file.read_bytes())
    return digest.hexdigest()


def _maven() -> None:
    command = [requirements.maven(), "-B", "-ntp", "-f", str(POM), f"-Dstack.lib={LIB}"]
    command += ["-Dmaven.test.skip=true", "package"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    LOG.write_text(done.stdout + done.stderr)
    if done.returncode != 0:
        errors = [line for line in done.stdout.splitlines() if line.startswith("[ERROR]")]
        raise PipelineError(
            "Maven failed; its whole output is in build/maven.log:\n" + "\n".join(errors[:8])
        )


def _unpack_postgres() -> None:
    folder = LIB / "postgres"
    # Debian 12's Python, 3.11.2, has no filters yet.
    safely: dict[str, Any] = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
    for archive in folder.glob("*.txz"):
        with tarfile.open(archive) as tar:
            tar.extractall(folder, **safely)  # noqa: S202 - a pinned archive
