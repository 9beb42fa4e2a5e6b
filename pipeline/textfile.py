"""Reads text files. Whatever else has the name of one becomes a mistake, and never a surprise."""

import os
import re
import stat
from collections.abc import Container
from pathlib import Path

from pipeline.errors import Mistake, SpecError

# Far more than a person writes. Readers take seconds for the double of it.
LARGEST = 1_000_000
# YAML, JSON and SQL have no use for them, and PostgreSQL ends a text at the first NUL.
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
# What editors leave beside a file.
LEFT_BY_EDITORS = re.compile(r"^[.#]|~$|\.(swp|swo|bak)$")
NOTES = ".md"


def exists(path: Path) -> bool:
    """Whether anything has this name, a link to nothing as well."""
    return os.path.lexists(path)


def read(path: Path, largest: int = LARGEST) -> str:
    """The text of a file.

    Raises:
        SpecError: it is no regular file, is too large, is not in UTF-8, or has control characters.
    """
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise _mistake(path, f"is {_kind(found.st_mode)}: a file of text is expected here")
        if found.st_size > largest:
            raise _mistake(path, f"is larger than {largest // 1000} kB: make it several files")
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = path.read_bytes().count(b"\n", 0, error.start) + 1
        message = f"byte {error.start + 1} is not UTF-8: save the file as UTF-8"
        raise _mistake(path, message, line) from None
    except OSError as error:
        link = ", a link to what does not exist" if path.is_symlink() else ""
        raise _mistake(path, f"cannot be read: {error.strerror}{link}") from None
    except ValueError as error:
        raise _mistake(path, f"cannot be read: {error}") from None
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    control = CONTROL.search(text)
    if control:
        line = text.count("\n", 0, control.start()) + 1
        message = f"has the control character U+{ord(control.group()):04X}: delete it"
        raise _mistake(path, message, line)
    return text


def listed(
    folder: Path, suffix: str, others: Container[str] = ()
) -> tuple[list[Path], list[Mistake]]:
    """The files of a folder with a suffix, in order, and a mistake for all that is never read.

    `others` has the names of further things that belong there. A folder that does not exist is
    empty.
    """
    if exists(folder) and not folder.is_dir():
        return [], [Mistake(folder, None, "", "is no folder")]
    paths = [path for path in entries(folder) if path.name not in others]
    files = [path for path in paths if path.name.endswith(suffix)]
    return files, [_unread(path, suffix) for path in paths if not path.name.endswith(suffix)]


def entries(folder: Path) -> list[Path]:
    """What is in a folder, without notes for people and what editors leave there."""
    return [
        path
        for path in (sorted(folder.iterdir()) if folder.is_dir() else ())
        if path.suffix != NOTES and not LEFT_BY_EDITORS.search(path.name)
    ]


def _unread(path: Path, suffix: str) -> Mistake:
    if path.is_dir():
        message = f"is not read, nor what is in it: put its files into {path.parent}/"
    else:
        name = path.name.split(".", maxsplit=1)[0]
        message = f"is not read: call it {name}{suffix}, or move it away"
    return Mistake(path, None, "", message)


def _mistake(path: Path, message: str, line: int | None = None) -> SpecError:
    return SpecError((Mistake(path, line, "", message),))


def _kind(mode: int) -> str:
    kinds = {
        stat.S_IFDIR: "a folder",
        stat.S_IFIFO: "a pipe",
        stat.S_IFCHR: "a device",
        stat.S_IFBLK: "a device",
        stat.S_IFSOCK: "a socket",
    }
    return kinds.get(stat.S_IFMT(mode), "no regular file")
