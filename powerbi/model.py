"""The model: what the TMDL files say, each object with its place."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import Mistake, SpecError
from pipeline.repository.tmdl import SOURCE
from pipeline.suggest import unknown
from powerbi import grammar, tmdl
from powerbi.grammar import KINDS, Kind
from powerbi.tmdl import Node

TABLES = "tables"
NEEDED = ("database", "model")


@dataclass(frozen=True)
class Model:
    """The objects of a model. The tables have their files' order, by name."""

    folder: Path
    database: Node
    model: Node
    expressions: tuple[Node, ...]
    relationships: tuple[Node, ...]
    tables: Mapping[str, Node]

    def fields(self, table: str) -> Mapping[str, Node]:
        """Columns and measures of a table by name; none if there is no such table."""
        node = self.tables.get(table)
        return {n.name: n for n in (node.children if node else ()) if n.kind in FIELDS}

    @property
    def measures(self) -> Iterator[tuple[Node, Node]]:
        """Each measure, with its table."""
        for table in self.tables.values():
            for measure in table.of("measure"):
                yield table, measure


FIELDS = ("column", "measure")


def load(folder: Path) -> Model:
    """Reads the model in the folder `definition` of a semantic model.

    Raises:
        SpecError: a file cannot be read, or has what the grammar does not know.
    """
    roots = [_with_model(tmdl.read(file)) for file in sorted(folder.rglob("*.tmdl"))]
    mistakes = [mistake for root in roots for mistake in _of_top(root)]
    found = [child for root in roots for child in root.children]
    mistakes += [
        Mistake(folder, None, "", f"no file has a {kind}")
        for kind in NEEDED
        if not any(node.kind == kind for node in found)
    ]
    if mistakes:
        raise SpecError(tuple(mistakes))
    by_kind = {kind: [n for n in found if n.kind == kind] for kind in grammar.TOP}
    return Model(
        folder,
        by_kind["database"][0],
        by_kind["model"][0],
        tuple(by_kind["expression"]),
        tuple(by_kind["relationship"]),
        {node.name: node for node in by_kind["table"]},
    )


def view(table: Node) -> str | None:
    """The view of PostgreSQL that a table reads."""
    sources = (SOURCE.search(each.properties["source"]) for each in table.of("partition"))
    return next((found["view"] for found in sources if found), None)


def _with_model(root: Node) -> Node:
    """The file's objects. What belongs to the model itself stands beside it, not indented."""
    for model in root.of("model"):
        model.references.extend(root.references)
        model.children.extend(root.of("annotation"))
        root.children = [child for child in root.children if child.kind != "annotation"]
        root.references = []
    return root


def _of_top(root: Node) -> Iterator[Mistake]:
    for key in root.properties:
        yield root.mistake(f"{key} belongs to no object: indent it", key)
    yield from _no_references(root)
    for node in root.children:
        if node.kind in grammar.TOP:
            yield from _node(node)
        else:
            yield node.mistake(f"a {node.kind} belongs into another object: indent it")


def _node(node: Node) -> Iterator[Mistake]:
    kind = KINDS[node.kind]
    yield from _value(node, kind)
    for key, value in node.properties.items():
        message = _property(kind, key, value)
        if message:
            yield node.mistake(message, key)
    for key in kind.required:
        if key not in node.properties:
            yield node.mistake(f"{node.kind} {node.name} has no {key}")
    for child in node.children:
        if child.kind in kind.children:
            yield from _node(child)
        else:
            yield child.mistake(f"a {node.kind} has no {child.kind}")
    if node.kind != "model":
        yield from _no_references(node)


def _no_references(node: Node) -> Iterator[Mistake]:
    for reference in node.references:
        yield reference.mistake("ref stands in model.tmdl, under the model")


def _value(node: Node, kind: Kind) -> Iterator[Mistake]:
    if bool(kind.value) != (node.value is not None):
        must = f"= and its {kind.value}" if kind.value else "no ="
        yield node.mistake(f"{node.kind} {node.name} needs {must} after its name")
    if kind.value == "m" and node.value != "m":
        yield node.mistake(f"the source of {node.name} must be in M: partition {node.name} = m")


def _property(kind: Kind, key: str, value: str) -> str | None:
    """What is wrong with a property; None if nothing is."""
    allowed = kind.properties.get(key)
    if allowed is None:
        return unknown("property", key, kind.properties)
    if isinstance(allowed, tuple):
        return None if value in allowed else unknown(f"{key}", value, allowed)
    if allowed is grammar.FLAG:
        return None if value in {"true", "false"} else f"{key} must be true or false, not {value}"
    if allowed is grammar.NUMBER and not re.fullmatch(r"\d+", value):
        return f"{key} must be a number, not {value}"
    return None
