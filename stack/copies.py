"""Copies folders that programs write meanwhile."""

import os
import shutil
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from pipeline.wait import until

SETTLE_S = 30


def copy(source: Path, to: Path, *, without: Collection[str] = ()) -> None:
    """Copies a folder. A file that is deleted meanwhile is left out.

    `without` has names in the folder itself whose content is left out; the folders are made.
    """

    def left_out(folder: str, names: list[str]) -> list[str]:
        place = Path(folder)
        if place == source:
            return [name for name in names if name in without and (place / name).is_file()]
        return names if place.parent == source and place.name in without else []

    shutil.copytree(source, to, ignore=left_out, copy_function=_copy_if_there, symlinks=True)


def copy_settled(source: Path, to: Path) -> None:
    """Copies a folder as it was at one moment: again, if it has changed meanwhile.

    Raises:
        DeadlineError: it has changed all the time.
    """

    def same_as_before() -> bool:
        shutil.rmtree(to, ignore_errors=True)
        before = _files(source)
        copy(source, to)
        return _files(source) == before

    until(
        same_as_before,
        seconds=SETTLE_S,
        describe=lambda _: f"{source} changes all the time",
        every=0,
    )


def size(folder: Path) -> int:
    """The bytes of all files in a folder."""
    return sum(length for length, _ in _files(folder).values())


def _files(folder: Path) -> dict[str, tuple[int, int]]:
    """Length and time of change of each file."""
    found = {}
    for path, _, names in os.walk(folder):
        for name in names:
            with suppress(FileNotFoundError):
                state = Path(path, name).lstat()
                found[str(Path(path, name))] = (state.st_size, state.st_mtime_ns)
    return found


def _copy_if_there(source: str, to: str) -> None:
    with suppress(FileNotFoundError):
        shutil.copy2(source, to)
