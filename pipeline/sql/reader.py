"""Parses ksql/*.sql: the part of ksqlDB's SQL that runs on both targets. The rest is refused.

This module parses a statement up to AS, token by token. pipeline/sql/select.py parses the query.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal

from sqlglot.errors import TokenError
from sqlglot.tokenizer_core import TokenType

from pipeline import textfile
from pipeline.errors import Mistake, SpecError
from pipeline.sql.dialect import FORMATS, PROPERTIES, TYPES, Ksql, is_reserved, reserved, type_of
from pipeline.sql.select import read_query
from pipeline.sql.statements import Column, Source, Statement, name_of, offset_of, tables_of
from pipeline.sql.tokens import Cursor
from pipeline.suggest import unknown

# Folders of ksql/ that have other files: pipeline/cases/, stack/sqlclient.py.
BESIDE = ("cases", "questions")
LARGEST = 200_000
MOST_STATEMENTS = 100
SETTING = [TokenType.STRING, TokenType.EQ, TokenType.STRING]
# Texts, names and comments from their beginnings to their ends; and how one begins.
CLOSED = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|`[^`]*`|--[^\n]*|/\*.*?\*/", re.DOTALL)
OPENING = re.compile(r"['\"`]|/\*")
# Properties of WITH that are numbers.
NUMBERS = {"PARTITIONS": re.compile(r"[1-9][0-9]{0,4}"), "RETENTION_MS": re.compile(r"-1|[0-9]+")}
VARIABLE = re.compile(r"\$\{([A-Za-z_]\w*)\}")


def load(folder: Path) -> tuple[Statement, ...]:
    """All statements of a folder's *.sql files, in the order of the files' names.

    Raises:
        SpecError: there are mistakes: the first of each file, and every source that is unknown or
            created twice.
    """
    statements: list[Statement] = []
    files, mistakes = textfile.listed(folder, ".sql", BESIDE)
    for file in files:
        try:
            statements += parse(file, textfile.read(file, LARGEST))
        except SpecError as error:
            mistakes += error.mistakes
    mistakes += _unknown_or_repeated(statements)
    if mistakes:
        raise SpecError(tuple(mistakes))
    return tuple(statements)


def _unknown_or_repeated(statements: list[Statement]) -> Iterator[Mistake]:
    seen: set[str] = set()
    for statement in statements:
        if statement.name in seen:
            yield statement.source.mistake(statement.start, f"{statement.name} is created twice")
        for table in tables_of(statement.query.select) if statement.query else ():
            if name_of(table.this) not in seen:
                message = f"no statement before this one creates {name_of(table.this)}"
                yield statement.source.mistake(offset_of(table, statement.start), message)
        seen.add(statement.name)


def parse(file: Path, text: str) -> list[Statement]:
    """The statements of one file.

    Raises:
        SpecError: the text has a mistake. Only the first one is reported.
    """
    source = Source(file, _filled_in(file, text))
    try:
        tokens = Ksql().tokenize(source.text)
    except TokenError:
        source.refuse(
            _last_opened(source.text), "a text, a name or a comment begins and never ends"
        )
    if sum(token.token_type is TokenType.SEMICOLON for token in tokens) > MOST_STATEMENTS:
        message = f"has more than {MOST_STATEMENTS} statements: make it several files"
        raise SpecError((Mistake(file, None, "", message),))
    statements = []
    settings: dict[str, str] = {}
    begin = 0
    for position, token in enumerate(tokens):
        if token.token_type is TokenType.SEMICOLON:
            reader = _Reader(source, tokens[begin:position])
            if reader.text == "SET":
                settings |= reader.setting()
            elif reader.text not in {"", "DEFINE"}:
                statements.append(reader.statement(settings))
            begin = position + 1
    if begin < len(tokens):
        source.refuse(tokens[begin].start, "this statement does not end with a semicolon")
    return statements


def _last_opened(text: str) -> int:
    """Where the quote or the comment begins that the text never closes."""
    position = 0
    for found in CLOSED.finditer(text):
        position = found.end()
    rest = OPENING.search(text, position)
    return rest.start() if rest else position


def _filled_in(file: Path, text: str) -> str:
    """The text with each ${name} replaced by the value of DEFINE name = 'value';."""
    values = dict(re.findall(r"(?im)^\s*DEFINE\s+(\w+)\s*=\s*'([^']*)'\s*;", text))
    unknown = next((m for m in VARIABLE.finditer(text) if m.group(1) not in values), None)
    if unknown:
        name = unknown.group(1)
        Source(file, text).refuse(unknown.start(), f"${{{name}}} has no DEFINE {name} = '…';")
    added = sum(len(values[match.group(1)]) for match in VARIABLE.finditer(text))
    if len(text) + added > LARGEST:
        message = f"is larger than {LARGEST // 1000} kB, its variables filled in"
        raise SpecError((Mistake(file, None, "", message),))
    return VARIABLE.sub(lambda match: values[match.group(1)], text)


class _Reader(Cursor):
    """Parses a statement, and its query by read_query."""

    def setting(self) -> dict[str, str]:
        self.expect("SET")
        if [token.token_type for token in self.tokens[1:]] != SETTING:
            self.refuse("expected SET 'property' = 'value'")
        return {self.tokens[1].text: self.tokens[3].text}

    def statement(self, settings: Mapping[str, str]) -> Statement:
        self.expect("CREATE")
        if self.skip("OR"):
            self.refuse("remove OR REPLACE: the deployment adds it where ksqlDB allows it")
        kind: Literal["STREAM", "TABLE"] = "STREAM"
        if not self.skip("STREAM"):
            self.expect("TABLE")
            kind = "TABLE"
        name = self.name()
        columns = self.columns(kind) if self.text == "(" else ()
        places: dict[str, int] = {}
        properties = self.properties(places) if self.skip("WITH") else {}
        query = read_query(self.source, self.tokens, self.at) if self.skip("AS") else None
        if query is None and self.at < len(self.tokens):
            self.refuse("unexpected")
        if not columns and not query:
            self.refuse("expected columns or AS SELECT: columns are not inferred from the schema")
        if query is None and properties.get("KEY_FORMAT") == "DELIMITED":
            self.source.refuse(
                places["KEY_FORMAT"], "the key is one column: write KEY_FORMAT = 'KAFKA'"
            )
        start, end = self.tokens[0].start, self.tokens[-1].end + 1
        return Statement(
            kind, name, columns, properties, query, dict(settings), self.source, start, end, places
        )

    def name(self) -> str:
        token = (
            self.tokens[self.at] if self.at < len(self.tokens) else self.refuse("expected a name")
        )
        self.at += 1
        return token.text if token.token_type is TokenType.IDENTIFIER else token.text.upper()

    def columns(self, kind: str) -> tuple[Column, ...]:
        self.expect("(")
        columns = [self.column(kind)]
        while self.skip(","):
            column = self.column(kind)
            if column.name in {other.name for other in columns}:
                self.source.refuse(column.start, f"{column.name} is declared twice")
            columns.append(column)
        self.expect(")")
        return tuple(columns)

    def column(self, kind: str) -> Column:
        start = self.tokens[min(self.at, len(self.tokens) - 1)].start
        name = self.name()
        if is_reserved(name):
            self.source.refuse(start, reserved(name))
        type_ = self.type()
        is_key = self.skip("PRIMARY KEY" if kind == "TABLE" else "KEY")
        return Column(name, type_, is_key, start)

    def type(self) -> str:
        start = self.at
        if not self.text:
            self.refuse("expected a type")
        self.at += 1
        if self.tokens[start].text.upper() == "DECIMAL" and self.skip("("):
            while self.text not in {")", ""}:
                self.at += 1
            self.expect(")")
        type_ = type_of("".join(token.text for token in self.tokens[start : self.at]))
        if not type_:
            self.at = start
            self.refuse(f"unknown type: use {', '.join(TYPES)} or DECIMAL(precision, scale)")
        return type_

    def properties(self, places: dict[str, int]) -> dict[str, str]:
        self.expect("(")
        properties: dict[str, str] = {}
        while True:
            key = self.name()
            places[key] = self.property(key, properties)
            if not self.skip(","):
                break
        self.expect(")")
        return properties

    def property(self, key: str, properties: dict[str, str]) -> int:
        """Reads the value of a property into `properties`, and returns the offset of its key."""
        start = self.tokens[self.at - 1].start
        if key in properties:
            self.source.refuse(start, f"{key} is given twice")
        if key not in PROPERTIES:
            self.source.refuse(start, f"WITH: {unknown('property', key, PROPERTIES)}")
        if key == "FORMAT":
            self.source.refuse(start, "replace FORMAT by KEY_FORMAT and VALUE_FORMAT")
        self.expect("=")
        sign = "-" if self.skip("-") else ""
        value = sign + (self.text and self.tokens[self.at].text)
        if value not in FORMATS.get(key, (value,)):
            self.refuse(f"{key} must be {' or '.join(FORMATS[key])}: no other runs on both targets")
        if key in NUMBERS and not NUMBERS[key].fullmatch(value):
            self.refuse(f"{key} is a whole number")
        self.at += 1
        properties[key] = value
        return start
