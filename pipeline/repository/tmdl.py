"""Reads which views and columns the tables of the Power BI model in powerbi/ read.

TMDL is Microsoft's text form of a model. Each table is a file of its own.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pipeline import textfile

FOLDER = Path("powerbi")
SOURCE = re.compile(r'\[Schema = "(?P<schema>\w+)", Item = "(?P<view>\w+)"\]')
COLUMN = re.compile(r"^\s*sourceColumn: (?P<column>\w+)\s*$")


@dataclass(frozen=True)
class Table:
    """A table of the model: the view that it reads, at a line of its file, and columns by line."""

    file: Path
    schema: str
    view: str
    line: int
    columns: Mapping[str, int]


def tables(root: Path) -> Iterator[Table]:
    """The tables that read a view of PostgreSQL; none if there is no powerbi/."""
    for file in sorted((root / FOLDER).glob("*.SemanticModel/definition/tables/*.tmdl")):
        lines = list(enumerate(textfile.read(file).splitlines(), start=1))
        columns = {m["column"]: number for number, text in lines if (m := COLUMN.match(text))}
        for number, text in lines:
            source = SOURCE.search(text)
            if source:
                yield Table(file, source["schema"], source["view"], number, columns)
