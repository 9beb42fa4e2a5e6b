"""Files of KEY=value lines."""

import re
from io import StringIO
from pathlib import Path

from dotenv.parser import Binding, parse_stream

from pipeline import textfile
from pipeline.errors import Mistake, SpecError

NAME = re.compile(r"[A-Za-z_]\w*")


def read(path: Path) -> dict[str, str]:
    """The variables of a file. `$` has no special meaning.

    Raises:
        SpecError: the file cannot be read, or a line is something else.
    """
    lines = list(parse_stream(StringIO(textfile.read(path))))
    mistakes = tuple(
        Mistake(path, _line(line), "", "is no KEY=value: a name, `=`, and the value")
        for line in lines
        if line.error or (line.key is not None and not _is_variable(line))
    )
    if mistakes:
        raise SpecError(mistakes)
    return {line.key: line.value or "" for line in lines if line.key is not None}


def _line(binding: Binding) -> int:
    """Where it stands: the blank lines before it are part of it."""
    text = binding.original.string
    return binding.original.line + text[: len(text) - len(text.lstrip())].count("\n")


def _is_variable(line: Binding) -> bool:
    return line.value is not None and bool(NAME.fullmatch(line.key or ""))
