"""Splits a script of PostgreSQL into statements, by the rules by which psql does it. Pure.

Each statement is sent by itself, and PostgreSQL takes no second one with it. So what were split
wrongly would be an error of syntax, and no statement can hide in another.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

TOKEN = re.compile(
    r"""
    (?P<comment> --[^\n]* )
  | (?P<block> /\* )
  | (?P<text> [eE]'(?:[^'\\]|\\.|'')*' | '(?:[^']|'')*' | "(?:[^"]|"")*" )
  | (?P<open> [eE]?' | " )
  | (?P<dollar> \$(?:[^\W\d]\w*)?\$ )
  | (?P<word> [^\W\d][\w$]* )
  | (?P<end> ; )
  | (?P<other> \S )
    """,
    re.VERBOSE | re.DOTALL,
)
BLOCK = re.compile(r"/\*|\*/")
# By the words that a statement begins with: why it cannot be in the script.
IN_A_TRANSACTION = "the script runs in one transaction of the deployment, which plan rolls back"
OUTSIDE = "PostgreSQL runs it outside of a transaction only, and the script runs in one"
REFUSED = {
    **dict.fromkeys(
        (
            "BEGIN", "START TRANSACTION", "COMMIT", "END", "ROLLBACK", "ABORT", "SAVEPOINT",
            "RELEASE", "PREPARE TRANSACTION",
        ),
        IN_A_TRANSACTION,
    ),
    **dict.fromkeys(
        (
            "VACUUM", "CREATE DATABASE", "DROP DATABASE", "CREATE TABLESPACE", "DROP TABLESPACE",
            "ALTER SYSTEM", "CREATE INDEX CONCURRENTLY", "CREATE UNIQUE INDEX CONCURRENTLY",
            "DROP INDEX CONCURRENTLY",
        ),
        OUTSIDE,
    ),
}  # fmt: skip
PSQL = "\\"


@dataclass(frozen=True)
class Step:
    """A statement of a script, without its semicolon. `line` is that of its first word."""

    line: int
    text: str
    words: tuple[str, ...]

    @property
    def refusal(self) -> str | None:
        """Why a deployment cannot run it, if it cannot."""
        if self.words[:1] == (PSQL,):
            return f"{self.text.split()[0]}: a command of psql, which PostgreSQL does not know"
        if self.words[:1] == ("COPY",) and {"STDIN", "STDOUT"} & set(self.words):
            return "COPY: only psql has an input and an output for it"
        beginnings = [" ".join(self.words[:count]) for count in (4, 3, 2, 1)]
        found = next((words for words in beginnings if words in REFUSED), None)
        return f"{found}: {REFUSED[found]}" if found else None


class UnclosedError(ValueError):
    """A quotation or a comment has no end. `line` is that of its beginning."""

    def __init__(self, line: int, quote: str) -> None:
        self.line = line
        super().__init__(f"{quote} is not closed")


def split(script: str) -> tuple[Step, ...]:
    """The statements of a script, in order.

    Raises:
        UnclosedError: a quotation or a comment has no end.
    """
    return tuple(_steps(script))


def _steps(script: str) -> Iterator[Step]:
    start: int | None = None
    words: list[str] = []
    last = depth = 0
    for kind, begin, end in _tokens(script):
        text = script[begin:end]
        if kind == "end" and depth == 0:
            if start is not None:
                yield _step(script, start, begin, words)
            start, words = None, []
            continue
        if start is None:
            start = begin
        if kind == "word" or text == PSQL:
            words.append(text.upper())
            depth = _depth(words, depth)
        last = end
    if start is not None:
        yield _step(script, start, last, words)


def _step(script: str, start: int, end: int, words: list[str]) -> Step:
    return Step(script.count("\n", 0, start) + 1, script[start:end].rstrip(), tuple(words))


def _depth(words: list[str], depth: int) -> int:
    """How many END are awaited in the body of a function that is written in SQL."""
    if words[0] != "CREATE":
        return 0
    if words[-2:] == ["BEGIN", "ATOMIC"] or (depth and words[-1] == "CASE"):
        return depth + 1
    return depth - 1 if depth and words[-1] == "END" else depth


def _tokens(script: str) -> Iterator[tuple[str, int, int]]:
    """The kind of each token that is no comment, and where it begins and ends."""
    at = 0
    while found := TOKEN.search(script, at):
        kind, begin, at = str(found.lastgroup), found.start(), found.end()
        if kind == "open":
            raise UnclosedError(script.count("\n", 0, begin) + 1, found[0])
        if kind in {"block", "dollar"}:
            at = _end_of_block(script, at) if kind == "block" else script.find(found[0], at)
            if at < 0:
                raise UnclosedError(script.count("\n", 0, begin) + 1, found[0])
            at += len(found[0]) if kind == "dollar" else 0
        if kind not in {"comment", "block"}:
            yield kind, begin, at


def _end_of_block(script: str, at: int) -> int:
    """Where a comment ends whose beginning is before `at`; they nest. -1: nowhere."""
    depth = 1
    for mark in BLOCK.finditer(script, at):
        depth += 1 if mark[0] == "/*" else -1
        if depth == 0:
            return mark.end()
    return -1
