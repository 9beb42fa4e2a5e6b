"""A cursor over a statement's tokens."""

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
        """The current token in upper case; "" after the last token."""
        if self.at >= len(self.tokens):
            return ""
        # To sqlglot, PRIMARY KEY is one token, with the white space in it.
        return " ".join(self.tokens[self.at].text.upper().split())

    def refuse(self, message: str) -> NoReturn:
        """Raises a SpecError at the current token."""
        last = self.tokens[min(self.at, len(self.tokens) - 1)]
        self.source.refuse(last.start, message)

    def skip(self, word: str) -> bool:
        """Moves past the current token if it is the word, and returns whether it was."""
        if self.text != word:
            return False
        self.at += 1
        return True

    def expect(self, *words: str) -> None:
        """Moves past these words. Raises a SpecError if another token is there."""
        for word in words:
            if not self.skip(word):
                self.refuse(
                    f"expected {word}; only CREATE STREAM and CREATE TABLE run on both targets"
                    if word == "CREATE"
                    else f"expected {word}"
                )
