"""Near misses: what a person probably meant."""

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """'; did you mean X?' for the closest known word, or the empty string."""
    close = get_close_matches(word, list(known), n=1, cutoff=0.7)
    return f"; did you mean {close[0]}?" if close else ""


def unknown(kind: str, word: str, known: Iterable[str]) -> str:
    """A message for an unknown word that names the near miss, or else everything there is."""
    words = sorted(known)
    hint = did_you_mean(word, words) or f"; there are: {', '.join(words) or 'none'}"
    return f"unknown {kind} {word}{hint}"
