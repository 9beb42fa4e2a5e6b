"""What --only and --recreate select."""

from collections.abc import Iterable
from fnmatch import fnmatch
from pathlib import Path

from pipeline.errors import UsageError
from pipeline.plan import Plan
from pipeline.resources import RESOURCES
from pipeline.resources.desired import Desired
from pipeline.suggest import unknown

# Files that declare one thing: the file's name is a name of it, too.
FILES = {".yaml", ".avsc"}


def selected(patterns: Iterable[str], desired: Desired, plan: Plan) -> frozenset[str]:
    """The names of the resources that are called so, or come from a file that is.

    Raises:
        UsageError: a pattern matches nothing.
    """
    names = {change.name: {change.name} for change in plan.changes}
    for item in (item for resource in RESOURCES for item in desired.of(resource.kind)):
        file: Path | None = getattr(item, "file", None)
        of_file = {file.stem} if file and file.suffix in FILES else set()
        names[item.name] = {item.name, *of_file, *names.get(item.name, ())}
    known = {word for words in names.values() for word in words}
    selected: set[str] = set()
    for pattern in patterns:
        matching = {n for n, words in names.items() if any(fnmatch(w, pattern) for w in words)}
        if not matching:
            raise UsageError(unknown("resource", pattern, known))
        selected |= matching
    return frozenset(selected)


def recreated(names: Iterable[str], desired: Desired) -> frozenset[str]:
    """The statements of these names, in upper or lower case.

    Raises:
        UsageError: there is none of a name.
    """
    known = [i.name for r in RESOURCES if r.recreatable for i in desired.of(r.kind)]
    by_word = {word: name for name in known for word in (name.lower(), name.upper(), name)}
    for name in names:
        if name not in by_word:
            raise UsageError(unknown("statement", name, known))
    return frozenset(by_word[name] for name in names)
