"""Parses the query after AS.

ksqlDB's own clauses (WINDOW, WITHIN, PARTITION BY, EMIT) are read here and blanked out. sqlglot
parses the rest.
"""

import re
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.errors import ParseError
from sqlglot.tokenizer_core import Token, TokenType

from pipeline.sql.dialect import MILLIS, Ksql
from pipeline.sql.statements import Query, Source, Window, offset_of, tables_of
from pipeline.sql.tokens import Cursor

TEN_YEARS = 3650 * MILLIS["DAY"]
NO_GRACE = "Flink counts every late record: write GRACE PERIOD 3650 DAYS"
# Deeper nesting makes sqlglot, and code that walks its trees, exceed Python's recursion limit.
DEEPEST = 30
TOO_DEEP = f"is nested more than {DEEPEST} levels deep: split it into several statements"
LONGEST_CHAIN = 100
TYPED_LITERALS = {"DATE", "TIME", "TIMESTAMP", "INTERVAL"}


def read_query(source: Source, tokens: list[Token], at: int) -> Query:
    """The query from the token at index `at` to the last token.

    Raises:
        SpecError: the query has a mistake. Only the first one is reported.
    """
    return _QueryReader(source, tokens, at).query()


class _QueryReader(Cursor):
    def query(self) -> Query:
        begin = self.at
        if self.text != "SELECT":
            self.refuse("expected SELECT")
        self.check_tokens()
        blanks: list[tuple[int, int]] = []
        clauses: dict[str, Any] = {}
        while self.at < len(self.tokens):
            start = self.at
            if self.clause(clauses):
                blanks.append((self.tokens[start].start, self.tokens[self.at - 1].end + 1))
            else:
                self.at += 1
        span = (self.tokens[begin].start, self.tokens[-1].end + 1)
        select = self.parsed(span, blanks)
        self.check_sources(select, span[0])
        partition = clauses.get("PARTITION BY")
        by = self.key(partition) if partition else None
        return Query(select, clauses.get("WINDOW"), clauses.get("WITHIN"), by)

    def clause(self, clauses: dict[str, Any]) -> bool:
        """Reads one of ksqlDB's own clauses into `clauses`; false if there is none here."""
        name = self.text
        readers = {
            "WINDOW": self.window,
            "WITHIN": self.within,
            "PARTITION BY": self.until_emit,
            "EMIT": self.changes,
        }
        if name not in readers or self.tokens[self.at].token_type is TokenType.IDENTIFIER:
            return False
        if name in clauses:
            self.refuse(f"a second {name}")
        self.at += 1
        clauses[name] = readers[name]()
        return True

    def within(self) -> int:
        within_ms = self.duration()
        self.grace()
        return within_ms

    def changes(self) -> bool:
        self.expect("CHANGES")
        if self.at < len(self.tokens):
            self.refuse("EMIT CHANGES ends a statement: remove the rest")
        return True

    def check_tokens(self) -> None:
        """Refuses what sqlglot would read as a CAST, and what is nested too deep for it."""
        opened = prefixes = 0
        for position in range(self.at, len(self.tokens)):
            token, text = self.tokens[position], self.tokens[position].text.upper()
            before = self.tokens[position - 1].text.upper()
            if text == "FROM" and before == ",":
                self.source.refuse(token.start, "expected a column after the comma")
            if token.token_type is TokenType.DCOLON:
                self.source.refuse(token.start, "ksqlDB has no ::, write CAST(… AS …)")
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
                message = "FROM and JOIN take the name of a stream or table"
                self.source.refuse(offset_of(table, start), message)

    def key(self, span: tuple[int, int]) -> exp.Expression:
        keys = self.parsed(span, [], "SELECT ").expressions
        if len(keys) != 1:
            self.source.refuse(offset_of(keys[1], span[0]), "PARTITION BY takes one VARCHAR column")
        key: exp.Expression = keys[0]
        return key

    def until_emit(self) -> tuple[int, int]:
        start = self.at
        while self.text not in {"EMIT", ""}:
            self.at += 1
        if start == self.at:
            self.refuse("expected a column to partition by")
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
                self.refuse(
                    "ADVANCE must be at most SIZE: records between the windows would be lost"
                )
        if not self.skip(","):
            self.refuse(NO_GRACE)
        retention = None
        if self.skip("RETENTION"):
            retention = self.duration()
            if not self.skip(","):
                self.refuse(NO_GRACE)
        grace = self.grace()
        if retention is not None and retention < size + grace:
            self.refuse("ksqlDB requires RETENTION to be at least SIZE plus GRACE PERIOD")
        self.expect(")")
        return Window(size, advance)

    def grace(self) -> int:
        if not self.skip("GRACE"):
            self.refuse(NO_GRACE)
        self.expect("PERIOD")
        grace_ms = self.duration()
        if grace_ms < TEN_YEARS:
            self.at -= 2
            self.refuse(NO_GRACE)
        return grace_ms

    def positive(self) -> int:
        duration_ms = self.duration()
        if not duration_ms:
            self.at -= 2
            self.refuse("expected a number greater than 0")
        return duration_ms

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
        """The text of `span`, parsed by sqlglot.

        The rest of the file is replaced by blanks, so that sqlglot's offsets are those in the file.
        """
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
            # sqlglot's column is that of the token's end.
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


def _deeper_than(select: exp.Select, limit: int) -> exp.Expression | None:
    """A node that is deeper in the tree than the limit, if there is one."""
    level: list[exp.Expression] = [select]
    for _ in range(limit):
        level = [child for node in level for child in node.iter_expressions()]
    return level[0] if level else None


def _blank(text: str, start: int, end: int) -> str:
    return text[:start] + re.sub(r"[^\n]", " ", text[start:end]) + text[end:]
