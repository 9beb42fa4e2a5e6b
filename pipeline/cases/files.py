"""Files of cases, checked against the repository."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from pydantic import Field

from pipeline.errors import Mistake, SpecError
from pipeline.repository import yamlfile
from pipeline.schemas import Schema, field_names
from pipeline.sql.flink.tables import avro_type
from pipeline.suggest import unknown

FOLDERS = ("ksql/cases", "spark/cases")
# What a record says of itself; everything else is a field of its value.
KEY, DELETED, RAW = "_key", "_deleted", "_raw"
Row = dict[str, Any]


class CaseSpec(yamlfile.Model):
    """One case: records by topic, and the rows that another topic has afterwards."""

    given: dict[str, list[Row]] = Field(
        min_length=1,
        description="Records by topic, in order. A field that is left out is null. `_key` is the"
        " record's key, if it is not the id in the value; `_deleted: true` a record without a"
        " value; `_raw: text` one that is no Avro.",
    )
    expect: dict[str, list[Row]] = Field(
        min_length=1,
        description="All rows of a topic: of a table's, the newest by key; of a stream's, every"
        " record, `_deleted: true` where it has no value. Only the columns that are stated are"
        " compared.",
    )


class CasesFile(yamlfile.Model):
    """Cases by what they show."""

    cases: dict[str, CaseSpec] = Field(min_length=1)


@dataclass(frozen=True)
class Case:
    """A case of a file."""

    file: Path
    name: str
    given: Mapping[str, tuple[Row, ...]]
    expect: Mapping[str, tuple[Row, ...]]

    @property
    def line(self) -> int | None:
        """Where it stands."""
        return yamlfile.line_of(self.file, f"cases.{self.name}")

    def mistake(self, part: str, message: str) -> Mistake:
        """A mistake at a part of the case, a dotted key."""
        key = f"cases.{self.name}.{part}"
        return Mistake(self.file, yamlfile.line_of(self.file, key) or self.line, part, message)


def find(root: Path, files: Iterable[Path]) -> tuple[Path, ...]:
    """The files, or all of the repository's if none is given."""
    given = tuple(files)
    if given:
        return given
    return tuple(file for folder in FOLDERS for file in sorted((root / folder).glob("*.yaml")))


def load(file: Path) -> tuple[Case, ...]:
    """The cases of a file.

    Raises:
        SpecError: it has mistakes.
    """
    found: CasesFile = yamlfile.load(file, CasesFile)
    return tuple(
        Case(file, name, _frozen(case.given), _frozen(case.expect))
        for name, case in found.cases.items()
    )


def _frozen(rows: Mapping[str, list[Row]]) -> dict[str, tuple[Row, ...]]:
    return {topic: tuple(found) for topic, found in rows.items()}


def check(case: Case, schemas: Mapping[str, Schema]) -> Iterator[Mistake]:
    """Topics and columns that the repository does not have."""
    for part, topics in (("given", case.given), ("expect", case.expect)):
        for topic, rows in topics.items():
            if topic not in schemas:
                yield case.mistake(f"{part}.{topic}", unknown("topic", topic, schemas))
                continue
            known = {name.lower() for name in field_names(schemas[topic])}
            special = {KEY, DELETED, RAW} if part == "given" else {DELETED}
            for index, row in enumerate(rows):
                for column in row:
                    if column.lower() not in known | special:
                        key = f"{part}.{topic}.{index}.{column}"
                        yield case.mistake(key, unknown("column", column, known))


def messages(
    case: Case, topic: str, schema: Schema, key: str, encode: Callable[[Row], bytes]
) -> Iterator[tuple[bytes | None, bytes | None]]:
    """A topic's records as keys and values; `key` is the field that holds the key.

    Raises:
        SpecError: a record does not fit the topic's schema.
    """
    for index, row in enumerate(case.given[topic]):
        named = row.get(KEY, row.get(key))
        key_bytes = None if named is None else str(named).encode()
        if row.get(DELETED):
            yield key_bytes, None
        elif RAW in row:
            yield key_bytes, str(row[RAW]).encode()
        else:
            try:
                yield key_bytes, encode(_value(row, schema))
            except ValueError as error:
                raise SpecError((case.mistake(f"given.{topic}.{index}", str(error)),)) from None


def _value(row: Row, schema: Schema) -> Row:
    return {
        field["name"]: _exact(row.get(field["name"]), avro_type(field["type"]))
        for field in schema["fields"]
    }


def _exact(value: Any, type_: str) -> Any:
    """YAML has no decimal numbers, only text and floating ones."""
    is_decimal = type_.startswith("DECIMAL(") and value is not None
    return Decimal(str(value)) if is_decimal else value
