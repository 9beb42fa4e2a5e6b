"""ksql/*.sql as statements: the part of ksqlDB SQL that both targets run. Anything else is refused.

The heads of statements are read here, token by token; the SELECT is sqlglot's, with what only
ksqlDB has (WINDOW, WITHIN, PARTITION BY, EMIT) taken out of it first.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal, NoReturn

import sqlglot
from sqlglot import exp, parser, tokens
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import ParseError, TokenError
from sqlglot.tokenizer_core import Token, TokenType

from pipeline.errors import Mistake, SpecError
from pipeline.suggest import unknown

TYPES = {
    "VARCHAR": "STRING",
    "STRING": "STRING",
    "INT": "INTEGER",
    "INTEGER": "INTEGER",
    "BIGINT": "BIGINT",
    "DOUBLE": "DOUBLE",
    "BOOLEAN": "BOOLEAN",
    "DATE": "DATE",
    "TIMESTAMP": "TIMESTAMP",
}
# Flink's DECIMAL has at most 38 digits, ksqlDB's any number.
DECIMAL = re.compile(r"DECIMAL *\( *(\d+) *, *(\d+) *\)")
MOST_DIGITS = 38
MILLIS = {"SECOND": 1000, "MINUTE": 60_000, "HOUR": 3_600_000, "DAY": 86_400_000}
TEN_YEARS = 3650 * MILLIS["DAY"]
NO_GRACE = "late records count, however late: say GRACE PERIOD 3650 DAYS"
# How deep sqlglot, and what walks over its trees, can go with Python's own limit.
DEEPEST = 30
TOO_DEEP = f"is nested more than {DEEPEST} deep: make it several statements"
LONGEST_CHAIN = 100
FORMATS = {
    "KEY_FORMAT": ("KAFKA", "DELIMITED"),
    "VALUE_FORMAT": ("AVRO",),
}
# CLEANUP_POLICY and REPLICAS are ksqlDB's own, in what it says that it runs.
PROPERTIES = {
    "KAFKA_TOPIC", "KEY_FORMAT", "VALUE_FORMAT", "FORMAT", "TIMESTAMP", "PARTITIONS",
    "RETENTION_MS", "CLEANUP_POLICY", "REPLICAS",
}  # fmt: skip
# ksqlDB's SystemColumns.
RESERVED = {"ROWTIME", "ROWPARTITION", "ROWOFFSET", "WINDOWSTART", "WINDOWEND"}
TYPED_LITERALS = {"DATE", "TIME", "TIMESTAMP", "INTERVAL"}
SETTING = [TokenType.STRING, TokenType.EQ, TokenType.STRING]
VARIABLE = re.compile(r"\$\{([A-Za-z_]\w*)\}")


class Ksql(Dialect):
    """ksqlDB for sqlglot: its quotes, and no function that sqlglot would give its own meaning."""

    class Tokenizer(tokens.Tokenizer):
        """Names are quoted by backticks or double quotes."""

        IDENTIFIERS: ClassVar[list[Any]] = ["`", '"']

    class Parser(parser.Parser):
        """Every function is anonymous, but CAST, which has a syntax of its own."""

        FUNCTIONS: ClassVar[dict[str, Any]] = {}
        NO_PAREN_FUNCTIONS: ClassVar[dict[Any, Any]] = {}
        FUNCTION_PARSERS: ClassVar[dict[str, Any]] = {
            "CAST": parser.Parser.FUNCTION_PARSERS["CAST"]
        }


@dataclass(frozen=True)
class Source:
    """A file's text, variables filled in."""

    file: Path
    text: str

    def mistake(self, offset: int, message: str) -> Mistake:
        """A mistake at an offset, with its column and the token there."""
        line = self.text.count("\n", 0, offset) + 1
        column = offset - self.text.rfind("\n", 0, offset)
        token = re.match(r"\w+|\S|$", self.text[offset:])
        found = token.group() if token else ""
        return Mistake(self.file, line, f"column {column}, {found!r}", message)

    def refuse(self, offset: int, message: str) -> NoReturn:
        """Raises the mistake."""
        raise SpecError((self.mistake(offset, message),))


@dataclass(frozen=True)
class Column:
    """A declared column; `type` is one of the values of TYPES."""

    name: str
    type: str
    is_key: bool
    start: int


@dataclass(frozen=True)
class Window:
    """TUMBLING has an advance equal to its size. Milliseconds."""

    size: int
    advance: int


@dataclass(frozen=True)
class Query:
    """What follows AS."""

    select: exp.Select
    window: Window | None
    within_ms: int | None
    partition_by: exp.Expression | None


@dataclass(frozen=True)
class Statement:
    """CREATE STREAM or TABLE. Names are in upper case unless they were quoted."""

    kind: Literal["STREAM", "TABLE"]
    name: str
    columns: tuple[Column, ...]
    properties: Mapping[str, str]
    query: Query | None
    settings: Mapping[str, str]
    source: Source
    start: int
    end: int
    places: Mapping[str, int] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """As it stands in the file, variables filled in, without the semicolon."""
        return self.source.text[self.start : self.end]

    @property
    def line(self) -> int:
        """Counted from 1."""
        return self.source.text.count("\n", 0, self.start) + 1

    @property
    def topic(self) -> str:
        """The topic that it reads, or writes."""
        return self.properties.get("KAFKA_TOPIC", self.name)

    @property
    def sources(self) -> tuple[str, ...]:
        """The streams and tables that the query reads, the left one of a join first."""
        return tuple(name_of(t.this) for t in tables_of(self.query.select)) if self.query else ()

    def refuse(self, node: exp.Expression | None, message: str) -> NoReturn:
        """Raises a mistake at a part of the query."""
        self.source.refuse(offset_of(node, self.start), message)

    def refuse_property(self, key: str, message: str) -> NoReturn:
        """Raises a mistake at a property of WITH, or else at the statement."""
        self.source.refuse(self.places.get(key, self.start), message)


def load(folder: Path) -> tuple[Statement, ...]:
    """All statements of a folder, in the order of the files' names.

    Raises:
        SpecError: with the first mistake of each file, its line, column and token.
    """
    mistakes: list[Mistake] = []
    statements: list[Statement] = []
    for file in sorted(folder.glob("*.sql")):
        try:
            statements += parse(file, file.read_text())
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
            yield statement.source.mistake(statement.start, f"{statement.name} is made twice")
        for table in tables_of(statement.query.select) if statement.query else ():
            if name_of(table.this) not in seen:
                message = f"no stream or table {name_of(table.this)} is made before this statement"
                yield statement.source.mistake(offset_of(table, statement.start), message)
        seen.add(statement.name)


def upstream(statements: Iterable[Statement], names: Iterable[str]) -> tuple[Statement, ...]:
    """The statements of these names and all that they build on, in order."""
    given = tuple(statements)
    wanted = set(names)
    for statement in reversed(given):
        if statement.name in wanted:
            wanted.update(statement.sources)
    return tuple(statement for statement in given if statement.name in wanted)


def name_of(identifier: exp.Expression) -> str:
    """ksqlDB's rule: upper case unless quoted."""
    name = str(identifier.this)
    return name if identifier.args.get("quoted") else name.upper()


def tables_of(select: exp.Select) -> list[exp.Table]:
    """What a query reads, the left one of a join first."""
    return [select.args["from_"].this, *(join.this for join in select.args.get("joins") or ())]


def aliases_of(select: exp.Select) -> dict[str, str]:
    """What a query reads by its aliases, the left one of a join first."""
    return {
        name_of(t.args["alias"].this) if t.args.get("alias") else name_of(t.this): name_of(t.this)
        for t in tables_of(select)
    }


def type_of(written: str) -> str:
    """A type as it is called here: one of TYPES, or DECIMAL(p, s); "" if it is neither."""
    found = DECIMAL.fullmatch(written.upper())
    if found is None:
        return TYPES.get(written.upper(), "")
    precision, scale = int(found.group(1)), int(found.group(2))
    fits = 1 <= precision <= MOST_DIGITS and scale <= precision
    return f"DECIMAL({precision}, {scale})" if fits else ""


def offset_of(node: exp.Expression | None, default: int) -> int:
    """Where in the file a part of a query begins, by the first name or literal in it."""
    parts = node.walk() if node is not None else ()
    return min((int(part.meta["start"]) for part in parts if "start" in part.meta), default=default)


def parse(file: Path, text: str) -> list[Statement]:
    """The statements of one file.

    Raises:
        SpecError: with the first mistake.
    """
    source = Source(file, _filled_in(file, text))
    try:
        tokens = Ksql().tokenize(source.text)
    except TokenError as error:
        raise SpecError((Mistake(file, None, "", f"not SQL: {error}"),)) from None
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


def _filled_in(file: Path, text: str) -> str:
    """The text with ${variables} of DEFINE name = 'value'; replaced."""
    values = dict(re.findall(r"(?im)^\s*DEFINE\s+(\w+)\s*=\s*'([^']*)'\s*;", text))
    unknown = next((m for m in VARIABLE.finditer(text) if m.group(1) not in values), None)
    if unknown:
        name = unknown.group(1)
        Source(file, text).refuse(unknown.start(), f"${{{name}}} has no DEFINE {name} = '…';")
    return VARIABLE.sub(lambda match: values[match.group(1)], text)


class _Reader:
    """Reads one statement's tokens from left to right."""

    def __init__(self, source: Source, tokens: list[Token]) -> None:
        self.source = source
        self.tokens = tokens
        self.at = 0

    def setting(self) -> dict[str, str]:
        self.expect("SET")
        if [token.token_type for token in self.tokens[1:]] != SETTING:
            self.refuse("expected SET 'property' = 'value'")
        return {self.tokens[1].text: self.tokens[3].text}

    def statement(self, settings: Mapping[str, str]) -> Statement:
        self.expect("CREATE")
        if self.skip("OR"):
            self.refuse(
                "OR REPLACE is added by the deployment where ksqlDB allows it: leave it out"
            )
        kind: Literal["STREAM", "TABLE"] = "STREAM"
        if not self.skip("STREAM"):
            self.expect("TABLE")
            kind = "TABLE"
        name = self.name()
        columns = self.columns(kind) if self.text == "(" else ()
        places: dict[str, int] = {}
        properties = self.properties(places) if self.skip("WITH") else {}
        query = self.query() if self.skip("AS") else None
        if self.at < len(self.tokens):
            self.refuse("unexpected")
        if not columns and not query:
            self.refuse("columns or AS SELECT are missing: every column is stated here")
        if query is None and properties.get("KEY_FORMAT") == "DELIMITED":
            self.source.refuse(places["KEY_FORMAT"], "one column is the key: KEY_FORMAT = 'KAFKA'")
        start, end = self.tokens[0].start, self.tokens[-1].end + 1
        return Statement(
            kind, name, columns, properties, query, dict(settings), self.source, start, end, places
        )

    @property
    def text(self) -> str:
        if self.at >= len(self.tokens):
            return ""
        # sqlglot makes one token of PRIMARY KEY, with the white space between.
        return " ".join(self.tokens[self.at].text.upper().split())

    def refuse(self, message: str) -> NoReturn:
        last = self.tokens[min(self.at, len(self.tokens) - 1)]
        self.source.refuse(last.start, message)

    def skip(self, word: str) -> bool:
        if self.text != word:
            return False
        self.at += 1
        return True

    def expect(self, *words: str) -> None:
        for word in words:
            if not self.skip(word):
                self.refuse(
                    f"expected {word}; only CREATE STREAM and CREATE TABLE run on both targets"
                    if word == "CREATE"
                    else f"expected {word}"
                )

    def name(self) -> str:
        token = (
            self.tokens[self.at] if self.at < len(self.tokens) else self.refuse("expected a name")
        )
        self.at += 1
        return token.text if token.token_type is TokenType.IDENTIFIER else token.text.upper()

    def columns(self, kind: str) -> tuple[Column, ...]:
        self.expect("(")
        found = [self.column(kind)]
        while self.skip(","):
            column = self.column(kind)
            if column.name in {other.name for other in found}:
                self.source.refuse(column.start, f"{column.name} is there twice")
            found.append(column)
        self.expect(")")
        return tuple(found)

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
            self.refuse(f"the type is none of {', '.join(TYPES)}, DECIMAL(precision, scale)")
        return type_

    def properties(self, places: dict[str, int]) -> dict[str, str]:
        self.expect("(")
        found: dict[str, str] = {}
        while True:
            key = self.name()
            places[key] = self.property(key, found)
            if not self.skip(","):
                break
        self.expect(")")
        return found

    def property(self, key: str, found: dict[str, str]) -> int:
        """Reads what follows the key, and adds it; where the key stands."""
        start = self.tokens[self.at - 1].start
        if key in found:
            self.source.refuse(start, f"{key} is there twice")
        if key not in PROPERTIES:
            self.source.refuse(start, f"WITH: {unknown('property', key, PROPERTIES)}")
        if key == "FORMAT":
            self.source.refuse(start, "FORMAT is of key and value: say KEY_FORMAT, VALUE_FORMAT")
        self.expect("=")
        sign = "-" if self.skip("-") else ""
        value = sign + (self.text and self.tokens[self.at].text)
        if value not in FORMATS.get(key, (value,)):
            self.refuse(f"{key} is {' or '.join(FORMATS[key])}: no other runs on both targets")
        self.at += 1
        found[key] = value
        return start

    def query(self) -> Query:
        begin = self.at
        if self.text != "SELECT":
            self.refuse("expected SELECT")
        self.check_tokens()
        blanks: list[tuple[int, int]] = []
        found: dict[str, Any] = {}
        while self.at < len(self.tokens):
            start = self.at
            if self.clause(found):
                blanks.append((self.tokens[start].start, self.tokens[self.at - 1].end + 1))
            else:
                self.at += 1
        span = (self.tokens[begin].start, self.tokens[-1].end + 1)
        select = self.parsed(span, blanks)
        self.check_sources(select, span[0])
        partition = found.get("PARTITION BY")
        by = self.key(partition) if partition else None
        return Query(select, found.get("WINDOW"), found.get("WITHIN"), by)

    def clause(self, found: dict[str, Any]) -> bool:
        """Reads what only ksqlDB has, and adds it; false if something else stands here."""
        name = self.text
        readers = {
            "WINDOW": self.window,
            "WITHIN": self.within,
            "PARTITION BY": self.until_emit,
            "EMIT": self.changes,
        }
        if name not in readers or self.tokens[self.at].token_type is TokenType.IDENTIFIER:
            return False
        if name in found:
            self.refuse(f"a second {name}")
        self.at += 1
        found[name] = readers[name]()
        return True

    def within(self) -> int:
        found = self.duration()
        self.grace()
        return found

    def changes(self) -> bool:
        self.expect("CHANGES")
        if self.at < len(self.tokens):
            self.refuse("EMIT CHANGES is the end of a statement")
        return True

    def check_tokens(self) -> None:
        """Refuses what sqlglot would take for a CAST, and what is nested too deep for it."""
        opened = prefixes = 0
        for position in range(self.at, len(self.tokens)):
            token, text = self.tokens[position], self.tokens[position].text.upper()
            before = self.tokens[position - 1].text.upper()
            if text == "FROM" and before == ",":
                self.source.refuse(token.start, "expected one more column")
            if token.token_type is TokenType.DCOLON:
                self.source.refuse(token.start, ":: is not ksqlDB's: say CAST(… AS …)")
            if token.token_type is TokenType.STRING and before in TYPED_LITERALS:
                self.source.refuse(token.start, f"{before} '…' does not run on both targets: CAST")
            plain = token.token_type not in {TokenType.STRING, TokenType.IDENTIFIER}
            opened += plain * ((text in {"(", "CASE"}) - (text in {")", "END"}))
            prefixes = prefixes + 1 if plain and text in {"NOT", "-", "+"} else 0
            if opened + prefixes > DEEPEST:
                self.source.refuse(token.start, TOO_DEEP)

    def check_sources(self, select: exp.Select, start: int) -> None:
        if not select.args.get("from_"):
            self.source.refuse(start, "FROM is missing")
        for table in tables_of(select):
            if not isinstance(table, exp.Table) or not isinstance(table.this, exp.Identifier):
                message = "a query reads streams and tables by their names"
                self.source.refuse(offset_of(table, start), message)

    def key(self, span: tuple[int, int]) -> exp.Expression:
        keys = self.parsed(span, [], "SELECT ").expressions
        if len(keys) != 1:
            self.source.refuse(
                offset_of(keys[1], span[0]), "PARTITION BY takes one column, a VARCHAR"
            )
        found: exp.Expression = keys[0]
        return found

    def until_emit(self) -> tuple[int, int]:
        start = self.at
        while self.text not in {"EMIT", ""}:
            self.at += 1
        if start == self.at:
            self.refuse("expected what to partition by")
        return self.tokens[start].start, self.tokens[self.at - 1].end + 1

    def window(self) -> Window:
        kind = self.text
        if kind not in {"TUMBLING", "HOPPING"}:
            self.refuse("only TUMBLING and HOPPING windows run on both targets")
        self.at += 1
        self.expect("(", "SIZE")
        size = advance = self.positive()
        if kind == "HOPPING":
            self.expect(",", "ADVANCE", "BY")
            advance = self.positive()
            if advance > size:
                self.at -= 2
                self.refuse("ADVANCE is at most SIZE: records between the windows would be lost")
        if not self.skip(","):
            self.refuse(NO_GRACE)
        retention = None
        if self.skip("RETENTION"):
            retention = self.duration()
            if not self.skip(","):
                self.refuse(NO_GRACE)
        grace = self.grace()
        if retention is not None and retention < size + grace:
            self.refuse("RETENTION is at least SIZE and GRACE PERIOD together, as ksqlDB asks")
        self.expect(")")
        return Window(size, advance)

    def grace(self) -> int:
        if not self.skip("GRACE"):
            self.refuse(NO_GRACE)
        self.expect("PERIOD")
        found = self.duration()
        if found < TEN_YEARS:
            self.at -= 2
            self.refuse(NO_GRACE)
        return found

    def positive(self) -> int:
        found = self.duration()
        if not found:
            self.at -= 2
            self.refuse("expected more than 0")
        return found

    def duration(self) -> int:
        number = self.text
        if not number.isdigit():
            self.refuse("expected a whole number")
        self.at += 1
        unit = self.text.removesuffix("S")
        if unit not in MILLIS:
            self.refuse(f"expected {', '.join(f'{unit}S' for unit in MILLIS)}")
        self.at += 1
        return int(number) * MILLIS[unit]

    def parsed(
        self, span: tuple[int, int], blanks: list[tuple[int, int]], prefix: str = ""
    ) -> exp.Select:
        """The query by sqlglot, everything else blank: places in it are places in the file."""
        kept = _blank(self.source.text, 0, span[0])
        kept = _blank(kept, span[1], len(kept))
        for start, end in blanks:
            kept = _blank(kept, start, end)
        if prefix:
            kept = kept[: span[0] - len(prefix)] + prefix + kept[span[0] :]
        try:
            select = sqlglot.parse_one(kept, dialect=Ksql)
        except ParseError as error:
            first = error.errors[0]
            lines = self.source.text.split("\n")
            # sqlglot counts to the token's end.
            before = sum(len(line) + 1 for line in lines[: first["line"] - 1])
            self.source.refuse(
                before + first["col"] - len(first["highlight"]),
                str(first["description"]).partition(" for <class")[0],
            )
        except RecursionError:
            self.source.refuse(span[0], TOO_DEEP)
        if not isinstance(select, exp.Select):
            self.source.refuse(span[0], "expected SELECT")
        if deepest := _deeper_than(select, LONGEST_CHAIN):
            self.source.refuse(offset_of(deepest, span[0]), TOO_DEEP)
        return select


def is_reserved(name: str) -> bool:
    """Whether no column may have this name: ksqlDB's own, and the translation's."""
    return name in RESERVED or name.startswith("__")


def reserved(name: str) -> str:
    """What to say of such a name."""
    return f"{name} is a name of the engine's own: call it otherwise"


def _deeper_than(select: exp.Select, limit: int) -> exp.Expression | None:
    """A part of the tree that is deeper than the limit."""
    level: list[exp.Expression] = [select]
    for _ in range(limit):
        level = [child for node in level for child in node.iter_expressions()]
    return level[0] if level else None


def _blank(text: str, start: int, end: int) -> str:
    return text[:start] + re.sub(r"[^\n]", " ", text[start:end]) + text[end:]


# Under other names


# What may follow a source that has no alias.
AFTER_SOURCE = {
    "JOIN", "INNER", "LEFT", "RIGHT", "FULL", "ON", "WITHIN", "WHERE", "WINDOW", "GROUP BY",
    "PARTITION BY", "HAVING", "EMIT", "",
}  # fmt: skip


def renamed(statement: Statement, names: Mapping[str, str], topics: Mapping[str, str]) -> str:
    """A statement's text with other names for streams and tables, and for its topic.

    A source keeps its old name as an alias, so that what is qualified by it stays right.

    Raises:
        SpecError: it does not name its topic.
    """
    text = statement.text
    found = Ksql().tokenize(text)
    words = [" ".join(token.text.upper().split()) for token in found]
    edits: list[tuple[int, int, str]] = []
    has_topic = False
    for at, token in enumerate(found):
        before = words[at - 1] if at else ""
        if before in {"STREAM", "TABLE"} and at == 2:
            edits.append((token.start, token.end + 1, names[statement.name]))
        elif before in {"FROM", "JOIN"}:
            following = words[at + 1] if at + 1 < len(words) else ""
            old = text[token.start : token.end + 1]
            name = old.strip('`"') if old != token.text else token.text.upper()
            alias = f" {old}" if following in AFTER_SOURCE else ""
            edits.append((token.start, token.end + 1, names[name] + alias))
        elif before == "=" and words[at - 2] == "KAFKA_TOPIC":
            edits.append((token.start, token.end + 1, f"'{topics[statement.topic]}'"))
            has_topic = True
    if not has_topic:
        statement.refuse(None, "name its topic, WITH (KAFKA_TOPIC = '…'), to test it")
    for start, end, new in reversed(edits):
        text = text[:start] + new + text[end:]
    return text
