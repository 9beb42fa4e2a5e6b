"""Writes all declared resources to files, so that people can review them."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pipeline.errors import UsageError
from pipeline.repository import rights
from pipeline.repository.rights import Right
from pipeline.resources.desired import Desired
from pipeline.resources.table import whole_script
from pipeline.resources.topic import Topic

# Marks a folder whose files may be deleted.
MARK = ".rendered"
# The kinds of files that it writes.
ENDINGS = (".json", ".sql", ".sh", ".yaml")
MARKED = "`render.py render` writes what is in this folder, and deletes what it did not write.\n"


def write(
    desired: Desired, translated: Iterable[tuple[str, str]], needed: Iterable[Right], folder: Path
) -> list[Path]:
    """Writes one file per resource to `folder`, deletes old files there, and returns the files.

    `translated` has the names of the statements of ksql/, each with its translation for Flink;
    `needed` has the rights of the programs in Kafka.

    Raises:
        UsageError: the folder cannot be written, or has files that are not from here.
    """
    files: dict[Path, str] = {
        **{Path("topics") / f"{t.name}.json": _json(_topic(t)) for t in desired.topics},
        **{Path("schemas") / f"{s.name}.json": _json(s.schema) for s in desired.subjects},
        **{Path("connectors") / f"{c.name}.json": _json(c.config) for c in desired.connectors},
        **{Path("ksql") / f"{name.lower()}.sql": text for name, text in translated},
        Path("postgres") / "setup.sql": whole_script(desired.tables, desired.script),
        Path("kafka") / "acls.sh": rights.script(needed),
    }
    return put(files, folder)


def put(texts: Mapping[Path, str], folder: Path) -> list[Path]:
    """Writes texts by their paths below a folder, deletes old files there, and returns the files.

    Raises:
        UsageError: the folder cannot be written, or has files that are not from here.
    """
    files = {folder / path: text for path, text in texts.items()}
    try:
        _claim(folder)
        for stale in _stale(folder, files):
            stale.unlink()
        for file, content in files.items():
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(content, encoding="utf-8")
    except OSError as error:
        message = f"{error.filename} cannot be written: {error.strerror}"
        raise UsageError(message) from None
    return list(files)


def _claim(folder: Path) -> None:
    """Marks a folder as one whose files may be deleted, if it is new or empty."""
    mark = folder / MARK
    if folder.exists() and not mark.exists() and any(folder.iterdir()):
        message = (
            f"{folder} has files that `render` did not write, and it would delete some of them:"
            f" name another --output; or delete {folder}, if an older version wrote it"
        )
        raise UsageError(message)
    folder.mkdir(parents=True, exist_ok=True)
    mark.write_text(MARKED, encoding="utf-8")


def _stale(folder: Path, files: Iterable[Path]) -> list[Path]:
    kept = set(files)
    existing = [file for ending in ENDINGS for file in folder.glob(f"*/*{ending}")]
    return [file for file in existing if file not in kept]


def _json(content: Any) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def _topic(topic: Topic) -> dict[str, Any]:
    return {
        "partitions": topic.partitions,
        "replication": topic.replication,
        "config": dict(topic.config),
    }
