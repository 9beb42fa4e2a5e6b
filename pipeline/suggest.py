"""Suggestions for misspelt words."""

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """'; did you mean X?' with the most similar known word, or "" if none is similar."""
    close = get_close_matches(word, list(known), n=1, cutoff=0.7)
    return f"; did you mean {close[0]}?" if close else ""


def unknown(kind: str, word: str, known: Iterable[str]) -> str:
    """The message for an unknown word. It suggests a similar word, or else lists all of them."""
    words = sorted(known)
    hint = did_you_mean(word, words) or f"; there are: {', '.join(words) or 'none'}"
    return f"unknown {kind} {word}{hint}"
