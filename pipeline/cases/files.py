"""Reads files of test cases, and checks them against the repository."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from pydantic import Field

from pipeline import textfile
from pipeline.errors import Mistake, SpecError
from pipeline.repository import yamlfile
from pipeline.schemas import Schema, field_names
from pipeline.sql.flink.tables import avro_type
from pipeline.suggest import unknown

FOLDERS = ("ksql/cases", "spark/cases")
# Keys of a row that are not fields of the record's value.
KEY, DELETED, RAW = "_key", "_deleted", "_raw"
Row = dict[str, Any]


class CaseSpec(yamlfile.Model):
    """A case: input records by topic, and the rows that other topics have afterwards."""

    given: dict[str, list[Row]] = Field(
        min_length=1,
        description="Input records by topic, in order. A missing field is null. `_key` sets another"
        " key than the id in the value. `_deleted: true` is a record without a value. `_raw: text`"
        " is a value that is not Avro.",
    )
    expect: dict[str, list[Row]] = Field(
        min_length=1,
        description="All rows of each topic. For a table: the newest record of each key. For a"
        " stream: every record, with `_deleted: true` if it has no value. Only the given columns"
        " are compared.",
    )


class CasesFile(yamlfile.Model):
    """Cases by name. The name tells what the case shows."""

    cases: dict[str, CaseSpec] = Field(min_length=1)


@dataclass(frozen=True)
class Case:
    """A case and its file."""

    file: Path
    name: str
    given: Mapping[str, tuple[Row, ...]]
    expect: Mapping[str, tuple[Row, ...]]

    @property
    def line(self) -> int | None:
        """The line of the case, counted from 1."""
        return yamlfile.line_of(self.file, f"cases.{self.name}")

    def mistake(self, part: str, message: str) -> Mistake:
        """A mistake at a dotted key of the case."""
        key = f"cases.{self.name}.{part}"
        return Mistake(self.file, yamlfile.line_of(self.file, key) or self.line, part, message)


def find(root: Path, files: Iterable[Path]) -> tuple[Path, ...]:
    """The given files; without any, all files of cases in the repository.

    Raises:
        SpecError: beside them lie files that are never read.
    """
    chosen = tuple(files)
    if chosen:
        return chosen
    listed = [textfile.listed(root / folder, ".yaml") for folder in FOLDERS]
    mistakes = tuple(mistake for _, unread in listed for mistake in unread)
    if mistakes:
        raise SpecError(mistakes)
    return tuple(file for files, _ in listed for file in files)


def load(file: Path) -> tuple[Case, ...]:
    """Reads the cases of a file.

    Raises:
        SpecError: the file has mistakes.
    """
    content: CasesFile = yamlfile.load(file, CasesFile)
    return tuple(
        Case(file, name, _frozen(case.given), _frozen(case.expect))
        for name, case in content.cases.items()
    )


def _frozen(by_topic: Mapping[str, list[Row]]) -> dict[str, tuple[Row, ...]]:
    return {topic: tuple(rows) for topic, rows in by_topic.items()}


def check(case: Case, schemas: Mapping[str, Schema]) -> Iterator[Mistake]:
    """Mistakes in a case: topics and columns that do not exist."""
    for part, topics in (("given", case.given), ("expect", case.expect)):
        for topic, rows in topics.items():
            if topic not in schemas:
                yield case.mistake(f"{part}.{topic}", unknown("topic", topic, schemas))
                continue
            columns = {name.lower() for name in field_names(schemas[topic])}
            special = {KEY, DELETED, RAW} if part == "given" else {DELETED}
            for index, row in enumerate(rows):
                for column in row:
                    if column.lower() not in columns | special:
                        key = f"{part}.{topic}.{index}.{column}"
                        yield case.mistake(key, unknown("column", column, columns))


def messages(
    case: Case, topic: str, schema: Schema, key: str, encode: Callable[[Row], bytes]
) -> Iterator[tuple[bytes | None, bytes | None]]:
    """The input records of a topic, as keys and values. `key` is the field with the key.

    `encode` raises ValueError if a value does not fit the topic's schema.

    Raises:
        SpecError: a record does not fit the topic's schema.
    """
    for index, row in enumerate(case.given[topic]):
        key_value = row.get(KEY, row.get(key))
        key_bytes = None if key_value is None else str(key_value).encode()
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
    """The value; for a DECIMAL, as a Decimal: YAML has only floating-point numbers and text."""
    is_decimal = type_.startswith("DECIMAL(") and value is not None
    try:
        return Decimal(str(value)) if is_decimal else value
    except InvalidOperation:
        raise ValueError(f"{value} is no number") from None
