"""Rejects as text and as JSON."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from rich.console import Console

from pipeline.rejects.reject import Choice, Reject

# A value as JSON; or what it is, if it cannot be read.
Read = Callable[[Reject], Any]
SHORT = 90


def groups(rejects: Iterable[Reject]) -> dict[tuple[str, tuple[str, ...]], list[Reject]]:
    """The rejects by topic and by the rules that they broke, the most frequent first."""
    found: defaultdict[tuple[str, tuple[str, ...]], list[Reject]] = defaultdict(list)
    for reject in rejects:
        found[reject.topic, reject.rules].append(reject)
    return dict(sorted(found.items(), key=lambda item: (-len(item[1]), item[0])))


def show(rejects: Sequence[Reject], read: Read, console: Console) -> None:
    """Prints how many each group has, and its newest record."""
    if not rejects:
        console.print("none")
        return
    for (topic, rules), several in groups(rejects).items():
        newest = max(several, key=lambda one: one.at_ms)
        said = f"{len(several):>9,}  {topic}: {', '.join(rules)}"
        console.print(said, soft_wrap=True, highlight=False, markup=False)
        example = f"           {newest.id}  {_short(read(newest))}"
        console.print(example, soft_wrap=True, highlight=False, markup=False, style="dim")


def as_json(rejects: Sequence[Reject], read: Read) -> str:
    """[{topic, rules, records, newest: the reject as in `one`}], the most frequent first."""
    listed = [
        {
            "topic": topic,
            "rules": list(rules),
            "records": len(several),
            "newest": one(max(several, key=lambda reject: reject.at_ms), read),
        }
        for (topic, rules), several in groups(rejects).items()
    ]
    return json.dumps(listed, indent=2)


def one(reject: Reject, read: Read) -> Mapping[str, Any]:
    """A whole reject, for JSON."""
    return {
        "id": reject.id,
        "topic": reject.topic,
        "partition": reject.partition,
        "offset": reject.offset,
        "at": datetime.fromtimestamp(reject.at_ms / 1000, UTC).isoformat(),
        "rules": list(reject.rules),
        **({"why": reject.why} if reject.why else {}),
        "key": None if reject.key is None else reject.key.decode(errors="replace"),
        "value": read(reject),
    }


def outcome(choice: Choice, sent: int, failed: str = "they broke these very rules") -> str:
    """What was sent again, and what was not and why; `failed` is what happened to those tried."""
    said = [f"{sent:,} records sent again" if sent else "nothing is sent again"]
    if choice.sent:
        said.append(f"{len(choice.sent):,} had been sent by a run that was killed")
    if choice.tried:
        said.append(f"{len(choice.tried):,} were before, and {failed} again")
    if choice.superseded:
        said.append(f"{len(choice.superseded):,} stay: a newer record of the key has come since")
    return "; ".join(said)


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= SHORT else f"{text[: SHORT - 1]}…"
