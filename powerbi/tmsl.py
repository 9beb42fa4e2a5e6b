"""The model in TMSL, the JSON that a template holds. It says the same as the files in TMDL."""

import json
from typing import Any

from powerbi import grammar
from powerbi.grammar import KINDS
from powerbi.model import Model
from powerbi.tmdl import Node, split

# The object of a list in TMSL, by the kind of the child in TMDL.
LISTS = {
    "column": "columns", "measure": "measures", "partition": "partitions",
    "annotation": "annotations",
}  # fmt: skip


def database(model: Model) -> dict[str, Any]:
    """The whole model as one object."""
    node = model.model
    order = [reference.name for reference in node.references]
    return {
        "name": model.database.name,
        **_properties(model.database),
        "model": {
            **_properties(node),
            "tables": [_object(model.tables[name]) for name in order],
            "relationships": [_relationship(each) for each in model.relationships],
            "expressions": [_expression(each) for each in model.expressions],
            **_children(node),
        },
    }


def _object(node: Node) -> dict[str, Any]:
    described = {"description": node.description} if node.description else {}
    return {"name": node.name, **described, **_properties(node), **_children(node)}


def _children(node: Node) -> dict[str, Any]:
    makers = {"measure": _measure, "partition": _partition, "annotation": _annotation}
    return {
        key: [makers.get(kind, _object)(child) for child in node.of(kind)]
        for kind, key in LISTS.items()
        if node.of(kind)
    }


def _measure(node: Node) -> dict[str, Any]:
    return {**_object(node), "expression": _text(node.value or "")}


def _partition(node: Node) -> dict[str, Any]:
    source = {"type": node.value, "expression": _text(node.properties["source"])}
    return {"name": node.name, "mode": node.properties["mode"], "source": source}


def _annotation(node: Node) -> dict[str, Any]:
    return {"name": node.name, "value": node.value}


def _expression(node: Node) -> dict[str, Any]:
    return {**_object(node), "kind": "m", "expression": _text(node.value or "")}


def _relationship(node: Node) -> dict[str, Any]:
    rest = {k: v for k, v in _properties(node).items() if not k.endswith("Column")}
    ends: dict[str, str] = {}
    for side in ("from", "to"):
        ends[f"{side}Table"], ends[f"{side}Column"] = split(node.properties[f"{side}Column"]) or (
            "",
            "",
        )
    return {"name": node.name, **rest, **ends}


def _properties(node: Node) -> dict[str, Any]:
    return {key: _typed(node.kind, key, value) for key, value in node.properties.items()}


def _typed(kind: str, key: str, value: str) -> Any:
    what = KINDS[kind].properties[key]
    if what in {grammar.FLAG, grammar.NUMBER}:
        return json.loads(value)
    return value


def _text(expression: str) -> str | list[str]:
    """Several lines are a list, as Power BI Desktop writes them."""
    lines = expression.split("\n")
    return lines if len(lines) > 1 else expression
