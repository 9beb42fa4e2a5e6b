"""Reads TMDL, Microsoft's text form of a model, into a tree. Each node knows its file and line.

It takes what the files of this folder are written in: tabs, one object or property a line, and
expressions that are indented two levels deeper than what they belong to.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pipeline import textfile
from pipeline.errors import Mistake, SpecError
from powerbi.grammar import KINDS

NAME = r"'(?:[^']|'')*'|[^\s'.=:]+"
OBJECT = re.compile(rf"^(?P<kind>[a-z]\w*) (?P<name>{NAME})(?: = ?(?P<value>.*)| =)?$")
REFERENCE = re.compile(rf"^ref (?P<kind>[a-z]\w*) (?P<name>{NAME})$")
PROPERTY = re.compile(r"^(?P<key>[a-z]\w*): (?P<value>.+)$")
EXPRESSION = re.compile(r"^(?P<key>[a-z]\w*) =(?: (?P<value>.+))?$")
FLAG = re.compile(r"^(?P<key>[a-z]\w*)$")
DESCRIPTION = "///"


# Two objects are never the same, even if they say the same.
@dataclass(eq=False)
class Node:
    """An object of the model. `value` is its expression; `lines` has the line of each property."""

    kind: str
    name: str
    file: Path
    line: int
    value: str | None = None
    description: str = ""
    properties: dict[str, str] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)
    children: list["Node"] = field(default_factory=list)
    references: list["Node"] = field(default_factory=list)
    # The line after its last one.
    end: int = 0

    def of(self, kind: str) -> list["Node"]:
        """The children of a kind."""
        return [child for child in self.children if child.kind == kind]

    def mistake(self, message: str, key: str = "") -> Mistake:
        """A mistake in this object, at one of its properties if it is there."""
        return Mistake(self.file, self.lines.get(key, self.line), "", message)


@dataclass(frozen=True)
class _Line:
    number: int
    depth: int
    text: str


class _Lines:
    """The lines of a file, read one after the other."""

    def __init__(self, file: Path, text: str) -> None:
        self.file = file
        self.lines = [self._line(*each) for each in enumerate(text.splitlines(), start=1)]
        self.at = 0

    @staticmethod
    def _line(number: int, text: str) -> _Line:
        bare = text.lstrip("\t")
        return _Line(number, len(text) - len(bare), bare.rstrip())

    def error(self, number: int, message: str) -> SpecError:
        return SpecError((Mistake(self.file, number, "", message),))

    def peek(self) -> _Line | None:
        """The next line that is not blank."""
        while self.at < len(self.lines) and not self.lines[self.at].text:
            self.at += 1
        return self.lines[self.at] if self.at < len(self.lines) else None

    def block(self, depth: int) -> str:
        """The lines that are at least so deep, and the blank ones between them."""
        found: list[str] = []
        while self.at < len(self.lines):
            line = self.lines[self.at]
            if line.text and line.depth < depth:
                break
            found.append("\t" * (line.depth - depth) + line.text)
            self.at += 1
        return "\n".join(found).strip("\n")

    @property
    def last(self) -> int:
        """The number of the last line read that is not blank."""
        read = (line.number for line in reversed(self.lines[: self.at]) if line.text)
        return next(read, 0)


def read(file: Path) -> Node:
    """The objects of a file, as the children of a node without a name.

    Raises:
        SpecError: the file cannot be read, or a line is not TMDL; the message has the line.
    """
    lines = _Lines(file, textfile.read(file))
    root = Node("", "", file, 1)
    _members(root, lines, 0)
    return root


def _members(owner: Node, lines: _Lines, depth: int) -> None:
    """Reads the properties and children of an object, all indented by `depth`."""
    told: list[str] = []
    while (line := lines.peek()) and line.depth >= depth:
        if line.text.startswith(" "):
            raise lines.error(line.number, "is indented with spaces: use tabs")
        if line.depth > depth:
            raise lines.error(line.number, f"is indented by {line.depth} tabs: expected {depth}")
        lines.at += 1
        if line.text.startswith(DESCRIPTION):
            told.append(line.text.removeprefix(DESCRIPTION).strip())
            continue
        node = _member(owner, line, lines)
        if told and node is None:
            raise lines.error(line.number, "a description, ///, stands above an object only")
        if node:
            node.description = "\n".join(told)
        told = []
    owner.end = lines.last + 1
    if told:
        raise lines.error(lines.last, "the description, ///, has no object under it")


def _member(owner: Node, line: _Line, lines: _Lines) -> Node | None:
    """Reads one property or one child. Returns the child."""
    if found := REFERENCE.match(line.text):
        name = unquoted(found["name"])
        owner.references.append(Node(found["kind"], name, lines.file, line.number))
        return None
    found = OBJECT.match(line.text)
    if found and found["kind"] in KINDS:
        return _child(owner, found, line, lines)
    for pattern in (PROPERTY, EXPRESSION, FLAG):
        if found := pattern.match(line.text):
            _property(owner, found, line, lines)
            return None
    raise lines.error(line.number, f"is no object or property: {line.text[:60]}")


def _child(owner: Node, found: re.Match[str], line: _Line, lines: _Lines) -> Node:
    child = Node(found["kind"], unquoted(found["name"]), lines.file, line.number)
    twin = next((one for one in owner.of(child.kind) if _same(one.name, child.name)), None)
    if twin:
        message = f"there is a {child.kind} {child.name} on line {twin.line} already"
        raise lines.error(line.number, message)
    owner.children.append(child)
    if "=" in line.text[found.end("name") :]:
        child.value = found["value"] or lines.block(line.depth + 2)
        if not child.value:
            raise lines.error(line.number, f"{child.name} has nothing after its =")
    _members(child, lines, line.depth + 1)
    return child


def _property(owner: Node, found: re.Match[str], line: _Line, lines: _Lines) -> None:
    groups = found.groupdict()
    key = groups["key"]
    if key in owner.properties:
        raise lines.error(line.number, f"{key} is on line {owner.lines[key]} already")
    value = "true" if found.re is FLAG else groups["value"] or lines.block(line.depth + 2)
    if not value:
        raise lines.error(line.number, f"{key} has nothing after its =")
    owner.properties[key] = value
    owner.lines[key] = line.number


def unquoted(name: str) -> str:
    """A name without its quotes."""
    return name[1:-1].replace("''", "'") if name.startswith("'") else name


def quoted(name: str) -> str:
    """A name as TMDL writes it."""
    if re.search(r"[\s'.=:]", name):
        return "'" + name.replace("'", "''") + "'"
    return name


def split(reference: str) -> tuple[str, str] | None:
    """The table and the column of `Table.column`; None if it is none."""
    found = re.fullmatch(rf"(?P<table>{NAME})\.(?P<column>{NAME})", reference)
    return (unquoted(found["table"]), unquoted(found["column"])) if found else None


def walk(node: Node) -> Iterator[Node]:
    """All objects below a node."""
    for child in node.children:
        yield child
        yield from walk(child)


def _same(one: str, other: str) -> bool:
    return one.casefold() == other.casefold()
