"""Names that Kubernetes takes: DNS-1123, and of each kind no two alike."""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping

# Of 253 letters, with room for a digest.
LONGEST = 240
DIGITS = 8


def unique(texts: Iterable[str]) -> Mapping[str, str]:
    """A name for each text: the text itself if it is one, and else one that is like it.

    Where two would be alike, each that is not itself a name gets a digest of its text. So a name
    does not depend on the order.
    """
    alike = {text: _name(text) for text in dict.fromkeys(texts)}
    used = Counter(alike.values())
    return {
        text: name if text == name or used[name] == 1 else f"{name}-{digest(text)}"
        for text, name in alike.items()
    }


def digest(text: str) -> str:
    """A few letters that differ if the text does."""
    return hashlib.sha256(text.encode()).hexdigest()[:DIGITS]


def _name(text: str) -> str:
    name = re.sub(r"[^a-z0-9]+", "-", text.lower()) if not _is_name(text) else text
    return name[:LONGEST].strip("-.") or "x"


def _is_name(text: str) -> bool:
    label = r"[a-z0-9]([a-z0-9-]*[a-z0-9])?"
    return bool(re.fullmatch(rf"{label}(\.{label})*", text)) and len(text) <= LONGEST
