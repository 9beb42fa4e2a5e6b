"""A place in a statement's tokens."""

from typing import NoReturn

from sqlglot.tokenizer_core import Token

from pipeline.sql.statements import Source


class Cursor:
    """Reads one statement's tokens from left to right."""

    def __init__(self, source: Source, tokens: list[Token], at: int = 0) -> None:
        self.source = source
        self.tokens = tokens
        self.at = at

    @property
    def text(self) -> str:
        """The token here in upper case; "" after the last."""
        if self.at >= len(self.tokens):
            return ""
        # sqlglot makes one token of PRIMARY KEY, with the white space between.
        return " ".join(self.tokens[self.at].text.upper().split())

    def refuse(self, message: str) -> NoReturn:
        """Raises a mistake at the token here."""
        last = self.tokens[min(self.at, len(self.tokens) - 1)]
        self.source.refuse(last.start, message)

    def skip(self, word: str) -> bool:
        """Goes on if the token here is the word."""
        if self.text != word:
            return False
        self.at += 1
        return True

    def expect(self, *words: str) -> None:
        """Goes on over words that have to be here."""
        for word in words:
            if not self.skip(word):
                self.refuse(
                    f"expected {word}; only CREATE STREAM and CREATE TABLE run on both targets"
                    if word == "CREATE"
                    else f"expected {word}"
                )
